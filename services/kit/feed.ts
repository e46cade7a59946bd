// Follows a feed of another service for as long as this process lives: reconnects, goes on from the last position, and
// knows how stale it is. And a cache that such a feed keeps true.
import { setTimeout as delay } from 'node:timers/promises'
import type { LRUCache } from 'lru-cache'
import { monotonicMs } from './clock.js'
import { log } from './log.js'
import { lruCache } from './lru_cache.js'
import { OAuthError } from './oauth_error.js'

/** What one message says about the feed. */
export interface FeedNews<P> {
  /** The position after it. */
  readonly position: P
  /** How old the news was when it was sent, in milliseconds. */
  readonly ageMs: number
  /** When it was sent, in milliseconds of the sender's own clock; 0: not told. */
  readonly sentAtMs: number
}

export interface FeedSource<P, M> {
  readonly name: string
  /** Opens the feed after a position; undefined: from where a new reader begins. */
  readonly open: (position: P | undefined, signal: AbortSignal) => AsyncIterable<M>
  readonly take: (message: M) => FeedNews<P>
  /** Drops all that was learnt: the feed cannot go on from the last position. */
  readonly reset: () => void
}

/** Heartbeats come several times a second: what has been silent for so long is dead, whatever the connection says. */
const longestSilenceMs = 5_000

export class FeedFollower<P, M> {
  readonly #source: FeedSource<P, M>
  readonly #stopping = new AbortController()
  #position: P | undefined
  #freshAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined

  constructor(source: FeedSource<P, M>) {
    this.#source = source
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Milliseconds since all that had happened was known here; infinite before the first message. */
  stalenessMs(): number {
    return monotonicMs() - this.#freshAt
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#follow(() => {
          failures = 0
        })
      } catch (thrown) {
        if (signal.aborted) return
        if (thrown instanceof OAuthError && thrown.code === 'position_lost') this.#reset()
        else log.warn({ feed: this.#source.name, err: thrown }, 'the feed broke off and is opened again')
      }
      await delay(Math.min(1_000, 50 * 2 ** failures++), undefined, { signal }).catch(() => undefined)
    }
  }

  /** Follows until the feed breaks off, or is given up because it has gone silent. */
  async #follow(succeeded: () => void): Promise<void> {
    const opened = new AbortController()
    const giveUp = () => opened.abort()
    const watchdog = setTimeout(giveUp, longestSilenceMs)
    this.#stopping.signal.addEventListener('abort', giveUp, { once: true })
    const transit = new Transit()
    try {
      for await (const message of this.#source.open(this.#position, opened.signal)) {
        watchdog.refresh()
        succeeded()
        const { position, ageMs, sentAtMs } = this.#source.take(message)
        this.#position = position
        this.#freshAt = Math.max(this.#freshAt, transit.sentAt(sentAtMs) - ageMs)
      }
    } finally {
      clearTimeout(watchdog)
      this.#stopping.signal.removeEventListener('abort', giveUp)
    }
  }

  #reset(): void {
    this.#position = undefined
    this.#freshAt = Number.NEGATIVE_INFINITY
    this.#source.reset()
  }
}

/** Tells how long messages were on their way beyond the fastest of them: in buffers, on a slow line, before a busy reader. */
export class Transit {
  #fastest = Number.POSITIVE_INFINITY
  #lastAt = 0

  /** When a message that arrives now was sent, on this process's clock. */
  sentAt(sentAtMs: number): number {
    const now = monotonicMs()
    if (sentAtMs === 0) return now
    // The two clocks may run apart by 100 ppm.
    const drift = (now - this.#lastAt) * 1e-4
    this.#fastest = Math.min(this.#fastest + drift, now - sentAtMs)
    this.#lastAt = now
    return sentAtMs + this.#fastest
  }
}

export interface WatchedCacheOptions<V> {
  readonly max: number
  /** Asks the owner; for all who wait at once, so it has a deadline of its own. */
  readonly load: (key: string) => Promise<V>
  /** How stale the feed that keeps the cache true is now, in milliseconds. */
  readonly stalenessMs: () => number
  /** Beyond this staleness nothing is answered from memory. */
  readonly maxStalenessMs: number
}

/** Values by key, loaded once and kept until the feed says that they changed. */
export class WatchedCache<V extends object> {
  readonly #options: WatchedCacheOptions<V>
  readonly #values: LRUCache<string, V>
  readonly #loading = new Map<string, Promise<V>>()
  /** Beyond this staleness nothing is answered from memory. */
  maxStalenessMs: number

  constructor(options: WatchedCacheOptions<V>) {
    this.#options = options
    this.maxStalenessMs = options.maxStalenessMs
    this.#values = lruCache(options.max)
  }

  /** The value from memory, if memory may be trusted now. */
  peek(key: string): V | undefined {
    if (this.#options.stalenessMs() > this.maxStalenessMs) return undefined
    return this.#values.get(key)
  }

  /** The value, from memory or its owner. Throws what `load` throws. */
  async get(key: string): Promise<V> {
    const known = this.peek(key)
    if (known) return known
    const underWay = this.#loading.get(key)
    if (underWay) return underWay
    const loading = this.#load(key)
    this.#loading.set(key, loading)
    try {
      return await loading
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key)
    }
  }

  /** As `get`; undefined where its owner says that there is none. */
  async find(key: string): Promise<V | undefined> {
    try {
      return await this.get(key)
    } catch (thrown) {
      if (thrown instanceof OAuthError && thrown.code === 'not_found') return undefined
      throw thrown
    }
  }

  /** Forgets a value; what is being loaded at this moment is not kept either. */
  drop(key: string): void {
    this.#values.delete(key)
    this.#loading.delete(key)
  }

  clear(): void {
    this.#values.clear()
    this.#loading.clear()
  }

  async #load(key: string): Promise<V> {
    // The turn lets `get` note the load before it can end, so that a change meanwhile is seen.
    await undefined
    const mine = this.#loading.get(key)
    const value = await this.#options.load(key)
    if (mine !== undefined && this.#loading.get(key) === mine) this.#values.set(key, value)
    return value
  }
}

export interface FollowedCacheOptions<V, P, M> {
  readonly name: string
  readonly max: number
  readonly maxStalenessMs: number
  readonly load: (key: string) => Promise<V>
  readonly open: FeedSource<P, M>['open']
  /** What a message of the feed says: the keys that changed, and the news of the feed. */
  readonly read: (message: M) => FeedNews<P> & { readonly keys: readonly string[] }
}

/** A cache and the follower of the feed that keeps it true. */
export class FollowedCache<V extends object, P, M> extends WatchedCache<V> {
  readonly #follower: FeedFollower<P, M>

  constructor(options: FollowedCacheOptions<V, P, M>) {
    super({
      max: options.max,
      maxStalenessMs: options.maxStalenessMs,
      load: options.load,
      stalenessMs: () => this.#follower.stalenessMs(),
    })
    this.#follower = new FeedFollower({
      name: options.name,
      open: options.open,
      reset: () => this.clear(),
      take: (message) => {
        const { keys, ...news } = options.read(message)
        for (const key of keys) this.drop(key)
        return news
      },
    })
  }

  start(): void {
    this.#follower.start()
  }

  stop(): Promise<void> {
    return this.#follower.stop()
  }

  stalenessMs(): number {
    return this.#follower.stalenessMs()
  }
}
