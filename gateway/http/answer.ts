// The answers that endpoints give when all went well.
import type { Context } from './endpoint.js'

/** A JSON document. */
export function sendJson(ctx: Context, body: unknown, status = 200): void {
  sendJsonText(ctx, JSON.stringify(body), status)
}

/** A JSON document that is text already. */
export function sendJsonText(ctx: Context, json: string, status = 200): void {
  ctx.status = status
  // Before the body, or Koa looks for a type of its own.
  ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8')
  ctx.body = json
}

/** A JSON document that holds tokens or tells of them (RFC 6749 section 5.1). */
export const sendTokenJson = (ctx: Context, body: unknown): void => sendTokenText(ctx, JSON.stringify(body))

/** The same as text. */
export function sendTokenText(ctx: Context, json: string): void {
  ctx.res.setHeader('Pragma', 'no-cache')
  sendJsonText(ctx, json)
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
