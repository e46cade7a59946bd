// The token endpoint: RFC 6749 section 3.2.
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { sendTokenJson } from '../http/answer.js'
import { readForm } from '../http/body.js'
import { takeClientCredentials } from '../http/credentials.js'
import type { Endpoint, Parts } from '../http/endpoint.js'

export function token({ services }: Parts): Endpoint {
  return async (ctx) => {
    const parameters = await readForm(ctx)
    const credentials = takeClientCredentials(ctx, parameters)
    const { grant_type: grantType } = parameters
    if (!grantType) throw new OAuthError('invalid_request', "The parameter 'grant_type' is missing.")
    delete parameters.grant_type
    const issued = await services.tokens.issueToken({ grantType, parameters, credentials }, ctx.state.call)
    sendTokenJson(ctx, toJson(issued))
  }
}

const toJson = ({ accessToken, tokenType, expiresIn, scope, refreshToken, idToken }: IssueTokenResponse) => ({
  access_token: accessToken,
  token_type: tokenType,
  expires_in: expiresIn,
  scope,
  ...(refreshToken && { refresh_token: refreshToken }),
  ...(idToken && { id_token: idToken }),
})
