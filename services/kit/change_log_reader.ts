// One reader of a change log: what it has seen, and what waits for it.

import { encodeCursor, type Positions } from './change_log_cursor.js'
import { monotonicMs } from './clock.js'

/** One message to a reader. */
export interface LogMessage<E> {
  /** Entries since the message before; none in a heartbeat. */
  readonly entries: readonly E[]
  /** Where to go on after this message. */
  readonly cursor: Buffer
  /** How long ago it was known that nothing older was missing, in milliseconds; infinite: never yet. */
  readonly ageMs: number
  /** When it was made, on this process's monotonic clock, in whole milliseconds. */
  readonly sentAtMs: number
  /** More entries follow at once. */
  readonly more: boolean
}

export interface Row<E> {
  readonly writer: string
  readonly seq: number
  readonly entry: E
}

/** A moment until which everything is known. */
export interface Complete {
  /** On this process's monotonic clock; `never`: nothing is. */
  readonly at: number
  /** On the database's clock, epoch milliseconds. */
  readonly databaseMs: number
}

export const never = Number.NEGATIVE_INFINITY

/** What may wait for a slow reader; beyond it, the reader goes back to reading the table. */
const maxQueued = 10_000
const maxPerMessage = 1_000

export class Reader<E> {
  readonly positions: Positions
  /** Not all that happened is in the queue: the table has to be read. */
  behind = true
  #complete: Complete
  #queue: Row<E>[] = []
  #wake: (() => void) | undefined

  constructor(positions: Positions, complete: Complete) {
    this.positions = positions
    this.#complete = complete
  }

  /** Queues what happened. Before it is asked for more than it can hold, a reader falls behind. */
  push(rows: readonly Row<E>[]): void {
    if (!this.behind) {
      for (const row of rows) this.#queue.push(row)
      if (this.#queue.length > maxQueued) this.#fallBehind()
    }
    this.wake()
  }

  #fallBehind(): void {
    this.behind = true
    this.#queue = []
  }

  /** From here on everything that happens is queued. */
  catchUp(): void {
    this.behind = false
    this.#queue = []
  }

  /** A message of what was read from the table. */
  read(rows: readonly Row<E>[], complete: Complete | undefined): LogMessage<E> {
    const entries = this.#see(rows)
    if (complete) this.#complete = complete
    return this.#message(entries, !complete)
  }

  /** A message of what is queued; all that was known at `complete` has been queued. */
  take(complete: Complete): LogMessage<E> {
    const entries = this.#see(this.#queue.splice(0, maxPerMessage))
    const more = this.#queue.length > 0
    if (!more && complete.at > this.#complete.at) this.#complete = complete
    return this.#message(entries, more)
  }

  /** Waits until there is something to say, at most for a while. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.behind || this.#queue.length > 0 || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      this.#wake = done
    })
  }

  wake(): void {
    this.#wake?.()
  }

  /** What was not seen before: an entry may come both from the table and from the queue. */
  #see(rows: readonly Row<E>[]): E[] {
    const entries: E[] = []
    for (const { writer, seq, entry } of rows) {
      if (seq <= (this.positions.get(writer) ?? 0)) continue
      this.positions.set(writer, seq)
      entries.push(entry)
    }
    return entries
  }

  #message(entries: E[], more: boolean): LogMessage<E> {
    const { at, databaseMs } = this.#complete
    const cursor = encodeCursor({ positions: this.positions, untilMs: databaseMs, isComplete: at !== never })
    const now = monotonicMs()
    return { entries, cursor, ageMs: now - at, sentAtMs: Math.floor(now), more }
  }
}
