// What happens to every call, in process and over the wire alike: may this caller call, how long may it take, and what is
// told of a failure.

import { setMaxListeners } from 'node:events'
import { monotonicMs } from '../clock.js'
import { log } from '../log.js'
import { OAuthError, toOAuthError } from '../oauth_error.js'
import { newUuid } from '../random.js'
import type { Call, Caller, CallOptions } from './contract.js'
import type { Rule } from './rules.js'

/** A call under way. Its signal is made when somebody asks for it: most handlers never do. */
class CallUnderWay implements Call {
  readonly caller: Caller
  readonly requestId: string
  readonly deadline: number
  #controller: AbortController | undefined
  #aborted = false
  #parent: AbortSignal | undefined
  readonly #abortWithParent = () => {
    this.abort()
    this.onAbandoned?.()
  }
  /** Told when the caller gives up before the deadline. */
  onAbandoned: (() => void) | undefined

  constructor(caller: Caller, rule: Rule, options: CallOptions | undefined) {
    this.caller = caller
    this.requestId = options?.requestId || newUuid()
    const own = rule.deadline === 0 ? Number.POSITIVE_INFINITY : monotonicMs() + rule.deadline
    this.deadline = Math.min(own, options?.deadline ?? Number.POSITIVE_INFINITY)
    this.#parent = options?.signal
    if (this.#parent?.aborted) this.#aborted = true
    else this.#parent?.addEventListener('abort', this.#abortWithParent, { once: true })
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      // As many listeners as the call makes calls of its own.
      setMaxListeners(0, this.#controller.signal)
      if (this.#aborted) this.#controller.abort()
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }

  end(): void {
    this.#parent?.removeEventListener('abort', this.#abortWithParent)
  }
}

function admit(path: string, rule: Rule, caller: Caller): void {
  if (rule.callers.includes(caller)) return
  throw new OAuthError('request_forbidden', `A ${caller} may not call ${path}.`)
}

/** Logs what was not the caller's doing, and returns what the caller is told. */
function report(path: string, call: Call, thrown: unknown): OAuthError {
  const error = toOAuthError(thrown)
  const fields = { rpc: path, requestId: call.requestId, err: error.cause ?? error }
  if (error.code === 'server_error') log.error(fields, 'call failed')
  else if (error.code === 'temporarily_unavailable') log.warn(fields, 'call could not be answered')
  return error
}

/** Runs a unary handler under its rule. Throws nothing but OAuthError. */
export async function runUnary<Q, R>(
  path: string,
  rule: Rule,
  caller: Caller,
  options: CallOptions | undefined,
  request: Q,
  handler: (request: Q, call: Call) => Promise<R>,
): Promise<R> {
  const call = new CallUnderWay(caller, rule, options)
  let timer: NodeJS.Timeout | undefined
  try {
    admit(path, rule, caller)
    const remaining = call.deadline - monotonicMs()
    if (remaining <= 0 || options?.signal?.aborted)
      throw new OAuthError('temporarily_unavailable', 'The deadline of the call has passed.')
    const givenUp = new Promise<never>((_, reject) => {
      const giveUp = (why: string) => {
        call.abort()
        reject(new OAuthError('temporarily_unavailable', why))
      }
      timer = setTimeout(giveUp, remaining, 'The call took longer than its deadline.')
      call.onAbandoned = () => giveUp('The caller gave up.')
    })
    return await Promise.race([handler(request, call), givenUp])
  } catch (thrown) {
    throw report(path, call, thrown)
  } finally {
    clearTimeout(timer)
    call.end()
  }
}

/** Runs a streaming handler under its rule, until it ends, fails, or the reader stops. Throws only OAuthError. */
export async function* runStream<Q, R>(
  path: string,
  rule: Rule,
  caller: Caller,
  options: CallOptions | undefined,
  request: Q,
  handler: (request: Q, call: Call) => AsyncIterable<R>,
): AsyncGenerator<R, void, undefined> {
  const call = new CallUnderWay(caller, rule, options)
  try {
    admit(path, rule, caller)
    yield* handler(request, call)
  } catch (thrown) {
    throw report(path, call, thrown)
  } finally {
    call.abort()
    call.end()
  }
}
