// Work in the background that is done over and over: purges, refreshes.
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from './clock.js'
import { log } from './log.js'
import { timeLimit } from './time_limit.js'

export interface RepeatOptions {
  readonly everyMs: number
  /** What the work does, for the log: `purging grants`. */
  readonly doing: string
  /** Ends the repetition. */
  readonly signal: AbortSignal
}

/** How long to go on, and how fast. */
export interface Until {
  /** Ends it before all is done. */
  readonly signal: AbortSignal
  /** A caller waits for the end, so that there is no rest. */
  readonly isAwaited?: boolean
}

/** For as long as a caller waits: so many milliseconds, and no longer than its own signal says where there is one. */
export const whileAwaited = (milliseconds: number, ...signals: AbortSignal[]): Until => ({
  signal: timeLimit(milliseconds, ...signals),
  isAwaited: true,
})

export interface BatchesOptions extends Until {
  /** What one batch does at most: where it finds fewer, it was the last, unless some are left. */
  readonly size: number
  /** Whether a batch has left some, which statements under way held. */
  readonly isAnyLeft?: () => Promise<boolean>
}

export interface Batches {
  /** How many were found. */
  readonly found: number
  /** False where the signal ended it. */
  readonly isAll: boolean
}

/** Rows that a purge deletes at once: few, so that whoever waits for an answer hardly waits for them too. */
export const purgeBatch = 250
/** For which a caller waits for a purge; what is left after that is purged in the background. */
export const purgeForMs = 2_000
/** How much longer than a batch the rest after it is, so that whoever waits for an answer hardly waits for a batch. */
const restForWork = 19
/** The longest rest: a million rows go within an hour even where the database is so busy that a batch takes long. */
const maxRestMs = 500
/** What is left is in the hands of a statement, which takes about so long. */
const statementUnderWayMs = 20

/**
 * Works through what may be millions, batch after batch. `work` does one of at most `size`, which it is told, and
 * returns how many it found.
 */
export async function inBatches(
  { size, signal, isAwaited = false, isAnyLeft }: BatchesOptions,
  work: (size: number) => Promise<number>,
): Promise<Batches> {
  let sum = 0
  while (!signal.aborted) {
    const beganAt = monotonicMs()
    const found = await work(size)
    sum += found
    if (found < size && !(await isAnyLeft?.())) return { found: sum, isAll: true }
    const rest = isAwaited ? 0 : Math.min(restForWork * (monotonicMs() - beganAt), maxRestMs)
    const pause = found < size ? Math.max(rest, statementUnderWayMs) : rest
    if (pause > 0) await delay(pause, undefined, { signal }).catch(() => undefined)
  }
  return { found: sum, isAll: false }
}

/** Does the work until the signal ends it; the first of several failures in a row is logged. */
export async function repeat({ everyMs, doing, signal }: RepeatOptions, work: () => Promise<void>): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const beganAt = monotonicMs()
    try {
      await work()
      failures = 0
    } catch (err) {
      if (failures++ === 0) log.warn({ err }, `${doing} fails`)
    }
    const rest = Math.max(0, everyMs - (monotonicMs() - beganAt))
    await delay(rest, undefined, { signal }).catch(() => undefined)
  }
}
