// A small client (relying party): signs people in at the authorization server and shows what it gets and how.
import { timingSafeEqual } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { setPageHeaders } from '../login_consent/security_headers.js'
import { type Exchange, Refusal } from './exchanges.js'
import { signedInPage, signedOutPage } from './pages.js'
import { RelyingParty } from './relying_party.js'
import { Sessions, type SignedIn } from './sessions.js'
import { strip, style } from './style.js'

export interface ClientAppOptions {
  readonly issuer: string
  /** Where the app is reached. */
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
}

/** Where the authorization server sends the browser back to, below the app's address. */
export const callbackPath = '/callback'
export const signedOutPath = '/signed-out'

const maxPending = 10
const maxFormBytes = 4096

/** What a button of the page does; returns what to say about it. */
type Action = (party: RelyingParty, log: Exchange[], signedIn: SignedIn) => Promise<string>

const actions: Readonly<Record<string, Action>> = {
  '/refresh': async (party, log, signedIn) => {
    signedIn.tokens = await party.refresh(log, signedIn.tokens)
    signedIn.introspection = await party.introspect(log, signedIn.tokens)
    return 'There is a new access token, and a new refresh token in place of the old one.'
  },
  '/introspect': async (party, log, signedIn) => {
    signedIn.introspection = await party.introspect(log, signedIn.tokens)
    return signedIn.introspection.active === true ? 'The access token is good.' : 'The access token is no longer good.'
  },
  '/revoke': async (party, log, signedIn) => {
    await party.revoke(log, signedIn.tokens)
    signedIn.introspection = await party.introspect(log, signedIn.tokens)
    return 'Revoked: the refresh token and the access token are of no use now. Try one.'
  },
}

class ClientApp {
  readonly #options: ClientAppOptions
  readonly #sessions: Sessions
  #discovered: Promise<RelyingParty> | undefined

  constructor(options: ClientAppOptions) {
    this.#options = options
    this.#sessions = new Sessions(options.url.startsWith('https:'))
  }

  home(ctx: Context): void {
    const session = this.#sessions.find(ctx)
    const body = session?.signedIn ? signedInPage(session, session.signedIn) : signedOutPage(this.#options, session)
    if (session) session.outcome = undefined
    setPageHeaders(ctx)
    ctx.type = 'html'
    ctx.body = body
  }

  async signIn(ctx: Context): Promise<void> {
    const session = this.#sessions.find(ctx) ?? this.#sessions.renew(ctx)
    const { url, pending } = (await this.#relyingParty()).startSignIn(session.log)
    const [oldest] = session.pending.keys()
    if (session.pending.size >= maxPending && oldest !== undefined) session.pending.delete(oldest)
    session.pending.set(pending.state, pending)
    redirect(ctx, url)
  }

  async finishSignIn(ctx: Context): Promise<void> {
    const answer = ctx.URL.searchParams
    const pending = this.#sessions.find(ctx)?.pending.get(answer.get('state') ?? '')
    if (!pending) throw new Refusal('This sign-in did not begin in this browser, or it is over already.')
    const session = this.#sessions.renew(ctx)
    session.pending.delete(pending.state)
    const party = await this.#relyingParty()
    const tokens = await party.finishSignIn(session.log, answer, pending)
    const userinfo = await party.userinfo(session.log, tokens)
    // OpenID Connect Core 5.3.2: userinfo about someone else must not be used.
    if (userinfo.sub !== tokens.claims.sub) throw new Refusal('Userinfo is about someone else.')
    session.signedIn = { tokens, userinfo, introspection: await party.introspect(session.log, tokens) }
    redirect(ctx, '/')
  }

  async act(ctx: Context): Promise<void> {
    const session = this.#sessions.find(ctx)
    const form = await readForm(ctx)
    if (!session?.signedIn) return redirect(ctx, '/')
    if (!isSame(session.csrfToken, form.get('csrf_token') ?? '')) throw new Refusal('The form did not come from here.')
    const party = await this.#relyingParty()
    const log: Exchange[] = []
    const outcome = actions[ctx.path]?.(party, log, session.signedIn) ?? Promise.resolve('')
    const said = await outcome.then((text) => ({ text, bad: false }), failed)
    session.log.unshift(...log)
    session.outcome = { ...said, exchanges: log.length }
    redirect(ctx, '/')
  }

  /** A link is enough for this: the authorization server asks the end-user first. */
  async signOut(ctx: Context): Promise<void> {
    const session = this.#sessions.find(ctx)
    if (!session?.signedIn) return redirect(ctx, '/')
    const { url, state } = (await this.#relyingParty()).startSignOut(session.log, session.signedIn.tokens)
    session.signOutState = state
    redirect(ctx, url)
  }

  finishSignOut(ctx: Context): void {
    const session = this.#sessions.find(ctx)
    const state = ctx.URL.searchParams.get('state') ?? ''
    if (session?.signOutState && isSame(session.signOutState, state)) {
      session.signedIn = undefined
      session.signOutState = undefined
      session.outcome = { text: 'You are signed out.', bad: false, exchanges: 0 }
    }
    redirect(ctx, '/')
  }

  /** What fails is said on the page, where the requests show why. */
  async orSay(ctx: Context, work: Promise<void>): Promise<void> {
    await work.catch((thrown: unknown) => {
      const session = this.#sessions.find(ctx) ?? this.#sessions.renew(ctx)
      session.outcome = { ...failed(thrown), exchanges: 0 }
      redirect(ctx, '/')
    })
  }

  /** The server's metadata are read at the first use, and again if that failed. */
  #relyingParty(): Promise<RelyingParty> {
    const redirectUri = this.#options.url + callbackPath
    const postLogoutRedirectUri = this.#options.url + signedOutPath
    this.#discovered ??= RelyingParty.discover({ ...this.#options, redirectUri, postLogoutRedirectUri }).catch(
      (thrown: unknown) => {
        this.#discovered = undefined
        throw thrown
      },
    )
    return this.#discovered
  }
}

const failed = (thrown: unknown) => ({ text: thrown instanceof Error ? thrown.message : String(thrown), bad: true })

function redirect(ctx: Context, url: string): void {
  setPageHeaders(ctx)
  ctx.status = 303
  ctx.redirect(url)
}

async function readForm(ctx: Context): Promise<URLSearchParams> {
  let form = ''
  for await (const chunk of ctx.req) {
    form += chunk
    if (form.length > maxFormBytes) throw new Refusal('The form is too large.')
  }
  return new URLSearchParams(form)
}

function isSame(left: string, right: string): boolean {
  const [expected, given] = [Buffer.from(left), Buffer.from(right)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}

const file = (type: string, content: string) => (ctx: Context) => {
  ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'public, max-age=3600' })
  ctx.type = type
  ctx.body = content
}

/** Answers the app's own paths and leaves all others to the next middleware. */
export function clientApp(options: ClientAppOptions): Middleware {
  const app = new ClientApp(options)
  const act = (ctx: Context) => app.orSay(ctx, app.act(ctx))
  const routes = new Map<string, (ctx: Context) => void | Promise<void>>([
    ['GET /', (ctx) => app.home(ctx)],
    ['GET /signin', (ctx) => app.orSay(ctx, app.signIn(ctx))],
    [`GET ${callbackPath}`, (ctx) => app.orSay(ctx, app.finishSignIn(ctx))],
    ['POST /refresh', act],
    ['POST /introspect', act],
    ['POST /revoke', act],
    ['GET /signout', (ctx) => app.orSay(ctx, app.signOut(ctx))],
    [`GET ${signedOutPath}`, (ctx) => app.finishSignOut(ctx)],
    ['GET /client_app/style.css', file('css', style)],
    ['GET /client_app/strip.svg', file('svg', strip)],
  ])

  return async (ctx, next) => {
    const route = routes.get(`${ctx.method} ${ctx.path}`)
    await (route ? route(ctx) : next())
  }
}
