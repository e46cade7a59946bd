// The logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4): tells one client that a login session has ended.
import type { SignLogoutTokenRequest } from '#proto/token/v1/token_service.js'
import { nowSeconds } from '../../kit/clock.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { newUuid } from '../../kit/random.js'
import type { Call } from '../../kit/rpc/contract.js'
import { signJwt } from '../keys/jwt.js'
import type { Parts } from '../parts.js'
import { idTokenKeyFor } from './id_token.js'

/** Seconds; section 4 wants it short. */
const lifespan = 120

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** Error: `invalid_client`. */
export async function issueLogoutToken(parts: Parts, request: SignLogoutTokenRequest, call: Call): Promise<string> {
  const { clientId, registrationId, loginSessionId } = request
  const client = await parts.clients.find(clientId)
  if (client?.registrationId !== registrationId)
    throw new OAuthError('invalid_client', 'The client is no longer registered.')
  const key = idTokenKeyFor(parts, client)
  await parts.keys.noteLifespan(key, lifespan)
  const subject = await subjectFor(parts, client.subjectType, request, call)
  const issuedAt = nowSeconds()
  return signJwt(key, 'logout+jwt', {
    iss: parts.config.issuer,
    aud: [clientId],
    iat: issuedAt,
    exp: issuedAt + lifespan,
    jti: newUuid(),
    events: { [event]: {} },
    sid: loginSessionId,
    ...(subject === undefined ? {} : { sub: subject }),
  })
}

/** The subject as the client's ID tokens have it; undefined where only the grant knew it and is no more. */
async function subjectFor(
  { grants }: Parts,
  subjectType: string,
  { grantId, subject }: SignLogoutTokenRequest,
  call: Call,
): Promise<string | undefined> {
  const grant = await grants.find(grantId, call)
  if (grant) return grant.obfuscatedSubject ?? grant.subject
  return subjectType === 'pairwise' ? undefined : subject
}
