// Protection against forged form posts: a random cookie, and the same value in each form.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'

export interface CsrfProtection {
  /** The value for the form's hidden field; sets the cookie where the browser has none. */
  token(ctx: Context): string
  /** Whether a posted form carries the cookie's value. */
  verify(ctx: Context, posted: string): boolean
}

/** @param secure The app is reached by https; the cookie can then be tied to this host alone. */
export function createCsrfProtection(secure: boolean): CsrfProtection {
  const name = secure ? '__Host-login_consent_csrf' : 'login_consent_csrf'

  // A browser's forms all carry the same value, so that two tabs do not get into each other's way.
  const cookie = (ctx: Context): string | undefined => {
    const value = ctx.cookies.get(name)
    return value && /^[\w-]{43}$/.test(value) ? value : undefined
  }

  return {
    token(ctx) {
      const value = cookie(ctx) ?? randomBytes(32).toString('base64url')
      // Koa's cookie jar would refuse `secure` behind a proxy that ends TLS, so the header is written here.
      ctx.append('Set-Cookie', `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`)
      return value
    },
    verify(ctx, posted) {
      const expected = Buffer.from(cookie(ctx) ?? '')
      const given = Buffer.from(posted)
      return expected.length > 0 && expected.length === given.length && timingSafeEqual(expected, given)
    },
  }
}
