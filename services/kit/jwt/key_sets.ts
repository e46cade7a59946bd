// The public keys that a party signs with: registered by value, or fetched from the address that it registered and kept for
// a while (RFC 7517 section 5; OpenID Connect Core section 10.1.1). Nobody can make this server fetch in a rush.

import { monotonicMs } from '../clock.js'
import { parseJson } from '../json_text.js'
import { log } from '../log.js'
import { lruCache } from '../lru_cache.js'
import type { Outbound } from '../outbound.js'
import { keyProblem } from './public_jwk.js'
import { fits, isSignedWith, type Jwk } from './signature.js'
import { JwtError, type SignedJwt } from './signed_jwt.js'

/** Whose keys they are. */
export interface KeyOwner {
  /** Names the registration: what one party's address answers says nothing about another's. */
  readonly registrationId: string
  /** A JWK Set that was checked when it was registered; undefined where there is none by value. */
  readonly jwks: object | undefined
  /** Empty where there is none. */
  readonly jwksUri: string
}

/** Keys are fetched anew after this time, and earlier where one is missing. */
const keysLiveMs = 300_000
/** While the address does not answer, what it answered before is good for so long. */
const keysLastMs = 900_000
/** After a fetch that did not bring the key, the next that is missing is not looked for. */
const coolDownMs = 10_000

const maxKeys = 100
const request = { timeoutMs: 2_000, maxBytes: 64 * 1024 }

/** What is known of one address. */
interface Fetched {
  keys: readonly Jwk[] | undefined
  fetchedAt: number
  /** No fetch before that. */
  restsUntil: number
  /** For all that ask at once. */
  fetching: Promise<void> | undefined
}

export class KeySets {
  readonly #outbound: Pick<Outbound, 'call'>
  readonly #fetched = lruCache<Fetched>(10_000)

  constructor(outbound: Pick<Outbound, 'call'>) {
    this.#outbound = outbound
  }

  /**
   * Whether one of the owner's keys signed the JWT. Keys that cannot be fetched prove nothing: that is no outage of this
   * server, but of the address that the owner named. Error: JwtError where it cannot be said which key it should be, or
   * where the keys cannot be fetched.
   */
  async verify(owner: KeyOwner, jwt: SignedJwt): Promise<boolean> {
    const key = owner.jwksUri ? await this.#findFetched(owner, jwt) : choose(listIn(owner.jwks) ?? [], jwt)
    return key !== undefined && isSignedWith(key, jwt)
  }

  async #findFetched({ registrationId, jwksUri }: KeyOwner, jwt: SignedJwt): Promise<Jwk | undefined> {
    const known = this.#knownOf(`${registrationId}\0${jwksUri}`)
    const found = isYoungerThan(keysLiveMs, known) ? choose(known.keys ?? [], jwt) : undefined
    if (found) return found
    if (known.fetching || monotonicMs() >= known.restsUntil) {
      known.fetching ??= this.#fetch(jwksUri, known).finally(() => {
        known.fetching = undefined
      })
      await known.fetching
    }
    if (!known.keys || !isYoungerThan(keysLastMs, known))
      throw new JwtError("The keys could not be fetched from the signer's jwks_uri.")
    const fetched = choose(known.keys, jwt)
    if (!fetched) known.restsUntil = Math.max(known.restsUntil, known.fetchedAt + coolDownMs)
    return fetched
  }

  #knownOf(name: string): Fetched {
    const nothing = { keys: undefined, fetchedAt: Number.NEGATIVE_INFINITY, restsUntil: 0, fetching: undefined }
    const known = this.#fetched.get(name) ?? nothing
    this.#fetched.set(name, known)
    return known
  }

  async #fetch(uri: string, known: Fetched): Promise<void> {
    const keys = await this.#call(uri)
    if (keys) Object.assign(known, { keys, fetchedAt: monotonicMs() })
    else known.restsUntil = monotonicMs() + coolDownMs
  }

  /** Undefined where no key set was answered. */
  async #call(uri: string): Promise<readonly Jwk[] | undefined> {
    try {
      const { status, contentType, body } = await this.#outbound.call(uri, request)
      const isJson = status === 200 && /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType)
      const keys = isJson ? goodKeysIn(parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body))) : undefined
      if (!keys) log.info({ status, contentType }, 'what a jwks_uri answered is no key set')
      return keys
    } catch {
      // What could not be called is in the log already; what cannot be read has no more to tell.
      return undefined
    }
  }
}

const isYoungerThan = (ageMs: number, { fetchedAt }: Fetched): boolean => monotonicMs() - fetchedAt < ageMs

/** The keys of a set (RFC 7517 section 5); undefined for what is no set or too large a one. */
function listIn(jwks: unknown): readonly Jwk[] | undefined {
  const keys = (jwks as { keys?: unknown } | null | undefined)?.keys
  return Array.isArray(keys) && keys.length <= maxKeys ? keys : undefined
}

/** Those of them that are worth something: the rest are as good as not there. */
const goodKeysIn = (jwks: unknown): readonly Jwk[] | undefined =>
  listIn(jwks)?.filter((key) => keyProblem(key) === undefined)

/** The one key that signed the JWT if any did. A set of several needs a name for each (OpenID Connect Core section 10.1). */
function choose(keys: readonly Jwk[], jwt: SignedJwt): Jwk | undefined {
  const fitting = keys.filter((key) => fits(jwt, key))
  if (fitting.length > 1) throw new JwtError('It does not say by its kid which key signed it.')
  return fitting[0]
}
