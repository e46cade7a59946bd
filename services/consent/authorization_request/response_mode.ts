// How the answer reaches the client: `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1,
// OAuth 2.0 Form Post Response Mode).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'
import { answersWithTokens } from './response_type.js'

export const responseModes = ['query', 'fragment', 'form_post'] as const
export type ResponseMode = (typeof responseModes)[number]

/** The mode where none is asked for (Multiple Response Types section 5). */
export const defaultResponseMode = (parameters: AuthorizationRequest['parameters']): ResponseMode =>
  answersWithTokens(parameters) ? 'fragment' : 'query'

/** The first check: errors of all later ones go back in the mode that was asked for. */
export function checkResponseMode(request: AuthorizationRequest): void {
  const asked = request.parameters.response_mode
  if (!asked) return
  const mode = responseModes.find((known) => known === asked)
  if (!mode) throw new OAuthError('unsupported_response_mode', '`response_mode` is none of query, fragment, form_post.')
  if (mode === 'query' && answersWithTokens(request.parameters))
    throw new OAuthError('invalid_request', '`response_mode` query is not for answers that have tokens in them.')
  request.responseMode = mode
}
