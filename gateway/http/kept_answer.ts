// An answer of a service that changes seldom: asked for once for all who wait, and kept for a while.
import { monotonicMs } from '../../services/kit/clock.js'
import { log } from '../../services/kit/log.js'
import type { CallOptions } from '../../services/kit/rpc/contract.js'

export interface KeptAnswerOptions<T> {
  readonly name: string
  readonly load: (call: CallOptions, last: T | undefined) => Promise<T>
  /** Milliseconds that it is given without asking; 0: everybody asks. */
  readonly maxAgeMs: number
  /** Milliseconds that it is given where the service does not answer. */
  readonly maxStaleMs: number
}

export class KeptAnswer<T> {
  readonly #options: KeptAnswerOptions<T>
  #last: { readonly value: T; readonly askedAt: number } | undefined
  #asking: Promise<T> | undefined

  constructor(options: KeptAnswerOptions<T>) {
    this.#options = options
  }

  async get(call: CallOptions): Promise<T> {
    const { maxAgeMs, maxStaleMs, name } = this.#options
    const last = this.#last
    const age = last ? monotonicMs() - last.askedAt : Number.POSITIVE_INFINITY
    if (last && age < maxAgeMs) return last.value
    try {
      return await (maxAgeMs === 0 ? this.#ask(call) : this.#askTogether(call))
    } catch (thrown) {
      if (!last || age > maxStaleMs) throw thrown
      log.warn({ err: thrown, answer: name }, 'the last answer is given')
      return last.value
    }
  }

  #askTogether(call: CallOptions): Promise<T> {
    this.#asking ??= this.#ask(call).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(call: CallOptions): Promise<T> {
    const askedAt = monotonicMs()
    const value = await this.#options.load(call, this.#last?.value)
    this.#last = { value, askedAt }
    return value
  }
}
