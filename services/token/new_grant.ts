// The row that a grant begins as, whatever it was asked for with.
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import { asksForRefreshToken } from '../kit/scope_strategy.js'
import type { TokenConfig } from './config.js'
import { accessTokenLifespan } from './lifespans.js'
import type { NewGrant } from './store/grant_store.js'

const emptyAsNull = (text: string): string | null => (text === '' ? null : text)

const asJson = (claims: Record<string, unknown> | undefined): string | null =>
  claims && Object.keys(claims).length > 0 ? JSON.stringify(claims) : null

export function newGrant(
  config: TokenConfig,
  request: StartGrantRequest,
  ends: Pick<NewGrant, 'codeLifespan' | 'purgeAfter' | 'accessExpiresAt'>,
): NewGrant {
  const { absolute_lifespan: absoluteLifespan } = config.oauth2.grant.refresh_token
  return {
    id: request.grantId,
    clientId: request.clientId,
    registrationId: request.registrationId,
    subject: request.subject,
    obfuscatedSubject: emptyAsNull(request.obfuscatedSubject),
    loginSessionId: request.loginSessionId || request.grantId,
    scope: request.scope.join(' '),
    audience: emptyAsNull(request.audience.join(' ')),
    nonce: emptyAsNull(request.nonce),
    acr: emptyAsNull(request.acr),
    amr: request.amr.length > 0 ? JSON.stringify(request.amr) : null,
    accessTokenClaims: asJson(request.accessTokenClaims),
    idTokenClaims: asJson(request.idTokenClaims),
    authenticatedAt: request.authenticatedAt || null,
    requestedAt: request.requestedAt || null,
    absoluteLifespan: absoluteLifespan ?? null,
    ...ends,
  }
}

const month = 30 * 86_400

/** Seconds that the first tokens of a grant may live, given a client's own lifespans. */
export const longestLifespan = (
  config: TokenConfig,
  scope: readonly string[],
  accessToken: number | undefined,
  refreshToken: number | undefined,
): number =>
  asksForRefreshToken(scope)
    ? (refreshToken ?? config.ttl.refresh_token ?? month)
    : accessTokenLifespan(config, accessToken)
