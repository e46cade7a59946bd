// What happened to many things of late, in little memory: a map that forgets its older half at once, so that an entry is a
// key and a value and nothing else.
import { monotonicMs } from './clock.js'

/** Remembers at least the last `fewest` entries, and twice as many at most, for `lifespanMs` and up to twice that time. */
export class Recent<V extends number | string> {
  readonly #fewest: number
  lifespanMs: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  #begunAt = monotonicMs()

  constructor(fewest: number, lifespanMs: number) {
    this.#fewest = fewest
    this.lifespanMs = lifespanMs
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: V): void {
    const now = monotonicMs()
    if (this.#young.size >= this.#fewest || now - this.#begunAt >= this.lifespanMs) {
      // What nothing was added to for so long is as old as what went before it.
      this.#old = now - this.#begunAt < 2 * this.lifespanMs ? this.#young : new Map()
      this.#young = new Map()
      this.#begunAt = now
    }
    this.#old.delete(key)
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}
