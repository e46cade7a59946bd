// Work in the background that is done over and over: purges, refreshes.
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from './clock.js'
import { log } from './log.js'

export interface RepeatOptions {
  readonly everyMs: number
  /** What the work does, for the log: `purging grants`. */
  readonly doing: string
  /** Ends the repetition. */
  readonly signal: AbortSignal
}

/** How much longer than a batch the rest after it is, so that whoever waits for an answer hardly waits for a batch. */
const restForWork = 3

/**
 * Works through what may be millions, batch after batch, until one is not full or the signal ends it; returns how many it was.
 * `work` does one batch of at most `size` and returns how many it found.
 */
export async function inBatches(size: number, signal: AbortSignal, work: () => Promise<number>): Promise<number> {
  let sum = 0
  while (!signal.aborted) {
    const beganAt = monotonicMs()
    const found = await work()
    sum += found
    if (found < size) break
    await delay(restForWork * (monotonicMs() - beganAt), undefined, { signal }).catch(() => undefined)
  }
  return sum
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
