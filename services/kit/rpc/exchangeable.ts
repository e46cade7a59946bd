// Services whose handlers can be exchanged while calls are under way: each call runs to its end with those that it began
// with, and so with one configuration.
import type { Service } from './contract.js'

type Handler = (request: unknown, call: unknown) => unknown

export class ExchangeableServices {
  /** To be served; the same for good. */
  readonly services: readonly Service[]
  #handlers: readonly Readonly<Record<string, Handler>>[]

  constructor(first: readonly Service[]) {
    this.#handlers = first.map(handlersOf)
    this.services = first.map(({ definition }, index) => ({
      definition,
      handlers: Object.fromEntries(Object.keys(definition).map((name) => [name, this.#current(index, name)])) as never,
    }))
  }

  /** The same services with other handlers, in the same order. */
  exchange(next: readonly Service[]): void {
    this.#handlers = next.map(handlersOf)
  }

  #current(index: number, name: string): Handler {
    return (request, call) => this.#handlers[index]?.[name]?.(request, call)
  }
}

const handlersOf = ({ handlers }: Service) => handlers as unknown as Readonly<Record<string, Handler>>
