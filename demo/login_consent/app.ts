// The login and consent app: what stands between an authorization server that speaks Hydra's admin API and the people
// who log in. It works without JavaScript in the browser.
import type { Context, Middleware } from 'koa'
import Koa from 'koa'
import { createAdminApi } from './admin_api.js'
import { consentScreen } from './consent.js'
import { createCsrfProtection } from './csrf.js'
import { deviceScreen, showDeviceDone } from './device.js'
import { PageError, showFailure, showReportedError } from './error.js'
import { loginScreen } from './login.js'
import { logoutScreen } from './logout.js'
import { artwork, markFile } from './mosaic.js'
import type { LoginConsentOptions } from './options.js'
import type { Form, Screen } from './screen.js'
import { style } from './style.js'
import { createUserStore } from './users.js'

const maxFormBytes = 64 * 1024

async function readForm(ctx: Context): Promise<Form> {
  if (!ctx.is('application/x-www-form-urlencoded')) throw new PageError(415, 'This is not a form of this page.')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of ctx.req) {
    size += chunk.length
    if (size > maxFormBytes) throw new PageError(413, 'The form is too large.')
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

const challengeFrom = (values: URLSearchParams, name: string): string => {
  const challenge = values.get(name)
  if (!challenge) throw new PageError(400, 'Nothing to do here: this page is opened by an app that you sign in to.')
  return challenge
}

const files: Readonly<Record<string, readonly [type: string, content: string]>> = {
  '/login_consent/style.css': ['text/css; charset=utf-8', style],
  '/login_consent/mark.svg': ['image/svg+xml', markFile],
  '/login_consent/mosaic.svg': ['image/svg+xml', artwork],
}

/** Answers the app's own paths and leaves all others to the next middleware. */
export function loginConsent(options: LoginConsentOptions): Middleware {
  const csrf = createCsrfProtection(options.secure ?? false)
  const parts = { api: createAdminApi(options), users: createUserStore(options.users), csrf, options }
  const screens = new Map<string, Screen>([
    ['/login', loginScreen(parts)],
    ['/consent', consentScreen(parts)],
    ['/logout', logoutScreen(parts)],
    ['/device', deviceScreen(parts)],
  ])

  async function answer(ctx: Context, screen: Screen): Promise<void> {
    if (ctx.method === 'GET') {
      return screen.open(ctx, challengeFrom(ctx.URL.searchParams, `${ctx.path.slice(1)}_challenge`))
    }
    if (ctx.method !== 'POST') throw new PageError(405, 'This page is only for reading and for its form.')
    const form = await readForm(ctx)
    if (!csrf.verify(ctx, form.get('csrf_token') ?? '')) {
      throw new PageError(403, 'The form could not be trusted to come from you. Cookies may be switched off.')
    }
    return screen.submit(ctx, challengeFrom(form, 'challenge'), form)
  }

  return async (ctx, next) => {
    const screen = screens.get(ctx.path)
    const file = Object.hasOwn(files, ctx.path) ? files[ctx.path] : undefined
    if (file) {
      ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'public, max-age=3600' })
      ctx.type = file[0]
      ctx.body = file[1]
    } else if (screen) await answer(ctx, screen).catch((error: unknown) => showFailure(ctx, error))
    else if (ctx.path === '/device_done') showDeviceDone(ctx)
    else if (ctx.path === '/error') showReportedError(ctx)
    else await next()
  }
}

/** The app by itself: `createLoginConsentApp({ … }).listen(3000)`. */
export function createLoginConsentApp(options: LoginConsentOptions): Koa {
  return new Koa().use(loginConsent(options))
}
