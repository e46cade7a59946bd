// The response type `code` (RFC 6749 4.1.2): stores the grant as one row and answers with an authorization code.
import type { Client } from '#proto/client/v1/client_service.js'
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import { nowSeconds } from '../../kit/clock.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { asksForRefreshToken } from '../../kit/scope_strategy.js'
import type { TokenConfig } from '../config.js'
import { accessTokenLifespan } from '../lifespans.js'
import type { NewGrant } from '../store/grant_store.js'
import { issueCode } from '../tokens/authorization_code.js'
import type { ResponseType } from './response_type.js'

export const code: ResponseType = {
  name: 'code',

  async start(parts, client, request) {
    const { config, sealer, grants } = parts
    const isNew = await grants.insert(toGrant(config, client, request))
    if (!isNew) throw new OAuthError('conflict', 'The grant was begun before.')
    const { grantId, clientId, registrationId, redirectUri, codeChallenge } = request
    const binding = { clientId, registrationId, redirectUri, codeChallenge }
    return { code: issueCode(sealer, grantId, nowSeconds() + config.ttl.auth_code, binding) }
  },
}

const emptyAsNull = (text: string): string | null => (text === '' ? null : text)

const asJson = (claims: Record<string, unknown> | undefined): string | null =>
  claims && Object.keys(claims).length > 0 ? JSON.stringify(claims) : null

function toGrant(config: TokenConfig, client: Client, request: StartGrantRequest): NewGrant {
  const { absolute_lifespan: absoluteLifespan } = config.oauth2.grant.refresh_token
  return {
    id: request.grantId,
    clientId: request.clientId,
    registrationId: request.registrationId,
    subject: request.subject,
    obfuscatedSubject: emptyAsNull(request.obfuscatedSubject),
    loginSessionId: emptyAsNull(request.loginSessionId),
    scope: request.scope.join(' '),
    audience: emptyAsNull(request.audience.join(' ')),
    nonce: emptyAsNull(request.nonce),
    acr: emptyAsNull(request.acr),
    amr: request.amr.length > 0 ? JSON.stringify(request.amr) : null,
    accessTokenClaims: asJson(request.accessTokenClaims),
    idTokenClaims: asJson(request.idTokenClaims),
    authenticatedAt: request.authenticatedAt || null,
    requestedAt: request.requestedAt || null,
    codeLifespan: config.ttl.auth_code,
    purgeAfter: purgeAfter(config, client, request.scope),
    absoluteLifespan: absoluteLifespan ?? null,
  }
}

const month = 30 * 86_400

/**
 * When the row is first looked at: when all that the code can give has expired, so that the usual grant is looked at once.
 * Not before the flow that led here is over, so that its verifier finds the grant begun.
 */
function purgeAfter(config: TokenConfig, client: Client, scope: readonly string[]): number {
  const { ttl } = config
  const own = client.lifespans
  const longest = asksForRefreshToken(scope)
    ? (own?.authorizationCodeGrantRefreshToken ?? ttl.refresh_token ?? month)
    : accessTokenLifespan(config, own?.authorizationCodeGrantAccessToken)
  return Math.max(ttl.auth_code + longest, ttl.login_consent_request)
}
