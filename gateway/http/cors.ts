// CORS for the endpoints that a script of another origin may call; never for those that a browser navigates to
// (RFC 9700 section 2.6). Origins are those of the listener's configuration and, on the public port, those that the client
// itself has registered. A preflight shows no client: it is let through for the origins of all clients, and what follows
// can be read by those of the one client alone.
import type { ClientCredentials } from '#proto/client/v1/client_service.js'
import { monotonicMs } from '../../services/kit/clock.js'
import type { CorsConfig } from '../../services/kit/config/config.js'
import { log } from '../../services/kit/log.js'
import type { CallOptions } from '../../services/kit/rpc/contract.js'
import type { GatewayServices } from '../services.js'
import type { Context } from './endpoint.js'

export interface Cors {
  /** Whether the request comes from a page of an origin that the configuration lists. */
  isListed(ctx: Context): boolean
  /** Says in the answer whether the origin that asks may read it. */
  allow(ctx: Context): Promise<void>
  /** Answers a preflight; `allow`: the methods that are served. */
  preflight(ctx: Context, allow: string): Promise<void>
}

/** Whether a client has registered an origin; without credentials: whether any has. */
export type ClientOrigins = (origin: string, ctx: Context) => Promise<boolean>

/** Whatever time the request itself took. */
const deadlineMs = 1_000

/** Asks the client service, which has them in memory. */
export const clientOriginsOf =
  ({ clients }: Pick<GatewayServices, 'clients'>): ClientOrigins =>
  async (origin, { state }) => {
    const call: CallOptions = { requestId: state.requestId, deadline: monotonicMs() + deadlineMs }
    try {
      return (await clients.checkOrigin({ origin, credentials: state.shownBy }, call)).allowed
    } catch (err) {
      log.warn({ err, requestId: state.requestId }, 'the origins of clients are not known')
      return false
    }
  }

/** `ofClients` is absent where the configuration alone decides. */
export function createCors(config: CorsConfig, ofClients?: ClientOrigins): Cors {
  const anyOrigin = config.allowed_origins.includes('*')
  const patterns = config.allowed_origins.map(toPattern)
  const isListed = ({ req }: Context): boolean =>
    isOrigin(req.headers.origin) && (anyOrigin || patterns.some((pattern) => pattern.test(req.headers.origin ?? '')))

  const allow = async (ctx: Context): Promise<boolean> => {
    const { origin } = ctx.req.headers
    if (!anyOrigin) ctx.res.setHeader('Vary', 'Origin')
    if (!isOrigin(origin)) return false
    if (!isListed(ctx) && !(await ofClients?.(origin, ctx))) return false
    ctx.res.setHeader('Access-Control-Allow-Origin', anyOrigin ? '*' : origin)
    if (config.allow_credentials && !anyOrigin) ctx.res.setHeader('Access-Control-Allow-Credentials', 'true')
    if (config.exposed_headers.length > 0)
      ctx.res.setHeader('Access-Control-Expose-Headers', config.exposed_headers.join(', '))
    return true
  }

  return {
    isListed,
    async allow(ctx) {
      await allow(ctx)
    },
    async preflight(ctx, methods) {
      ctx.status = 204
      ctx.res.setHeader('Allow', methods)
      if (!(await allow(ctx))) return
      const offered = methods.split(', ').filter((method) => config.allowed_methods.includes(method))
      ctx.res.setHeader('Access-Control-Allow-Methods', offered.join(', '))
      ctx.res.setHeader('Access-Control-Allow-Headers', config.allowed_headers.join(', '))
      if (config.max_age > 0) ctx.res.setHeader('Access-Control-Max-Age', String(config.max_age))
    },
  }
}

const isOrigin = (origin: string | undefined): origin is string => origin !== undefined && origin !== 'null'

/** An origin where `*` stands for one or more labels of its host, such as `https://*.example.com`. */
function toPattern(origin: string): RegExp {
  const parts = origin.toLowerCase().split('*')
  const literal = parts.map((part) => part.replace(/[^a-z0-9]/g, '\\$&'))
  return new RegExp(`^${literal.join('[a-z0-9-]+(?:\\.[a-z0-9-]+)*')}$`)
}

/** What is known of a client by its id alone. */
export const shownById = (clientId: string): ClientCredentials => ({
  authorization: '',
  clientId,
  clientSecret: '',
  clientAssertionType: '',
  clientAssertion: '',
})
