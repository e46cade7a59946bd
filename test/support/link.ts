// A service as a caller sees it over a line that a test can cut, silence and listen to.
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { CallOptions, MethodDefinition, Remote, ServiceDefinition } from '../../services/kit/rpc/contract.js'

type Unary = (request: unknown, options?: CallOptions) => Promise<unknown>
type Stream = (request: unknown, options?: CallOptions) => AsyncIterable<unknown>

const outage = () => new OAuthError('temporarily_unavailable', 'The line is cut.')

export class Link<D extends ServiceDefinition> {
  readonly remote: Remote<D>
  /** How often each method was called. */
  readonly calls: Record<string, number> = {}
  readonly #streams = new Set<AbortController>()
  #isCut = false
  #hasBrokenStreams = false
  #silence: { readonly over: Promise<void>; readonly end: () => void } | undefined

  constructor(definition: D, inner: Remote<D>) {
    const remote: Record<string, unknown> = {}
    for (const [name, method] of Object.entries<MethodDefinition>(definition)) {
      const call = (inner as Record<string, unknown>)[name]
      remote[name] = method.responseStream ? this.#stream(name, call as Stream) : this.#unary(name, call as Unary)
    }
    this.remote = remote as Remote<D>
  }

  /** Breaks the streams that are open, and refuses whatever comes. */
  cut(): void {
    this.#isCut = true
    for (const stream of this.#streams) stream.abort()
  }

  /** Breaks the streams that are open and refuses others, while questions are answered. */
  breakStreams(broken: boolean): void {
    this.#hasBrokenStreams = broken
    if (broken) for (const stream of this.#streams) stream.abort()
  }

  /** Nothing comes through any more, and nothing is refused: what is sent arrives when the line is mended. */
  silence(): void {
    let end = () => {}
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#silence = { over, end }
  }

  mend(): void {
    this.#isCut = false
    this.#silence?.end()
    this.#silence = undefined
  }

  #unary(name: string, call: Unary): Unary {
    return async (request, options) => {
      this.calls[name] = (this.calls[name] ?? 0) + 1
      if (this.#isCut) throw outage()
      await this.#silence?.over
      return call(request, options)
    }
  }

  #stream(name: string, call: Stream): Stream {
    const link = this
    return async function* (request, options) {
      link.calls[name] = (link.calls[name] ?? 0) + 1
      if (link.#isCut || link.#hasBrokenStreams) throw outage()
      const broken = new AbortController()
      const signal = AbortSignal.any([broken.signal, ...(options?.signal ? [options.signal] : [])])
      link.#streams.add(broken)
      try {
        for await (const message of call(request, { ...options, signal })) {
          if (link.#silence) await Promise.race([link.#silence.over, aborted(signal)])
          if (broken.signal.aborted) throw outage()
          yield message
        }
        if (broken.signal.aborted) throw outage()
      } finally {
        link.#streams.delete(broken)
      }
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
