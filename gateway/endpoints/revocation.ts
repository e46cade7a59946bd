// The revocation endpoint: RFC 7009.
import { OAuthError } from '../../services/kit/oauth_error.js'
import { readForm } from '../http/body.js'
import { takeClientCredentials } from '../http/credentials.js'
import type { Endpoint, Parts } from '../http/endpoint.js'

export function revocation({ services }: Parts): Endpoint {
  return async (ctx) => {
    const form = await readForm(ctx)
    const credentials = takeClientCredentials(ctx, form)
    const { token, token_type_hint: tokenTypeHint = '' } = form
    if (!token) throw new OAuthError('invalid_request', "The parameter 'token' is missing.")
    await services.tokens.revokeToken({ token, tokenTypeHint, credentials }, ctx.state.call)
    ctx.status = 200
    ctx.body = ''
    ctx.remove('Content-Type')
    ctx.res.setHeader('Pragma', 'no-cache')
  }
}
