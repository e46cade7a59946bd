// How fresh the login must be: `max_age` (OpenID Connect Core section 3.1.2.1).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

export function checkMaxAge(request: AuthorizationRequest): void {
  const asked = request.parameters.max_age
  if (!asked) return
  if (!/^[0-9]{1,10}$/.test(asked)) throw new OAuthError('invalid_request', '`max_age` is not a number of seconds.')
  request.maxAge = Number(asked)
}
