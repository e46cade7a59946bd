// The JWT bearer grant (RFC 7521 section 4.1, RFC 7523 sections 2.1 and 3): a token for whom an issuer vouches that the operator
// trusts. An assertion is good once.
import { checkAudience, checkTimes, readJti } from '../../kit/jwt/claims.js'
import { isSignedWith, signatureAlgorithms } from '../../kit/jwt/signature.js'
import { type Claims, JwtError, readSignedJwt, type SignedJwt } from '../../kit/jwt/signed_jwt.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { coversScope, mayHaveAudience, mayHaveScope } from '../allowed.js'
import type { TokenConfig } from '../config.js'
import { issueWithoutGrant } from '../issue_without_grant.js'
import { accessTokenLifespan } from '../lifespans.js'
import type { Parts } from '../parts.js'
import type { StoredIssuer } from '../store/trusted_issuer_store.js'
import type { GrantRequest, GrantType } from './grant_type.js'

const form = { types: ['jwt', 'authorization-grant+jwt'], algorithms: signatureAlgorithms }

/** Seconds that an assertion is remembered beyond its end. */
const rememberedAfter = 300

export const jwtBearer: GrantType = {
  name: 'urn:ietf:params:oauth:grant-type:jwt-bearer',

  async issue(parts, request) {
    const { client, isPublic, parameter, call } = request
    if (isPublic) throw new OAuthError('unauthorized_client', 'A public client has no credentials to show.')
    const text = parameter('assertion')
    if (text === '') throw new OAuthError('invalid_request', 'The parameter assertion is missing.')
    const { config } = parts
    const scope = splitWords(parameter('scope'))
    if (!mayHaveScope(config, client, scope))
      throw new OAuthError('invalid_scope', 'The client may not ask for one of the scopes.')
    const requested = splitWords(parameter('audience'))
    if (!mayHaveAudience(client, requested))
      throw new OAuthError('invalid_request', 'The client may not ask for one of the audiences.')
    const assertion = await accept(parts, request, text, scope)
    return issueWithoutGrant(
      parts,
      {
        grantType: jwtBearer.name,
        client,
        subject: assertion.subject,
        hasEndUser: true,
        scope,
        audience: config.oauth2.grant.jwt.omit_assertion_audience ? requested : [...requested, ...assertion.audience],
        lifespan: accessTokenLifespan(config, client.lifespans?.jwtBearerGrantAccessToken),
        payload: { assertion: [text] },
        useUp: () => useUp(parts, assertion),
      },
      call,
    )
  },
}

interface Assertion {
  readonly issuer: string
  readonly subject: string
  readonly audience: readonly string[]
  /** Undefined where it has none and needs none. */
  readonly jti: string | undefined
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** What an assertion says that a trusted issuer made for this server. Error: `invalid_grant`. */
async function accept(
  parts: Parts,
  { call }: GrantRequest,
  text: string,
  scope: readonly string[],
): Promise<Assertion> {
  try {
    const jwt = readSignedJwt(text, form)
    const assertion = readClaims(parts.config, jwt.claims)
    const { issuer, subject } = assertion
    const trusts = (await parts.trustedIssuers.findTrusts(issuer, subject, jwt.kid, call)).filter(isSignerOf(jwt))
    if (trusts.length === 0)
      throw new JwtError('It is not signed with a key that its issuer is trusted with for its subject.')
    if (!trusts.some((trust) => coversScope(parts.config, splitWords(trust.scope), scope)))
      throw new JwtError('Its issuer is not trusted with one of the scopes.')
    return assertion
  } catch (thrown) {
    throw thrown instanceof JwtError ? refused(thrown.message) : thrown
  }
}

/** RFC 7523 section 3. */
function readClaims({ audiences, oauth2 }: TokenConfig, claims: Claims): Assertion {
  const { iss, sub, aud, exp, jti } = claims
  const { jti_optional: jtiOptional, iat_optional: iatOptional, max_ttl: maxLifespan } = oauth2.grant.jwt
  if (typeof iss !== 'string' || iss === '') throw new JwtError('It has no iss.')
  if (typeof sub !== 'string' || sub === '') throw new JwtError('It has no sub.')
  checkTimes(claims, { needed: iatOptional ? ['exp'] : ['exp', 'iat'], maxLifespan })
  checkAudience(claims, audiences)
  return {
    issuer: iss,
    subject: sub,
    audience: [aud].flat().map(String),
    jti: jtiOptional && jti === undefined ? undefined : readJti(claims),
    expiresAt: Number(exp),
  }
}

const isSignerOf =
  (jwt: SignedJwt) =>
  ({ publicJwk }: StoredIssuer): boolean =>
    isSignedWith(JSON.parse(publicJwk), jwt)

async function useUp({ usedAssertions }: Parts, { issuer, jti, expiresAt }: Assertion): Promise<void> {
  if (jti === undefined) return
  if (!(await usedAssertions.use(issuer, jti, expiresAt + rememberedAfter)))
    throw refused('It was used before: each is good once and has a jti of its own.')
}

const refused = (why: string) => new OAuthError('invalid_grant', 'The assertion cannot be accepted.', { hint: why })
