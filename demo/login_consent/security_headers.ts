// The headers of every page, and where its forms may lead (Content Security Policy Level 3).
import type { Context } from 'koa'

/**
 * Names a URL in a policy: its origin, or its scheme if that is an app's own. Undefined for what must not stand there.
 * A host is spelt out strictly, since URL accepts `;` and `,` in one and a policy is split there.
 */
function policySource(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, host } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') {
    return /^(javascript|data|blob|vbscript|filesystem|about):$/.test(protocol) ? undefined : protocol
  }
  // A policy cannot name an IPv6 address.
  if (host.startsWith('[')) return protocol
  return /^[a-z0-9._-]+(:\d+)?$/.test(host) ? `${protocol}//${host}` : undefined
}

/**
 * Sets the headers of a page. `formTargets` are the URLs that a post of its form may be redirected to, each in turn:
 * browsers hold the whole chain against `form-action`.
 */
export function setPageHeaders(ctx: Context, formTargets: readonly string[] = []): void {
  const formAction = new Set(["'self'", ...formTargets.map(policySource).filter((source) => source !== undefined)])
  ctx.set({
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "img-src 'self'",
      `form-action ${[...formAction].join(' ')}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  })
}

/** The redirect URIs that may be at the end of an authorization request: the one it names, else all of the client's. */
export function redirectUris(
  requestUrl: string,
  registered: readonly string[] | undefined,
  parameter: string,
): string[] {
  const named = URL.canParse(requestUrl) ? new URL(requestUrl).searchParams.get(parameter) : null
  return named ? [named] : [...(registered ?? [])]
}
