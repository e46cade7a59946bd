// Who may use the admin port: whoever shows one of its tokens; without tokens, whoever reaches it, but never a web page
// that a browser happens to show.
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Config } from '../../services/kit/config/config.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { isJson } from './body.js'
import type { Cors } from './cors.js'
import type { Context } from './endpoint.js'
import type { Place } from './router.js'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Refuses a request that may not use a listener; `place` is what it wants, if there is such a thing. */
export type Guard = (ctx: Context, place: Place | undefined) => void

/** `cors`: pages that the operator lists may use it as tools do. */
export function createAdminGuard({ serve, urls }: Config, cors?: Cors): Guard {
  const tokens = serve.admin.tokens.map(digest)
  const named = [serve.admin.host, urls.self.admin && new URL(urls.self.admin).hostname]
  const hosts = new Set(['localhost', ...named.filter(Boolean)])
  return (ctx, place) => {
    const isListed = cors?.isListed(ctx) ?? false
    if (tokens.length === 0) checkHost(ctx, hosts)
    // A browser sends no token with a preflight.
    else if (!place?.open && !(isListed && ctx.method === 'OPTIONS')) checkToken(ctx, tokens)
    if (!isListed) checkBrowser(ctx)
  }
}

function checkToken(ctx: Context, tokens: readonly Buffer[]): void {
  const shown = digest(/^Bearer +(\S+)$/i.exec(ctx.req.headers.authorization ?? '')?.[1] ?? '')
  let isKnown = false
  for (const token of tokens) if (timingSafeEqual(token, shown)) isKnown = true
  if (!isKnown) throw new OAuthError('request_unauthorized', 'The admin API needs one of its bearer tokens.')
}

/** A page can make a name of its own lead to this address, but it cannot make the browser call that name otherwise. */
function checkHost(ctx: Context, hosts: ReadonlySet<string>): void {
  const host = (ctx.req.headers.host ?? '').toLowerCase().replace(/:\d*$/, '')
  if (hosts.has(host) || isIP(host.replace(/^\[(.*)\]$/, '$1')) > 0) return
  throw new OAuthError('request_forbidden', 'The admin API is not served under this host name.', {
    hint: 'Set urls.self.admin to the URL that it is called by, or serve.admin.tokens.',
  })
}

/** A form or a plain text can be sent by any page without being asked for; JSON cannot. */
function checkBrowser(ctx: Context): void {
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return
  const { origin, 'sec-fetch-site': site = 'none' } = ctx.req.headers
  const isFromPage = origin !== undefined || (site !== 'none' && site !== 'same-origin')
  if (isFromPage && !isJson(ctx))
    throw new OAuthError('unsupported_media_type', 'A browser must send application/json to the admin API.')
}
