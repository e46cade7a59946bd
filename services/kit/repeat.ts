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
