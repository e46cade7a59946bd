// Proof Key for Code Exchange: `code_challenge` and `code_challenge_method` (RFC 7636 section 4.3, RFC 9700 section 2.1.1).
import { OAuthError } from '../../kit/oauth_error.js'
import { decodeBase64url } from '../../kit/sealing.js'
import { isPublicClient } from '../clients.js'
import type { AuthorizationRequest, CheckContext } from './check.js'
import { asksForCode } from './response_type.js'

export const codeChallengeMethods = ['S256'] as const

export function checkCodeChallenge(request: AuthorizationRequest, { pkceEnforced }: CheckContext): void {
  const { code_challenge: challenge, code_challenge_method: method } = request.parameters
  if (!challenge) {
    if (method) throw new OAuthError('invalid_request', '`code_challenge_method` came without a `code_challenge`.')
    if (asksForCode(request.parameters) && (pkceEnforced || isPublicClient(request.client)))
      throw new OAuthError('invalid_request', '`code_challenge` is missing: this client must use PKCE.')
    return
  }
  // Without a method it would be `plain` (RFC 7636 section 4.3), which protects from nobody who sees the request.
  if (method !== 'S256') throw new OAuthError('invalid_request', '`code_challenge_method` must be S256.')
  const decoded = decodeBase64url(challenge)
  if (decoded?.length !== 32)
    throw new OAuthError('invalid_request', '`code_challenge` is not a SHA-256 hash in base64url, 43 characters.')
  request.codeChallenge = decoded
}
