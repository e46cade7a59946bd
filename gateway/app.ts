// One listener of the gateway: checks each request, finds its endpoint, and answers its errors.
import Koa from 'koa'
import { log } from '../services/kit/log.js'
import { OAuthError } from '../services/kit/oauth_error.js'
import type { Guard } from './http/admin_guard.js'
import { hasBody } from './http/body.js'
import type { Cors } from './http/cors.js'
import { type Context, RequestState } from './http/endpoint.js'
import type { ErrorAnswer } from './http/errors.js'
import { checkFields, requestIdOf, targetOf } from './http/request_checks.js'
import type { RequestLog } from './http/request_log.js'
import type { Place, Router } from './http/router.js'
import type { TlsTermination } from './http/tls_termination.js'

export interface AppOptions {
  readonly router: Router
  readonly answerError: ErrorAnswer
  /** Absent where no endpoint may be called from pages of other origins. */
  readonly cors?: Cors
  readonly termination: TlsTermination
  readonly requestLog: RequestLog
  /** Refuses who may not use this listener. */
  readonly guard?: Guard
  /** The gateway is ending: connections are not kept. */
  readonly isEnding: () => boolean
  /** Milliseconds that the services have for a request in all. */
  readonly deadlineMs: number
}

export function createApp(options: AppOptions): Koa<RequestState> {
  const app = new Koa<RequestState>()
  app.on('error', (err) => log.warn({ err }, 'an answer could not be sent'))
  app.use(async (ctx: Context) => {
    begin(ctx, options.deadlineMs)
    options.requestLog(ctx)
    let isPage = false
    try {
      checkFields(ctx.req)
      const { path, query } = targetOf(ctx.req)
      options.termination.check(ctx, path)
      const found = options.router.find(path)
      options.guard?.(ctx, found?.place)
      if (!found) throw new OAuthError('not_found', 'Nothing is served at this address.')
      isPage = found.place.page
      ctx.state.query = query
      ctx.state.params = found.params
      if (isPage) setPageFields(ctx)
      await run(ctx, found.place, options.cors)
    } catch (thrown) {
      options.answerError(ctx, thrown, isPage)
    }
    // A body that nobody read ends its connection.
    if (options.isEnding() || (!ctx.req.complete && hasBody(ctx))) ctx.res.setHeader('Connection', 'close')
  })
  return app
}

function begin(ctx: Context, deadlineMs: number): void {
  ctx.state = new RequestState(requestIdOf(ctx.req), deadlineMs)
  ctx.res.setHeader('X-Request-Id', ctx.state.requestId)
  ctx.res.setHeader('Cache-Control', 'no-store')
  ctx.res.setHeader('X-Content-Type-Options', 'nosniff')
}

/** Of the answers that a browser shows, redirects too. */
function setPageFields(ctx: Context): void {
  ctx.res.setHeader('X-Frame-Options', 'DENY')
  ctx.res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
  ctx.res.setHeader('Referrer-Policy', 'no-referrer')
}

async function run(ctx: Context, place: Place, cors: Cors | undefined): Promise<void> {
  const withCors = place.cors ? cors : undefined
  if (withCors && ctx.method === 'OPTIONS') return withCors.preflight(ctx, place.allow)
  try {
    const endpoint = place.endpoints.get(ctx.method)
    if (!endpoint) {
      ctx.res.setHeader('Allow', place.allow)
      throw new OAuthError('method_not_allowed')
    }
    await endpoint(ctx)
  } finally {
    // Only now it is known whose answer it is.
    await withCors?.allow(ctx)
  }
}
