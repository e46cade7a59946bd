// What the client asks for: `scope` (RFC 6749 section 3.3). None at all is fine: then nothing is granted by scope.
import { OAuthError } from '../../kit/oauth_error.js'
import { splitWords } from '../../kit/scope_strategy.js'
import type { AuthorizationRequest, CheckContext } from './check.js'

const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]+$/

export function checkScope(request: AuthorizationRequest, { scopeStrategy }: CheckContext): void {
  const asked = splitWords(request.parameters.scope ?? '')
  const allowed = splitWords(request.client.scope)
  for (const scope of asked)
    if (!scopeForm.test(scope) || !scopeStrategy(allowed, scope))
      throw new OAuthError('invalid_scope', `The client may not ask for the scope '${scope.slice(0, 100)}'.`)
  request.scope = asked
}
