// Sends the browser elsewhere. Only ever to what a service answered or the configuration says, never to a request's words.
import type { Context } from './endpoint.js'

/** 303 after a POST, so that no body travels on (RFC 9700 section 4.12); else 302. */
export function redirect(ctx: Context, url: string): void {
  ctx.status = ctx.method === 'POST' ? 303 : 302
  ctx.res.setHeader('Location', url.replace(/[^\x21-\x7e]+/g, escapeBytes))
  // Koa looks for the type of a body that has none.
  ctx.res.setHeader('Content-Type', '')
  ctx.body = ''
  ctx.res.removeHeader('Content-Type')
}

/** The URL with more parameters in its query; what it has stays as it is. */
export function withQuery(url: string, parameters: Readonly<Record<string, string>>): string {
  const separator = url.includes('?') ? (/[?&]$/.test(url) ? '' : '&') : '?'
  return `${url}${separator}${new URLSearchParams(parameters)}`
}

const escapeBytes = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
