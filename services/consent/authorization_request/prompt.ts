// Whether the end-user may or must be asked: `prompt` (OpenID Connect Core section 3.1.2.1).
import { OAuthError } from '../../kit/oauth_error.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { isPublicClient } from '../clients.js'
import { isClaimedRedirectUri } from '../consent_requirement.js'
import type { AuthorizationRequest } from './check.js'

export const prompts = ['none', 'login', 'consent', 'select_account', 'registration'] as const

export function checkPrompt(request: AuthorizationRequest): void {
  const asked = splitWords(request.parameters.prompt ?? '')
  const unknown = asked.find((prompt) => !(prompts as readonly string[]).includes(prompt))
  if (unknown !== undefined)
    throw new OAuthError(
      'invalid_request',
      `\`prompt\` has the value '${unknown.slice(0, 100)}', which is not supported.`,
    )
  if (asked.includes('none') && asked.length > 1)
    throw new OAuthError('invalid_request', '`prompt` has other values beside none.')
  request.prompt = asked
}

/** Anyone can claim a custom scheme, so that there the end-user is always asked (RFC 8252 section 8.6). */
export function checkSilentRequest({ prompt, client, redirectUri }: AuthorizationRequest): void {
  if (prompt.includes('none') && isPublicClient(client) && !isClaimedRedirectUri(redirectUri))
    throw new OAuthError('consent_required', 'A public client with such a redirect URI needs consent each time.')
}
