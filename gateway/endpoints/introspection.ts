// The introspection endpoint: RFC 7662. On the public port for confidential clients and holders of an access token.
import { IntrospectRequest } from '#proto/introspection/v1/introspection_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { sendTokenText } from '../http/answer.js'
import { readForm } from '../http/body.js'
import { bearerTokenOf, takeClientCredentials } from '../http/credentials.js'
import type { Context, Endpoint, Parts } from '../http/endpoint.js'
import { inactive, introspectionJson } from '../json/introspection.js'

/** Whatever is sent as a token is answered; one that is larger than what the service takes is no token. */
export const introspectionLimit = 1025 * 1024
const tokenLimit = 200 * 1024

export function introspection(parts: Parts): Endpoint {
  return async (ctx) => {
    const form = await readForm(ctx, introspectionLimit)
    const callerClientId = await identifyCaller(ctx, parts, form)
    await introspect(ctx, parts, form, callerClientId)
  }
}

/** Answers for a caller who may ask; an empty client id stands for the operator, who may see every token. */
export async function introspect(
  ctx: Context,
  { services }: Parts,
  { token, token_type_hint: tokenTypeHint = '', scope = '' }: Record<string, string>,
  callerClientId: string,
): Promise<void> {
  if (!token) throw new OAuthError('invalid_request', "The parameter 'token' is missing.")
  if (token.length > tokenLimit) return sendTokenText(ctx, inactive)
  const request = IntrospectRequest.create({ token, tokenTypeHint, scope, callerClientId })
  sendTokenText(ctx, introspectionJson(await services.introspection.introspect(request, ctx.state.call)))
}

/** The client that asks (RFC 7662 section 2.1): by its credentials, or by an access token that it holds. */
async function identifyCaller(ctx: Context, { services }: Parts, form: Record<string, string>): Promise<string> {
  const { call } = ctx.state
  const credentials = takeClientCredentials(ctx, form)
  const bearer = bearerTokenOf(ctx)
  if (bearer === undefined) {
    const { client, method } = await services.clients.authenticateClient({ credentials }, call)
    if (!client || method === 'none')
      throw new OAuthError('invalid_client', 'A public client may not introspect tokens.')
    return client.clientId
  }
  if (credentials.clientSecret || credentials.clientAssertion)
    throw new OAuthError('invalid_request', 'The caller authenticated in more than one way.')
  const request = IntrospectRequest.create({ token: bearer })
  const { active, tokenUse, clientId } = await services.introspection.introspect(request, call)
  if (!active || tokenUse !== 'access_token') throw new OAuthError('invalid_token')
  return clientId
}
