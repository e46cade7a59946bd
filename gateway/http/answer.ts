// The answers that endpoints give when all went well.
import type { Context } from './endpoint.js'

/** A JSON document. */
export function sendJson(ctx: Context, body: unknown, status = 200): void {
  ctx.status = status
  ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8')
  ctx.body = JSON.stringify(body)
}

/** A JSON document that holds tokens or tells of them (RFC 6749 section 5.1). */
export function sendTokenJson(ctx: Context, body: unknown): void {
  ctx.res.setHeader('Pragma', 'no-cache')
  sendJson(ctx, body)
}

/** A JWT as the whole answer (RFC 7519 section 10.3.1). */
export function sendJwt(ctx: Context, jwt: string): void {
  ctx.status = 200
  ctx.res.setHeader('Content-Type', 'application/jwt')
  ctx.res.setHeader('Pragma', 'no-cache')
  ctx.body = jwt
}

/** Nothing, since nothing is left to say. */
export function sendNothing(ctx: Context, status: 202 | 204 = 204): void {
  ctx.body = null
  ctx.status = status
}
