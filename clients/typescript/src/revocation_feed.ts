// Follows the server's feed of revocations: opens it again where it breaks off, goes on from the last cursor, and knows how
// stale it is.
import { setTimeout as delay } from 'node:timers/promises'
import { type Metadata, status } from '@grpc/grpc-js'
import type { RevocationServiceClient, WatchRevocationsResponse } from './gen/tessera/token/v1/revocation_service.js'
import type { OnTrouble } from './options.js'
import { RevocationIndex } from './revocation_index.js'

/** Heartbeats come several times a second: what has been silent for so long is dead, whatever the connection says. */
const longestSilenceMs = 5_000
const longestPauseMs = 1_000

export interface RevocationFeedOptions {
  readonly client: RevocationServiceClient
  readonly metadata: () => Metadata
  readonly onTrouble: OnTrouble
  /** After each message. */
  readonly onNews: () => void
}

export class RevocationFeed {
  readonly index = new RevocationIndex()
  readonly #options: RevocationFeedOptions
  readonly #stopping = new AbortController()
  #cursor: Buffer = Buffer.alloc(0)
  #freshAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined
  #keysRevision = ''
  #deletionsMissingBeforeMs = 0
  #resets = 0

  constructor(options: RevocationFeedOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Milliseconds since all that had been revoked was known here; infinite before the first message. */
  stalenessMs(): number {
    return performance.now() - this.#freshAt
  }

  /** The revision of the published keys, as the feed told last; empty before. */
  get keysRevision(): string {
    return this.#keysRevision
  }

  /** Epoch milliseconds: of a token that was issued before, it is not known here whether its client was deleted. */
  get deletionsMissingBeforeMs(): number {
    return this.#deletionsMissingBeforeMs
  }

  /** How often the feed had to be read from its beginning because it could not go on from the last cursor. */
  get resets(): number {
    return this.#resets
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
        if ((thrown as { code?: unknown }).code === status.OUT_OF_RANGE) this.#reset()
        else this.#options.onTrouble('the feed of revocations broke off and is opened again', thrown)
      }
      await delay(Math.min(longestPauseMs, 50 * 2 ** failures++), undefined, { signal }).catch(() => undefined)
    }
  }

  async #follow(succeeded: () => void): Promise<void> {
    const { client, metadata } = this.#options
    const stream = client.watchRevocations({ cursor: this.#cursor }, metadata())
    const giveUp = () => stream.cancel()
    const watchdog = setTimeout(giveUp, longestSilenceMs)
    this.#stopping.signal.addEventListener('abort', giveUp, { once: true })
    const transit = new Transit()
    try {
      for await (const message of stream as AsyncIterable<WatchRevocationsResponse>) {
        watchdog.refresh()
        succeeded()
        this.#take(message, transit)
      }
    } finally {
      clearTimeout(watchdog)
      this.#stopping.signal.removeEventListener('abort', giveUp)
      stream.cancel()
    }
  }

  #take(message: WatchRevocationsResponse, transit: Transit): void {
    for (const revocation of message.revocations) this.index.add(revocation)
    this.index.sweep(Date.now())
    this.#cursor = message.cursor
    this.#keysRevision = message.keysRevision
    this.#deletionsMissingBeforeMs = message.deletionsMissingBeforeMs
    const ageMs = Math.max(message.ageMs, message.deletionsAgeMs)
    this.#freshAt = Math.max(this.#freshAt, transit.sentAt(message.sentAtMs) - ageMs)
    this.#options.onNews()
  }

  #reset(): void {
    this.#cursor = Buffer.alloc(0)
    this.#freshAt = Number.NEGATIVE_INFINITY
    this.#resets++
    this.index.clear()
  }
}

/** Tells how long messages were on their way beyond the fastest of them: in buffers, on a slow line, before a busy reader. */
class Transit {
  #fastest = Number.POSITIVE_INFINITY
  #lastAt = 0

  /** When a message that arrives now was sent, on this process's clock. */
  sentAt(sentAtMs: number): number {
    const now = performance.now()
    if (sentAtMs === 0) return now
    // The two clocks may run apart by 100 ppm.
    const drift = (now - this.#lastAt) * 1e-4
    this.#fastest = Math.min(this.#fastest + drift, now - sentAtMs)
    this.#lastAt = now
    return sentAtMs + this.#fastest
  }
}
