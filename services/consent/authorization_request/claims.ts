// Which claims are asked for: `claims` (OpenID Connect Core section 5.5). Not supported, so its content is not looked at;
// what is no JSON object is an error all the same.
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

export function checkClaims({ parameters }: AuthorizationRequest): void {
  const asked = parameters.claims
  if (asked && !isJsonObject(asked)) throw new OAuthError('invalid_request', '`claims` is not a JSON object.')
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
