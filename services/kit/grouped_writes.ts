// Concurrent writes of one kind travel in one statement: the next batch is what arrived while the last was in flight, or in a
// few turns of the event loop. Where the loop is busy these take long enough to gather what others are about to write, so that
// all wait for fewer commits; where it is idle they are over at once, and nobody waits. Every caller is answered only after its
// own commit.

export interface GroupedWritesOptions<I, O> {
  /** Writes a batch; returns one result for each item, in their order. */
  readonly write: (items: readonly I[]) => Promise<readonly O[]>
  /** Items with the same key never share a batch, since one statement changes a row only once. */
  readonly keyOf: (item: I) => string
  readonly maxBatch?: number
  /** Statements in flight at once. */
  readonly concurrency?: number
}

/** For which a batch gathers. */
const turns = 8

interface Waiting<I, O> {
  readonly item: I
  readonly key: string
  readonly resolve: (result: O) => void
  readonly reject: (reason: unknown) => void
}

export class GroupedWrites<I, O> {
  readonly #options: Required<GroupedWritesOptions<I, O>>
  #waiting: Waiting<I, O>[] = []
  readonly #keysInFlight = new Set<string>()
  #inFlight = 0
  #isScheduled = false

  constructor(options: GroupedWritesOptions<I, O>) {
    this.#options = { maxBatch: 256, concurrency: 2, ...options }
  }

  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, key: this.#options.keyOf(item), resolve, reject })
      this.#schedule()
    })
  }

  /** No timer, so that nobody waits where there is nothing to wait for. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= this.#options.concurrency) return
    this.#isScheduled = true
    let left = turns
    const turn = () => {
      if (--left > 0) setImmediate(turn)
      else {
        this.#isScheduled = false
        this.#next()
      }
    }
    setImmediate(turn)
  }

  #next(): void {
    while (this.#inFlight < this.#options.concurrency && this.#waiting.length > 0) {
      const batch = this.#takeBatch()
      if (batch.length === 0) return
      void this.#write(batch)
    }
  }

  /** As many as fit, each with a key that is not under way; the rest keep their order. */
  #takeBatch(): Waiting<I, O>[] {
    const batch: Waiting<I, O>[] = []
    const rest: Waiting<I, O>[] = []
    for (const waiting of this.#waiting) {
      if (batch.length < this.#options.maxBatch && !this.#keysInFlight.has(waiting.key)) {
        this.#keysInFlight.add(waiting.key)
        batch.push(waiting)
      } else rest.push(waiting)
    }
    this.#waiting = rest
    return batch
  }

  async #write(batch: Waiting<I, O>[]): Promise<void> {
    this.#inFlight++
    try {
      const results = await this.#options.write(batch.map((waiting) => waiting.item))
      batch.forEach((waiting, index) => {
        waiting.resolve(results[index] as O)
      })
    } catch (thrown) {
      await this.#failed(batch, thrown)
    } finally {
      this.#inFlight--
      for (const { key } of batch) this.#keysInFlight.delete(key)
      if (!this.#isScheduled) this.#next()
    }
  }

  /** One bad item must not fail its neighbours: after an error that is the statement's own, each is written alone. */
  async #failed(batch: Waiting<I, O>[], thrown: unknown): Promise<void> {
    const isOutage = (thrown as { code?: unknown }).code === 'temporarily_unavailable'
    if (batch.length === 1 || isOutage) {
      for (const waiting of batch) waiting.reject(thrown)
      return
    }
    for (const waiting of batch) {
      try {
        waiting.resolve((await this.#options.write([waiting.item]))[0] as O)
      } catch (alone) {
        waiting.reject(alone)
      }
    }
  }
}
