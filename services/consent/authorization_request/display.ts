// How pages are to be shown: `display` (OpenID Connect Core section 3.1.2.1); the login app decides.
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

export const displays = ['page', 'popup', 'touch', 'wap'] as const

export function checkDisplay({ parameters }: AuthorizationRequest): void {
  const asked = parameters.display
  if (asked && !(displays as readonly string[]).includes(asked))
    throw new OAuthError('invalid_request', '`display` is none of page, popup, touch, wap.')
}
