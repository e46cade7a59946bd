// Notes which operations of an SDK a test file has called, so that none is left out without a reason.
import { expect } from 'vitest'

// biome-ignore lint/suspicious/noExplicitAny: whatever a constructor takes
type ApiClass = new (...args: any[]) => object

export class SdkCalls {
  readonly #answered = new Set<string>()

  /** The API; what it answers without an error is noted. */
  watch<T extends object>(api: T): T {
    return new Proxy(api, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function' || name === 'constructor') return member
        return async (...args: unknown[]) => {
          const answer: unknown = await Reflect.apply(member, target, args)
          this.#answered.add(`${target.constructor.name}.${String(name)}`)
          return answer
        }
      },
    })
  }

  /** Fails for an operation of the SDK that was not answered and has no reason, and for a reason that no longer holds. */
  expectAllOf(classes: readonly ApiClass[], reasons: Readonly<Record<string, string>>): void {
    const all = classes.flatMap(({ name, prototype }) =>
      Object.getOwnPropertyNames(prototype)
        .filter((method) => method !== 'constructor')
        .map((method) => `${name}.${method}`),
    )
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter((each) => !this.#answered.has(each)).toSorted()).toEqual(Object.keys(reasons).toSorted())
  }
}
