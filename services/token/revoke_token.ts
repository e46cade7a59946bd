// Token revocation (RFC 7009): a client gives back a token of its own. Where there is a grant, all that was issued under it
// ends, the refresh token and every access token alike. For a token that is not known or not its own nothing happens, and
// the answer is the same.
import type { RevokeTokenRequest } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Call } from '../kit/rpc/contract.js'
import type { Parts } from './parts.js'
import { readAccessToken } from './tokens/access_token.js'
import { decodeRefreshToken } from './tokens/refresh_token.js'

interface Owned {
  readonly clientId: string
  readonly registrationId: string
}

/** Errors: `invalid_client`, `invalid_request`. The hint is not needed: a token tells what it is. */
export async function revokeToken(parts: Parts, request: RevokeTokenRequest, call: Call): Promise<void> {
  const { token, credentials } = request
  const { client } = await parts.clients.authenticate(credentials, call)
  if (token === '') throw new OAuthError('invalid_request', 'The parameter token is missing.')
  const isOwn = ({ clientId, registrationId }: Owned): boolean =>
    clientId === client.clientId && registrationId === client.registrationId
  const refreshToken = decodeRefreshToken(parts.sealer, token)
  if (refreshToken) {
    const grant = await parts.grants.find(refreshToken.grantId, call)
    if (grant && isOwn(grant)) await parts.revocations.revokeGrant(grant.id)
    return
  }
  const accessToken = await readAccessToken(parts, token)
  if (!accessToken || !isOwn(accessToken)) return
  const { grantId, tokenId, expiresAt } = accessToken
  if (grantId === '') await parts.revocations.revokeToken(tokenId, expiresAt)
  else await parts.revocations.revokeGrant(grantId)
}
