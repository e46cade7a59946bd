// What the load generator counts: operations, wrong answers, and how long each operation took.
import { setTimeout as delay } from 'node:timers/promises'

/** When a run ends: after a time, or after a number of operations. */
export type Limit = { readonly seconds: number } | { readonly operations: number }

export interface Load {
  readonly operations: number
  readonly errors: number
  /** What the first wrong answer was; empty if there was none. */
  readonly firstError: string
  readonly seconds: number
  /** Milliseconds, one for each call that was answered. */
  readonly latencies: Float64Array
}

export class Meter {
  readonly #latencies: number[] = []
  readonly #startedAt = performance.now()
  #operations = 0
  #errors = 0
  #firstError = ''
  #lastAt = this.#startedAt

  /** A call that was answered as it should be, and the operations that it counts for. */
  count(milliseconds: number, operations = 1): void {
    this.#latencies.push(milliseconds)
    this.#operations += operations
    this.#lastAt = performance.now()
  }

  fail(why: string): void {
    if (this.#errors++ === 0) this.#firstError = why.slice(0, 500)
  }

  read(): Load {
    return {
      operations: this.#operations,
      errors: this.#errors,
      firstError: this.#firstError,
      seconds: (this.#lastAt - this.#startedAt) / 1_000,
      latencies: Float64Array.from(this.#latencies),
    }
  }
}

/**
 * Begins an operation at every beat, whether those before have ended or not, so that a slow answer puts off no later one and
 * hides in none.
 */
export async function repeatAtRate(operation: () => Promise<unknown>, perSecond: number, limit: Limit): Promise<Load> {
  const meter = new Meter()
  const count = 'seconds' in limit ? Math.ceil(limit.seconds * perSecond) : limit.operations
  const begunAt = performance.now()
  const timed = async () => {
    const startedAt = performance.now()
    await operation().then(
      () => meter.count(performance.now() - startedAt),
      (thrown) => meter.fail(String(thrown)),
    )
  }
  const underWay: Promise<void>[] = []
  for (let index = 0; index < count; index++) {
    await delay(Math.max(0, begunAt + (index * 1_000) / perSecond - performance.now()))
    underWay.push(timed())
  }
  await Promise.all(underWay)
  return meter.read()
}

/** Repeats an operation in several hands at once, each with a state of its own, until the limit is reached. */
export async function repeatInHands(
  hands: readonly (() => Promise<number | undefined>)[],
  limit: Limit,
): Promise<Load> {
  const meter = new Meter()
  const end = 'seconds' in limit ? performance.now() + limit.seconds * 1_000 : Number.POSITIVE_INFINITY
  let left = 'operations' in limit ? limit.operations : Number.POSITIVE_INFINITY
  const work = async (hand: () => Promise<number | undefined>) => {
    while (left > 0 && performance.now() < end) {
      left--
      const startedAt = performance.now()
      try {
        const operations = await hand()
        meter.count(performance.now() - startedAt, operations)
      } catch (thrown) {
        meter.fail(String(thrown))
        // A hand whose chain broke would only repeat the error.
        return
      }
    }
  }
  await Promise.all(hands.map(work))
  return meter.read()
}
