// The public keys that clients sign with: registered by value, or fetched from their `jwks_uri` and kept for a while
// (OpenID Connect Registration section 2).
import type { JSONWebKeySet } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Client } from '#proto/client/v1/client_service.js'
import { monotonicMs } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Outbound } from '../kit/outbound.js'

/** Keys are fetched anew after this time, and earlier where a key is missing, but not in a rush. */
const keysLiveMs = 300_000
const refetchAfterMs = 10_000

interface Fetch {
  readonly startedAt: number
  readonly keys: Promise<JSONWebKeySet>
}

export class ClientKeys {
  readonly #outbound: Pick<Outbound, 'call'>
  /** By address; one for all that ask at once, and for a while after one that failed. */
  readonly #fetches = new LRUCache<string, Fetch>({ max: 1_000 })

  constructor(outbound: Pick<Outbound, 'call'>) {
    this.#outbound = outbound
  }

  /** Error: `temporarily_unavailable` where the client's address does not answer. */
  of(client: Client): Promise<JSONWebKeySet> {
    return this.#find(client, keysLiveMs)
  }

  /** The keys where those that are known have not the one that is needed. */
  newest(client: Client): Promise<JSONWebKeySet> {
    return this.#find(client, refetchAfterMs)
  }

  async #find({ jwks, jwksUri }: Client, maxAgeMs: number): Promise<JSONWebKeySet> {
    if (!jwksUri) return (jwks as JSONWebKeySet | undefined) ?? { keys: [] }
    const known = this.#fetches.get(jwksUri)
    if (known && monotonicMs() - known.startedAt < maxAgeMs) return known.keys
    const fetching = { startedAt: monotonicMs(), keys: this.#fetch(jwksUri) }
    this.#fetches.set(jwksUri, fetching)
    fetching.keys.catch(() => this.#forgetSoon(jwksUri, fetching))
    return fetching.keys
  }

  async #fetch(uri: string): Promise<JSONWebKeySet> {
    try {
      const { status, body } = await this.#outbound.call(uri)
      const set = status === 200 ? (JSON.parse(body.toString()) as JSONWebKeySet) : undefined
      if (!Array.isArray(set?.keys)) throw new Error('the answer is no key set')
      return set
    } catch (cause) {
      throw new OAuthError('temporarily_unavailable', "The client's keys could not be fetched.", { cause })
    }
  }

  /** What failed is not kept as long as what did not, and is not tried again at once. */
  #forgetSoon(uri: string, fetching: Fetch): void {
    if (this.#fetches.get(uri) === fetching) this.#fetches.set(uri, fetching, { ttl: refetchAfterMs })
  }
}
