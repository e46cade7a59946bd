// Reads and sets the cookies that the consent service asks for (RFC 6265). It chooses names and values; the attributes
// are chosen here.
import type { Cookie } from '#proto/consent/v1/authorization_service.js'
import type { Config } from '../../services/kit/config/config.js'
import type { Context } from './endpoint.js'

/** The server's own cookies by name. A name that came twice is left out: one of them was planted (BR-14). */
export function readCookies(ctx: Context, { serve }: Config): Record<string, string> {
  const { session, ...csrf } = serve.cookies.names
  const prefixes = Object.values(csrf)
  const cookies: Record<string, string> = Object.create(null)
  const seen = new Set<string>()
  for (const pair of (ctx.req.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    const isOwn = name === session || prefixes.some((prefix) => name.startsWith(prefix))
    if (equals < 0 || !isOwn) continue
    if (seen.has(name)) delete cookies[name]
    else cookies[name] = pair.slice(equals + 1).trim()
    seen.add(name)
  }
  return cookies
}

export function setCookies(ctx: Context, cookies: readonly Cookie[], config: Config): void {
  if (cookies.length === 0) return
  const { names, paths } = config.serve.cookies
  const attributes = attributesOf(config)
  ctx.res.setHeader(
    'Set-Cookie',
    cookies.map(({ name, value, maxAge }) => {
      const age = value === '' ? '; Max-Age=0' : maxAge > 0 ? `; Max-Age=${maxAge}` : ''
      // A removal reaches only the path that the cookie was set for.
      return `${name}=${value}; Path=${name === names.session ? paths.session : '/'}${attributes}${age}`
    }),
  )
}

function attributesOf({ dev, serve }: Config): string {
  const { domain, same_site_mode, secure } = serve.cookies
  const isSecure = secure || !dev
  // Browsers take SameSite=None from secure cookies alone.
  const sameSite = same_site_mode === 'None' && !isSecure ? 'Lax' : same_site_mode
  return [
    '; HttpOnly',
    `; SameSite=${sameSite}`,
    isSecure ? '; Secure' : '',
    domain === '' ? '' : `; Domain=${domain}`,
  ].join('')
}
