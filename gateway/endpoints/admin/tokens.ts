// Tokens on the admin port: Hydra's /admin/oauth2/introspect and /admin/oauth2/tokens.
import { OAuthError } from '../../../services/kit/oauth_error.js'
import { sendNothing } from '../../http/answer.js'
import { readForm, readQuery } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { introspect, introspectionLimit } from '../introspection.js'

/** For the operator, who may see every token. */
export function introspectToken(parts: Parts): Endpoint {
  return async (ctx) => introspect(ctx, parts, await readForm(ctx, introspectionLimit), '')
}

export function revokeClientAccessTokens({ services }: Parts): Endpoint {
  return async (ctx) => {
    const { client_id: clientId } = readQuery(ctx)
    if (!clientId) throw new OAuthError('invalid_request', "The query parameter 'client_id' is missing.")
    await services.tokens.revokeClientAccessTokens({ clientId }, ctx.state.call)
    sendNothing(ctx)
  }
}
