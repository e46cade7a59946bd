// No parameter may come twice (RFC 6749 section 3.1).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

export function checkDuplicates({ duplicates }: AuthorizationRequest): void {
  const [name] = duplicates
  if (name !== undefined)
    throw new OAuthError('invalid_request', `The parameter '${name.slice(0, 64)}' was sent more than once.`)
}
