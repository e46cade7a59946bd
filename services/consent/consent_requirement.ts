// Whether the end-user has to be asked, or consent is known or not needed (OpenID Connect Core section 3.1.2.4).
import type { Client } from '#proto/client/v1/client_service.js'
import { isLoopback } from '../kit/loopback.js'
import type { ScopeStrategy } from '../kit/scope_strategy.js'
import { splitWords } from '../kit/scope_strategy.js'
import type { AuthorizationRequest } from './authorization_request/check.js'
import { isPublicClient } from './clients.js'
import type { RememberedConsent } from './store/consent_store.js'

/** Whether only the client's owner, or a program on the end-user's own machine, can receive what is sent there. */
export function isClaimedRedirectUri(redirectUri: string): boolean {
  const { protocol, hostname } = new URL(redirectUri)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/** Whether the end-user is asked whatever was allowed before. */
export const asksForConsent = (request: AuthorizationRequest): boolean =>
  request.prompt.includes('consent') || (isPublicClient(request.client) && !isClaimedRedirectUri(request.redirectUri))

/** Whether the operator has decided that the end-users of this client are not asked. */
export const needsNoConsent = (client: Client): boolean => client.skipConsent

/** Whether a remembered consent allows all that is asked for now: every scope and every audience. */
export function coversRequest(
  consent: RememberedConsent,
  request: Pick<AuthorizationRequest, 'scope' | 'audience'>,
  scopeStrategy: ScopeStrategy,
): boolean {
  const scope = splitWords(consent.grantedScope)
  const audience = splitWords(consent.grantedAudience)
  return (
    request.scope.every((asked) => scopeStrategy(scope, asked)) &&
    request.audience.every((asked) => audience.includes(asked))
  )
}
