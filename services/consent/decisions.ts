// What was decided on flows and logouts in this process, so that the first decision stands and a verifier is taken once.
// Only a bounded memory: across processes and restarts the judges are the unique key at the end of a flow and the delete of
// a login session.
import { createHash } from 'node:crypto'
import type { LRUCache } from 'lru-cache'
import { lruCache } from '../kit/lru_cache.js'
import { OAuthError } from '../kit/oauth_error.js'

interface Decision {
  readonly digest: string
  readonly answer: Promise<string>
}

export class Decisions {
  readonly #made: LRUCache<string, Decision>
  readonly #taken: LRUCache<string, true>
  readonly #ended: LRUCache<string, true>

  /** @param lifespan Seconds after which a flow or logout is refused anyway. */
  constructor(lifespan: number) {
    const ttl = lifespan * 1_000
    this.#made = lruCache(20_000, ttl)
    this.#taken = lruCache(100_000, ttl)
    this.#ended = lruCache(100_000, ttl)
  }

  /** Decisions that were made keep the time that they had. */
  reconfigure(lifespan: number): void {
    for (const cache of [this.#made, this.#taken, this.#ended]) cache.ttl = lifespan * 1_000
  }

  /**
   * Makes a decision, or answers the same one again. `key` names what is decided on, `decision` is all that it says.
   * Error: `conflict` where another decision was made before.
   */
  async make(key: string, decision: Uint8Array, answer: () => Promise<string>): Promise<string> {
    const digest = createHash('sha256').update(decision).digest('base64')
    const known = this.#made.get(key)
    if (known) {
      if (known.digest === digest) return known.answer
      throw new OAuthError('conflict', 'Another decision was made on this request before; the first stands.')
    }
    const made = { digest, answer: answer() }
    this.#made.set(key, made)
    try {
      return await made.answer
    } catch (thrown) {
      if (this.#made.peek(key) === made) this.#made.delete(key)
      throw thrown
    }
  }

  /** Takes a verifier; false if it was taken before. */
  take(key: string): boolean {
    if (this.#taken.has(key)) return false
    this.#taken.set(key, true)
    return true
  }

  /** Gives a verifier back that could not be served. */
  giveBack(key: string): void {
    this.#taken.delete(key)
  }

  end(id: string): void {
    this.#ended.set(id, true)
  }

  /** Error: `gone` for what has ended, with the URL by which it can begin anew. */
  checkOpen(id: string, requestUrl: () => string): void {
    if (this.#ended.has(id)) throw new OAuthError('gone', undefined, { redirectTo: requestUrl() })
  }
}
