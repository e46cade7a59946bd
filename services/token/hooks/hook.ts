// One address of the operator's that is asked before a token is issued, and may give it other claims or refuse it: Hydra's
// token hook. It is asked while nothing is changed yet and no connection to the database is held.
import { monotonicMs } from '../../kit/clock.js'
import type { HookConfig } from '../../kit/config/config.js'
import { log } from '../../kit/log.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { type Outbound, type OutboundAnswer, OutboundError } from '../../kit/outbound.js'

/** Claims of the session as JSON; null where there are none. */
export interface SessionClaims {
  readonly accessToken: string | null
  readonly idToken: string | null
}

/** After so many failures in a row it is not asked for a while: it may be the load that it cannot bear. */
const maxFailures = 10
const restMs = 1_000

const maxBytes = 64 * 1_024

/** Levels of a JSON object: google.protobuf.Struct is not decoded far beyond. */
const maxDepth = 30

export class Hook {
  readonly #config: HookConfig
  readonly #outbound: Outbound
  #failures = 0
  #restsUntil = 0

  constructor(config: HookConfig, outbound: Outbound) {
    this.#config = config
    this.#outbound = outbound
  }

  /**
   * The claims that the session has from now on; undefined: those that it has. Errors: `access_denied` where the hook says
   * no, `hook_failed` where it says nothing that can be understood.
   */
  async ask(question: object, signal: AbortSignal): Promise<SessionClaims | undefined> {
    if (monotonicMs() < this.#restsUntil) throw failed(new Error('the hook has failed too often just now'))
    try {
      const claims = claimsIn(await this.#call(question, signal))
      this.#failures = 0
      return claims
    } catch (thrown) {
      if (thrown instanceof OAuthError) this.#failures = 0
      else this.#countFailure()
      throw thrown instanceof OAuthError ? thrown : failed(thrown)
    }
  }

  #countFailure(): void {
    this.#failures++
    if (this.#failures < maxFailures) return
    // One request then tries whether it answers again.
    this.#failures = maxFailures - 1
    this.#restsUntil = monotonicMs() + restMs
  }

  #call(question: object, signal: AbortSignal): Promise<OutboundAnswer> {
    const { url, auth } = this.#config
    return this.#outbound.call(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorizationOf(auth) },
      body: JSON.stringify(question),
      maxBytes,
      signal,
    })
  }
}

function authorizationOf({ type, config: { in: place, name, value } }: HookConfig['auth']): Record<string, string> {
  if (type === '') return {}
  return place === 'cookie' ? { cookie: `${name}=${value}` } : { [name.toLowerCase()]: value }
}

/** Throws what is no OAuthError where the answer is none of a hook. */
function claimsIn({ status, body }: OutboundAnswer): SessionClaims | undefined {
  if (status === 204) return undefined
  if (status === 403) throw new OAuthError('access_denied', 'The token hook denied the request.')
  if (status !== 200) throw new Error(`the hook answered with status ${status}`)
  const answer: unknown = JSON.parse(body.toString('utf8'))
  const session = isObject(answer) ? answer.session : undefined
  if (!isObject(session)) throw new Error('the answer of the hook has no session')
  return { accessToken: textOf(session.access_token), idToken: textOf(session.id_token) }
}

function textOf(claims: unknown): string | null {
  if (claims === undefined || claims === null) return null
  if (!isObject(claims)) throw new Error('the claims in the answer of the hook are no object')
  if (isDeeper(claims, maxDepth)) throw new Error(`the claims are nested deeper than ${maxDepth} levels`)
  return Object.keys(claims).length > 0 ? JSON.stringify(claims) : null
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)))

function failed(cause: unknown): OAuthError {
  // What Outbound throws it has logged.
  if (!(cause instanceof OutboundError)) log.warn({ why: (cause as Error).message }, 'a token hook failed')
  return new OAuthError('hook_failed', undefined, { cause })
}
