// Client assertions (RFC 7521 section 4.2, RFC 7523 sections 2.2 and 3): all that the methods have in common which use them.
import type { ClientCredentials } from '#proto/client/v1/client_service.js'
import { checkAudience, checkTimes, readJti } from '../../kit/jwt/claims.js'
import { macAlgorithms, signatureAlgorithms } from '../../kit/jwt/signature.js'
import { JwtError, readSignedJwt, type SignedJwt } from '../../kit/jwt/signed_jwt.js'
import type { Candidate } from '../store/client_store.js'
import { type AuthenticationContext, invalidClient, type Shown } from './method.js'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const form = {
  types: ['jwt', 'client-authentication+jwt'],
  algorithms: [...signatureAlgorithms, ...macAlgorithms],
}

/** Seconds: whatever a client authenticates with is good for an hour at most. */
const times = { needed: ['exp'], maxAhead: 3_600 } as const

/** Seconds that an assertion is remembered beyond its end. */
const rememberedAfter = 300

/**
 * What a client shows with an assertion of one of these algorithms; undefined for any other. `isProven` checks its signature.
 * Error: `invalid_client`.
 */
export function readAssertion(
  credentials: ClientCredentials,
  algorithms: readonly string[],
  { audiences, store }: AuthenticationContext,
  isProven: (jwt: SignedJwt, candidate: Candidate) => Promise<boolean>,
): Shown | undefined {
  const { clientAssertion, clientAssertionType } = credentials
  if (clientAssertion === '' && clientAssertionType === '') return undefined
  if (clientAssertionType !== assertionType)
    throw invalidClient('another type of assertion', `client_assertion_type must be '${assertionType}'.`)
  return refusing(() => {
    const jwt = readSignedJwt(clientAssertion, form)
    if (!algorithms.includes(jwt.alg)) return undefined
    const { clientId, jti, exp } = checkClaims(jwt, audiences)
    return {
      clientId,
      hint: 'The client_assertion is not signed with a key and an algorithm that are registered for its client.',
      proves: async (candidate) => isAllowed(jwt, candidate) && refusing(() => isProven(jwt, candidate)),
      useUp: () => store.usedAssertions.use(clientId, jti, exp + rememberedAfter),
    }
  })
}

/** RFC 7523 section 3. */
function checkClaims({ claims }: SignedJwt, audiences: readonly string[]) {
  const { iss, sub, exp } = claims
  if (typeof sub !== 'string' || sub === '' || iss !== sub) throw new JwtError('Its iss and sub are not the client_id.')
  checkTimes(claims, times)
  checkAudience(claims, audiences)
  return { clientId: sub, jti: readJti(claims), exp: Number(exp) }
}

const isAllowed = ({ alg }: SignedJwt, { signingAlg }: Candidate): boolean => signingAlg === '' || signingAlg === alg

/** Does the work; what is wrong with the JWT is told. */
function refusing<T>(work: () => T): T {
  try {
    const result = work()
    return result instanceof Promise ? (result.catch(refuse) as T) : result
  } catch (thrown) {
    return refuse(thrown)
  }
}

function refuse(thrown: unknown): never {
  if (!(thrown instanceof JwtError)) throw thrown
  throw invalidClient(thrown.message, `The client_assertion cannot be accepted. ${thrown.message}`)
}
