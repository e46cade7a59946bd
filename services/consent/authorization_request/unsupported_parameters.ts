// Parameters that are understood and not supported (OpenID Connect Core section 3.1.2.6).
import { OAuthError, type OAuthErrorCode } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

export const unsupportedParameters = {
  registration: 'registration_not_supported',
} as const satisfies Record<string, OAuthErrorCode>

export function checkUnsupportedParameters({ parameters }: AuthorizationRequest): void {
  for (const [name, code] of Object.entries(unsupportedParameters)) if (parameters[name]) throw new OAuthError(code)
}
