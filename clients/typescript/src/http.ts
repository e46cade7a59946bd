// Middleware for Koa, and for Express and whatever else has its form.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ActiveToken } from './decision.js'
import { judge, type Refusal, type Requirement } from './guard.js'
import type { Introspector } from './introspector.js'

/** What is used of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly state: Record<string, unknown>
  status: number
  body: unknown
  set(fields: Record<string, string>): void
}

/** The decision stands in `ctx.state.auth`. */
export const koaGuard =
  (introspector: Introspector, requirement: Requirement = {}) =>
  async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const verdict = await judge(introspector, ctx.req.headers.authorization, requirement)
    if ('token' in verdict) {
      ctx.state.auth = verdict.token
      await next()
      return
    }
    const { refusal } = verdict
    ctx.status = refusal.status
    ctx.set({ ...refusal.headers, 'cache-control': 'no-store' })
    ctx.body = bodyOf(refusal)
  }

/** A request with the decision on it. */
export type AuthorizedRequest = IncomingMessage & { auth?: ActiveToken }

/** The decision stands in `req.auth`. */
export const expressGuard =
  (introspector: Introspector, requirement: Requirement = {}) =>
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void => {
    judge(introspector, req.headers.authorization, requirement).then((verdict) => {
      if ('token' in verdict) {
        ;(req as AuthorizedRequest).auth = verdict.token
        next()
        return
      }
      const { refusal } = verdict
      const body = JSON.stringify(bodyOf(refusal))
      const fields = { ...refusal.headers, 'cache-control': 'no-store', 'content-type': 'application/json' }
      res.writeHead(refusal.status, fields).end(body)
    }, next)
  }

const bodyOf = ({ error, description }: Refusal) => ({
  error: error || 'unauthorized',
  error_description: description,
})
