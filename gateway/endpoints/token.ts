// The token endpoint: RFC 6749 section 3.2.
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { sendTokenJson } from '../http/answer.js'
import { readForm } from '../http/body.js'
import { takeClientCredentials } from '../http/credentials.js'
import type { Endpoint, Parts } from '../http/endpoint.js'
import { sendError } from '../http/errors.js'
import { errorToJson } from '../json/error.js'

export function token({ config, services }: Parts): Endpoint {
  return async (ctx) => {
    const parameters = await readForm(ctx)
    const credentials = takeClientCredentials(ctx, parameters)
    const { grant_type: grantType } = parameters
    if (!grantType) throw new OAuthError('invalid_request', "The parameter 'grant_type' is missing.")
    delete parameters.grant_type
    try {
      const issued = await services.tokens.issueToken({ grantType, parameters, credentials }, ctx.state.call)
      sendTokenJson(ctx, toJson(issued))
    } catch (thrown) {
      if (!(thrown instanceof OAuthError && thrown.code === 'access_denied')) throw thrown
      // RFC 6749 section 5.2: a bad request, also where an end-user has refused (RFC 8628 section 3.5).
      sendError(ctx, 400, errorToJson(thrown, { admin: false, legacy: config.oauth2.include_legacy_error_fields }))
    }
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
