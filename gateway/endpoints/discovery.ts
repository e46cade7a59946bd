// The server's metadata: OpenID Connect Discovery 1.0 section 4, RFC 8414. Put together from what each service says of
// itself, the table of routes and the registry of response modes, so that it cannot differ from what is served.
import type { CallOptions } from '../../services/kit/rpc/contract.js'
import { sendJsonText } from '../http/answer.js'
import type { Endpoint, Parts } from '../http/endpoint.js'
import { KeptAnswer } from '../http/kept_answer.js'
import { responseModes } from '../http/response_modes.js'
import type { GatewayServices } from '../services.js'

const cacheControl = 'public, max-age=300'

export function discovery(parts: Parts): Endpoint {
  const document = new KeptAnswer<string>({
    name: 'server metadata',
    maxAgeMs: 5_000,
    maxStaleMs: Number.POSITIVE_INFINITY,
    load: async (call) => JSON.stringify(await describeServer(parts, call)),
  })
  return async (ctx) => {
    sendJsonText(ctx, await document.get(ctx.state.call))
    ctx.res.setHeader('Cache-Control', cacheControl)
  }
}

async function describeServer(
  { config, services, endpointUrls }: Parts,
  call: CallOptions,
): Promise<Record<string, unknown>> {
  const told = await readFromServices(services, call)
  const authMethods = listOf(told.token_endpoint_auth_methods_supported)
  const algorithms = told.token_endpoint_auth_signing_alg_values_supported
  return {
    issuer: config.urls.self.issuer,
    ...endpointUrls,
    ...told,
    ...elsewhere(config, told),
    response_modes_supported: listOf(told.response_modes_supported).filter((mode) =>
      Object.hasOwn(responseModes, mode),
    ),
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    introspection_endpoint_auth_methods_supported: [...authMethods.filter((method) => method !== 'none'), 'Bearer'],
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
  }
}

const urlMembers = {
  auth_url: 'authorization_endpoint',
  token_url: 'token_endpoint',
  jwks_url: 'jwks_uri',
  userinfo_url: 'userinfo_endpoint',
  device_authorization_url: 'device_authorization_endpoint',
  client_registration_url: 'registration_endpoint',
} as const

/** What the operator says otherwise (`webfinger.oidc_discovery`): endpoints in front of these, and what they know more. */
function elsewhere({ webfinger }: Parts['config'], told: Record<string, unknown>): Record<string, unknown> {
  const { supported_claims: claims, supported_scope: scopes, ...urls } = webfinger.oidc_discovery
  const named = Object.entries(urlMembers).flatMap(([key, member]) => {
    const url = urls[key as keyof typeof urlMembers]
    return url ? [[member, url] as const] : []
  })
  const extended = (member: string, more: readonly string[], least: readonly string[] = []) =>
    more.length > 0 && { [member]: [...new Set([...least, ...listOf(told[member]), ...more])] }
  return {
    ...Object.fromEntries(named),
    ...extended('claims_supported', claims, ['sub']),
    ...extended('scopes_supported', scopes),
  }
}

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value : [])

async function readFromServices(
  { clients, tokens, authorization }: GatewayServices,
  call: CallOptions,
): Promise<Record<string, unknown>> {
  const answers = await Promise.all([
    clients.getServerMetadata({}, call),
    tokens.getServerMetadata({}, call),
    authorization.getServerMetadata({}, call),
  ])
  return Object.assign({}, ...answers.map(({ metadata }) => metadata))
}
