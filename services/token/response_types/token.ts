// The response type `token` (RFC 6749 4.2.2): an access token, and never a refresh token.
import { issueAccessToken } from '../tokens/grant_tokens.js'
import type { ResponsePart } from './response_type.js'

export const token: ResponsePart = {
  name: 'token',
  grantType: 'implicit',

  async answer(parts, { request: { scope }, grant, issue }) {
    const { accessToken, expiresIn } = await issueAccessToken(parts, issue, grant, scope)
    return { access_token: accessToken, token_type: 'bearer', expires_in: String(expiresIn), scope: scope.join(' ') }
  },
}
