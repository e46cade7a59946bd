// The keys that JWT access tokens are verified with, from the server's JWK Set (RFC 7517 section 5): kept as Cache-Control
// says, fetched by one request for all who wait, and again when the feed tells of another revision or a token names a key
// that is not known.
import { type CryptoKey, importJWK, type JWK } from 'jose'
import type { OnTrouble } from './options.js'

export interface VerificationKey {
  readonly alg: string
  readonly key: CryptoKey
}

/** Asymmetric algorithms alone (RFC 8725 3.1): what is published could never be a key for a MAC. */
const algorithms = new Set(['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'])
/** The server's key set for access tokens: keys of other sets prove nothing about an access token. */
const accessTokenKeySet = 'hydra.jwt.access-token'

/** A document whose revision the feed confirms is not asked for again before, however short its Cache-Control is. */
const leastAgeMs = 60_000
const timeoutMs = 3_000
/** The least time between two requests, whatever tokens and the feed ask for. */
const coolDownMs = 500
const longestCoolDownMs = 10_000
const maxAgeWithoutWordMs = 300_000
const longestMaxAgeMs = 24 * 3_600_000

export class PublishedKeys {
  readonly #uri: string
  readonly #onTrouble: OnTrouble
  #keys: ReadonlyMap<string, VerificationKey> = new Map()
  /** Of the document that is known: its ETag, which is the revision that the feed tells. */
  #etag = ''
  #expiresAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined
  #fetchAgainAt = Number.NEGATIVE_INFINITY
  #fruitless = 0

  constructor(uri: string, onTrouble: OnTrouble) {
    this.#uri = uri
    this.#onTrouble = onTrouble
  }

  /** Whether there are keys at all. */
  get isKnown(): boolean {
    return this.#keys.size > 0
  }

  get revision(): string {
    return this.#etag.replace(/^(W\/)?"(.*)"$/, '$2')
  }

  /** Whether a token may be verified with what is known, where the feed says that this is the revision. */
  isCurrent(revision: string): boolean {
    return this.isKnown && (performance.now() < this.#expiresAt || this.#isAt(revision))
  }

  /** The feed says which revision is published now; what has grown old is fetched too. */
  follow(revision: string): void {
    const now = performance.now()
    const isDue = this.#isAt(revision) ? now >= Math.max(this.#expiresAt, this.#fetchAgainAt + leastAgeMs) : true
    if (isDue && now >= this.#fetchAgainAt) void this.#refresh(revision).catch(() => undefined)
  }

  /**
   * The key of this name: undefined where there is none, `unsure` where there might be one that cannot be fetched now.
   * `revision`: what is published now, if that is known.
   */
  async find(kid: string, revision: string): Promise<VerificationKey | undefined | 'unsure'> {
    const known = this.#keys.get(kid)
    if (known) return known
    if (this.#isAt(revision)) return undefined
    if (this.#fetching || performance.now() >= this.#fetchAgainAt) await this.#refresh(revision).catch(() => undefined)
    return this.#keys.get(kid) ?? (this.#isAt(revision) ? undefined : 'unsure')
  }

  #isAt(revision: string): boolean {
    return revision !== '' && revision === this.revision
  }

  #refresh(revision: string): Promise<void> {
    this.#fetching ??= this.#fetch()
      .catch((cause: unknown) => {
        this.#onTrouble('the published keys cannot be fetched', cause)
        throw cause
      })
      .finally(() => {
        this.#fetching = undefined
        // A cache on the way may go on answering with what it has: it is asked less and less often.
        this.#fruitless =
          this.isCurrent(revision) && (revision === '' || this.#isAt(revision)) ? 0 : this.#fruitless + 1
        this.#fetchAgainAt = performance.now() + Math.min(coolDownMs * 2 ** this.#fruitless, longestCoolDownMs)
      })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const headers: Record<string, string> = { accept: 'application/json', 'cache-control': 'no-cache' }
    if (this.#etag) headers['if-none-match'] = this.#etag
    const answer = await fetch(this.#uri, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
    if (answer.status !== 200 && answer.status !== 304) throw new Error(`${this.#uri} answered ${answer.status}`)
    if (answer.status === 200) {
      this.#keys = await importKeys(await answer.json())
      this.#etag = answer.headers.get('etag') ?? ''
    }
    this.#expiresAt = performance.now() + maxAgeMs(answer.headers.get('cache-control') ?? '')
  }
}

/** RFC 9111 5.2.2. */
function maxAgeMs(cacheControl: string): number {
  if (/\bno-(cache|store)\b/i.test(cacheControl)) return 0
  const [, seconds] = /\bmax-age=(\d+)/i.exec(cacheControl) ?? []
  return seconds === undefined ? maxAgeWithoutWordMs : Math.min(Number(seconds) * 1_000, longestMaxAgeMs)
}

async function importKeys(document: unknown): Promise<ReadonlyMap<string, VerificationKey>> {
  const { keys } = document as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('what was answered is no JWK Set')
  const known = new Map<string, VerificationKey>()
  for (const jwk of keys as JWK[]) {
    const { kid, alg = '', use = 'sig', key_set: set = accessTokenKeySet } = jwk as JWK & { key_set?: string }
    if (typeof kid !== 'string' || use !== 'sig' || set !== accessTokenKeySet || !algorithms.has(alg)) continue
    const key = await importJWK({ ...jwk }, alg).catch(() => undefined)
    if (key && !(key instanceof Uint8Array) && key.type === 'public') known.set(kid, { alg, key })
  }
  return known
}
