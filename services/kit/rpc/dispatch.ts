// What happens to every call, in process and over the wire alike: may this caller call, how long may it take, and what is
// told of a failure.

import { setMaxListeners } from 'node:events'
import { monotonicMs } from '../clock.js'
import { log } from '../log.js'
import { OAuthError, toOAuthError } from '../oauth_error.js'
import { newUuid } from '../random.js'
import type { Call, Caller, CallOptions } from './contract.js'
import type { Rule } from './rules.js'

/** How often deadlines are looked at: what they end is late by no more than that. */
const deadlineStepMs = 20

/** Looks after the deadlines of all calls by one timer; nearly every call is over long before its own. */
class DeadlineWatch {
  readonly #calls = new Set<CallUnderWay>()
  #timer: NodeJS.Timeout | undefined

  add(call: CallUnderWay): void {
    this.#calls.add(call)
    this.#timer ??= setInterval(() => this.#look(), deadlineStepMs)
  }

  delete(call: CallUnderWay): void {
    this.#calls.delete(call)
  }

  #look(): void {
    const now = monotonicMs()
    for (const call of this.#calls) if (call.deadline <= now) call.giveUp('The call took longer than its deadline.')
    if (this.#calls.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

const deadlines = new DeadlineWatch()

/** By which a connection tells that its caller gave up. Cheaper than a signal, which most calls never need. */
export class Cancellation {
  isCancelled = false
  onCancelled: (() => void) | undefined

  cancel(): void {
    this.isCancelled = true
    this.onCancelled?.()
  }
}

/** A call under way. Its signal is made when somebody asks for it: most handlers never do. */
class CallUnderWay implements Call {
  readonly caller: Caller
  readonly requestId: string
  readonly deadline: number
  #controller: AbortController | undefined
  #aborted = false
  #parent: AbortSignal | undefined
  readonly #cancellation: Cancellation | undefined
  readonly #abandon = () => this.giveUp('The caller gave up.')
  /** Told why nobody waits for the answer any more. */
  onGivenUp: ((why: string) => void) | undefined

  constructor(caller: Caller, rule: Rule, options: CallOptions | undefined, cancellation?: Cancellation) {
    this.caller = caller
    this.requestId = options?.requestId || newUuid()
    const own = rule.deadline === 0 ? Number.POSITIVE_INFINITY : monotonicMs() + rule.deadline
    this.deadline = Math.min(own, options?.deadline ?? Number.POSITIVE_INFINITY)
    this.#parent = options?.signal
    this.#cancellation = cancellation
    if (this.#parent?.aborted || cancellation?.isCancelled) this.#aborted = true
    this.#parent?.addEventListener('abort', this.#abandon, { once: true })
    if (cancellation) cancellation.onCancelled = this.#abandon
  }

  get isAborted(): boolean {
    return this.#aborted
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

  giveUp(why: string): void {
    this.abort()
    this.onGivenUp?.(why)
  }

  end(): void {
    deadlines.delete(this)
    this.onGivenUp = undefined
    this.#parent?.removeEventListener('abort', this.#abandon)
    if (this.#cancellation) this.#cancellation.onCancelled = undefined
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

/** Runs a unary handler under its rule. Rejects with nothing but OAuthError. */
export function runUnary<Q, R>(
  path: string,
  rule: Rule,
  caller: Caller,
  options: CallOptions | undefined,
  request: Q,
  handler: (request: Q, call: Call) => Promise<R>,
  cancellation?: Cancellation,
): Promise<R> {
  const call = new CallUnderWay(caller, rule, options, cancellation)
  return new Promise((resolve, reject) => {
    let isOver = false
    const finish = (answer: R) => {
      isOver = true
      call.end()
      resolve(answer)
    }
    const fail = (thrown: unknown) => {
      // What a handler still says after it was given up has been told already.
      if (isOver) return
      isOver = true
      call.end()
      reject(report(path, call, thrown))
    }
    try {
      admit(path, rule, caller)
      if (call.deadline <= monotonicMs() || call.isAborted)
        throw new OAuthError('temporarily_unavailable', 'The deadline of the call has passed.')
      call.onGivenUp = (why) => fail(new OAuthError('temporarily_unavailable', why))
      deadlines.add(call)
      handler(request, call).then(finish, fail)
    } catch (thrown) {
      fail(thrown)
    }
  })
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
