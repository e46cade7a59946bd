// The response type `id_token` (OAuth 2.0 Multiple Response Types 3, OpenID Connect Core 3.2.2.10 and 3.3.2.11): an ID token
// with the hashes of what is issued beside it.
import { OAuthError } from '../../kit/oauth_error.js'
import { issueIdToken } from '../tokens/id_token.js'
import type { ResponsePart } from './response_type.js'

export const idToken: ResponsePart = {
  name: 'id_token',
  grantType: 'implicit',

  async answer(parts, { request, grant, issue }, { access_token: accessToken = '', code = '' }) {
    if (!request.scope.includes('openid'))
      throw new OAuthError('access_denied', 'The scope openid, which an ID token needs, was not granted.')
    const { client, issuedAt, lifespans } = issue
    const content = { grant, client, issuedAt, lifespan: lifespans.idToken, accessToken, code, nonce: request.nonce }
    return { id_token: await issueIdToken(parts, content) }
  },
}
