// Whom the client expects: `id_token_hint` (OpenID Connect Core section 3.1.2.1).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest, CheckContext } from './check.js'

export async function checkIdTokenHint(request: AuthorizationRequest, { idTokenHints }: CheckContext): Promise<void> {
  const token = request.parameters.id_token_hint
  if (!token) return
  const hint = await idTokenHints.verify(token)
  if (!hint.audience.includes(request.client.clientId))
    throw new OAuthError('invalid_request', '`id_token_hint` was issued to another client.')
  request.idTokenHint = hint
}
