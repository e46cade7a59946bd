// Dynamic client registration: RFC 7591, RFC 7592, OpenID Connect Registration 1.0.
import type { Client } from '#proto/client/v1/client_service.js'
import type { Config } from '../../services/kit/config/config.js'
import { kindOf, OAuthError } from '../../services/kit/oauth_error.js'
import { sendJson, sendNothing } from '../http/answer.js'
import { bearerChallenge } from '../http/bearer_challenge.js'
import { readJson } from '../http/body.js'
import { shownById } from '../http/cors.js'
import { bearerTokenOf } from '../http/credentials.js'
import type { Context, Endpoint, Parts } from '../http/endpoint.js'
import { RateLimit } from '../http/rate_limit.js'
import { createTlsTermination } from '../http/tls_termination.js'
import { clientFromJson, registrationToJson } from '../json/client.js'

const bodyLimit = 64 * 1024

export function registerClient({ config, services }: Parts): Endpoint {
  const checkRate = rateOf(config)
  return async (ctx) => {
    checkRate(ctx)
    const request = clientFromJson(await readJson(ctx, bodyLimit))
    const registered = await services.registration.registerClient(request, ctx.state.call)
    sendRegistration(ctx, registrationToJson(config, registered), 201)
  }
}

export function getRegisteredClient({ config, services }: Parts): Endpoint {
  return asHolder(async (ctx, clientId, registrationAccessToken) => {
    const request = { clientId, registrationAccessToken }
    const { client } = await services.registration.getRegisteredClient(request, ctx.state.call)
    // RFC 7592 section 3 wants the token in every answer; only its hash is kept, but here it was just shown.
    sendRegistration(ctx, registrationToJson(config, { client, clientSecret: '', registrationAccessToken }))
  })
}

export function updateRegisteredClient({ config, services }: Parts): Endpoint {
  const checkRate = rateOf(config)
  return asHolder(async (ctx, clientId, registrationAccessToken) => {
    checkRate(ctx)
    const json = await readJson(ctx, bodyLimit)
    const { client, clientSecret } = clientFromJson(json)
    checkClientId(client, clientId)
    const request = { client: { ...client, clientId }, clientSecret, registrationAccessToken }
    const updated = await services.registration.updateRegisteredClient(request, ctx.state.call)
    sendRegistration(ctx, registrationToJson(config, updated))
  })
}

export function deleteRegisteredClient({ services }: Parts): Endpoint {
  return asHolder(async (ctx, clientId, registrationAccessToken) => {
    await services.registration.deleteRegisteredClient({ clientId, registrationAccessToken }, ctx.state.call)
    sendNothing(ctx)
  })
}

/** Refuses an address from which too many requests came. */
function rateOf({ oidc, serve }: Config): (ctx: Context) => void {
  const limit = new RateLimit(oidc.dynamic_client_registration.max_requests_per_hour)
  const { addressOf } = createTlsTermination(serve.public.terminationFrom)
  return (ctx) => limit.take(addressOf(ctx))
}

type HolderEndpoint = (ctx: Context, clientId: string, registrationAccessToken: string) => Promise<void>

/** The token comes in the header field alone (RFC 7592 section 2), never in the URL. */
function asHolder(endpoint: HolderEndpoint): Endpoint {
  return async (ctx) => {
    try {
      const clientId = ctx.state.params.id ?? ''
      ctx.state.shownBy = shownById(clientId)
      const token = bearerTokenOf(ctx)
      if (token === undefined)
        throw new OAuthError('request_unauthorized', 'The request has no registration access token.')
      await endpoint(ctx, clientId, token)
    } catch (thrown) {
      const isRefused = thrown instanceof OAuthError && kindOf(thrown.code).http === 401
      throw isRefused ? bearerChallenge(ctx, thrown) : thrown
    }
  }
}

/** RFC 7592 section 2.2: the client that the request names is the one at this address. */
function checkClientId({ clientId }: Client, expected: string): void {
  if (clientId !== '' && clientId !== expected)
    throw new OAuthError('invalid_client_metadata', 'client_id: is another than that of this address.')
}

function sendRegistration(ctx: Context, body: Record<string, unknown>, status = 200): void {
  ctx.res.setHeader('Pragma', 'no-cache')
  sendJson(ctx, body, status)
}
