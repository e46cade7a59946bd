// What binds an ID token to the request: `nonce`. Where the ID token comes from the authorization endpoint, the client has
// nothing else to know it by (OpenID Connect Core sections 3.2.2.1 and 3.3.2.11).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'
import { asksForIdToken } from './response_type.js'

export function checkNonce({ parameters, scope }: AuthorizationRequest): void {
  if (!asksForIdToken(parameters)) return
  if (!scope.includes('openid'))
    throw new OAuthError('invalid_request', 'An ID token is asked for without the scope openid.')
  if (!parameters.nonce) throw new OAuthError('invalid_request', '`nonce` is missing.')
}
