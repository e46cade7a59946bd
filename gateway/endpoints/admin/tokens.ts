// Tokens on the admin port: Hydra's /admin/oauth2/introspect and /admin/oauth2/tokens, and /oauth2/flush of Hydra v1.
import { OAuthError } from '../../../services/kit/oauth_error.js'
import { sendNothing } from '../../http/answer.js'
import { readForm, readJson, readQuery } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { JsonObject } from '../../json/json_object.js'
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

/** Deletes at once what has expired; of what is too much for one call, the rest follows in the background. */
export function flushExpired({ services }: Parts): Endpoint {
  return async (ctx) => {
    const body = await readJson(ctx)
    const notAfter = body === undefined ? undefined : new JsonObject(body).time('notAfter')
    const { call } = ctx.state
    await Promise.all([
      services.tokens.purgeExpired({ notAfter }, call),
      services.consent.purgeExpired({ notAfter }, call),
    ])
    sendNothing(ctx)
  }
}
