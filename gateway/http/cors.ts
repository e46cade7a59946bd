// CORS for the endpoints that a script of another origin may call; never for those that a browser navigates to
// (RFC 9700 section 2.6).
import type { CorsConfig } from '../../services/kit/config/config.js'
import type { Context } from './endpoint.js'

export interface Cors {
  /** Says in the answer whether the origin that asks may read it. */
  allow(ctx: Context): void
  /** Answers a preflight. */
  preflight(ctx: Context, allow: string): void
}

export function createCors(config: CorsConfig): Cors {
  const anyOrigin = config.allowed_origins.includes('*')
  const patterns = config.allowed_origins.map(toPattern)
  const isAllowed = (origin: string) => patterns.some((pattern) => pattern.test(origin))

  const allow = (ctx: Context): boolean => {
    const { origin } = ctx.req.headers
    if (!anyOrigin) ctx.res.setHeader('Vary', 'Origin')
    if (origin === undefined || origin === 'null' || !(anyOrigin || isAllowed(origin))) return false
    ctx.res.setHeader('Access-Control-Allow-Origin', anyOrigin ? '*' : origin)
    if (config.allow_credentials && !anyOrigin) ctx.res.setHeader('Access-Control-Allow-Credentials', 'true')
    if (config.exposed_headers.length > 0)
      ctx.res.setHeader('Access-Control-Expose-Headers', config.exposed_headers.join(', '))
    return true
  }

  return {
    allow,
    preflight(ctx, methods) {
      ctx.status = 204
      ctx.res.setHeader('Allow', methods)
      if (!allow(ctx)) return
      const offered = methods.split(', ').filter((method) => config.allowed_methods.includes(method))
      ctx.res.setHeader('Access-Control-Allow-Methods', offered.join(', '))
      ctx.res.setHeader('Access-Control-Allow-Headers', config.allowed_headers.join(', '))
      if (config.max_age > 0) ctx.res.setHeader('Access-Control-Max-Age', String(config.max_age))
    },
  }
}

/** An origin where `*` stands for one or more labels of its host, such as `https://*.example.com`. */
function toPattern(origin: string): RegExp {
  const parts = origin.toLowerCase().split('*')
  const literal = parts.map((part) => part.replace(/[^a-z0-9]/g, '\\$&'))
  return new RegExp(`^${literal.join('[a-z0-9-]+(?:\\.[a-z0-9-]+)*')}$`)
}
