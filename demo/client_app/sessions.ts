// Who is signed in at the client: kept in this process, found by a cookie.
import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { LRUCache } from 'lru-cache'
import type { Exchange } from './exchanges.js'
import type { PendingRequest, Tokens } from './relying_party.js'

export interface SignedIn {
  tokens: Tokens
  userinfo: Readonly<Record<string, unknown>>
  introspection: Readonly<Record<string, unknown>>
}

export interface Session {
  /** Carried by each form, so that another site cannot post it. */
  readonly csrfToken: string
  /** By `state`; several tabs may be signing in at once. */
  readonly pending: Map<string, PendingRequest>
  /** What was said to the authorization server, the newest first. */
  readonly log: Exchange[]
  signedIn: SignedIn | undefined
  signOutState: string | undefined
  /** What came of the last thing that was asked for; shown once, on the next page. */
  outcome: Outcome | undefined
}

export interface Outcome {
  readonly text: string
  readonly bad: boolean
  /** How many of the newest exchanges belong to it. */
  readonly exchanges: number
}

const maxExchanges = 20
const cookieName = 'tessera_demo_client'
const newToken = (): string => randomBytes(32).toString('base64url')

export class Sessions {
  readonly #sessions = new LRUCache<string, Session>({ max: 500, ttl: 8 * 3600 * 1000, updateAgeOnGet: true })
  readonly #secure: boolean

  constructor(secure: boolean) {
    this.#secure = secure
  }

  find(ctx: Context): Session | undefined {
    const session = this.#sessions.get(this.#idOf(ctx))
    session?.log.splice(maxExchanges)
    return session
  }

  /** The name in the cookie, or the one that this very answer gives. */
  #idOf = (ctx: Context): string => ctx.state.sessionId ?? ctx.cookies.get(cookieName) ?? ''

  /** A session under a new name, so that one which was planted in the browser is of no use (session fixation). */
  renew(ctx: Context): Session {
    const id = this.#idOf(ctx)
    const session: Session = this.#sessions.get(id) ?? {
      csrfToken: newToken(),
      pending: new Map(),
      log: [],
      signedIn: undefined,
      signOutState: undefined,
      outcome: undefined,
    }
    this.#sessions.delete(id)
    const newId = newToken()
    this.#sessions.set(newId, session)
    ctx.state.sessionId = newId
    const secure = this.#secure ? '; Secure' : ''
    ctx.append('Set-Cookie', `${cookieName}=${newId}; Path=/; HttpOnly; SameSite=Lax${secure}`)
    return session
  }
}
