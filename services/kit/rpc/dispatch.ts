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

/** A connection's call, which tells when its caller gave up. grpc-js tells that of every call that is over, too. */
export interface Cancellable {
  readonly cancelled: boolean
  on(event: 'cancelled', listener: () => void): unknown
}

/**
 * A call under way. Most are answered at once and ask for nothing: so what names it and what ends it is made when somebody
 * asks for it, and its caller is listened to once the answer has to be waited for.
 */
class CallUnderWay implements Call {
  readonly caller: Caller
  readonly deadline: number
  readonly #options: CallOptions | undefined
  readonly #connection: Cancellable | undefined
  #requestId = ''
  #controller: AbortController | undefined
  #aborted: boolean
  #isOver = false
  /** Calls that were made for this one, in this process. */
  #dependents: Set<CallUnderWay> | undefined
  #unwatch: (() => void) | undefined
  /** Told why nobody waits for the answer any more. */
  #onGivenUp: ((why: string) => void) | undefined

  constructor(caller: Caller, rule: Rule, options: CallOptions | undefined, connection?: Cancellable) {
    this.caller = caller
    this.#options = options
    this.#connection = connection
    const own = rule.deadline === 0 ? Number.POSITIVE_INFINITY : monotonicMs() + rule.deadline
    this.deadline = Math.min(own, options?.deadline ?? Number.POSITIVE_INFINITY)
    this.#aborted = this.#isUnwanted()
  }

  get requestId(): string {
    this.#requestId ||= this.#options?.requestId || newUuid()
    return this.#requestId
  }

  get isAborted(): boolean {
    return this.#aborted
  }

  get isOver(): boolean {
    return this.#isOver
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

  /** Listens until the end of the call to whether its caller gives up. */
  watch(onGivenUp?: (why: string) => void): void {
    this.#onGivenUp = onGivenUp
    const abandon = () => this.giveUp('The caller gave up.')
    this.#connection?.on('cancelled', abandon)
    const parent = this.#options
    if (parent instanceof CallUnderWay) {
      parent.#dependents ??= new Set()
      parent.#dependents.add(this)
      this.#unwatch = () => parent.#dependents?.delete(this)
    } else if (parent?.signal) {
      const { signal } = parent
      signal.addEventListener('abort', abandon, { once: true })
      this.#unwatch = () => signal.removeEventListener('abort', abandon)
    }
    if (this.#isUnwanted()) abandon()
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
    for (const call of this.#dependents ?? []) call.giveUp('The caller gave up.')
  }

  giveUp(why: string): void {
    if (this.#isOver) return
    this.abort()
    this.#onGivenUp?.(why)
  }

  end(): void {
    this.#isOver = true
    deadlines.delete(this)
    this.#unwatch?.()
  }

  #isUnwanted(): boolean {
    const parent = this.#options
    const isGivenUp = parent instanceof CallUnderWay ? parent.#aborted : parent?.signal?.aborted
    return isGivenUp === true || this.#connection?.cancelled === true
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

/** Runs a unary handler under its rule, at once where the handler answers at once. Fails with nothing but OAuthError. */
export function runUnary<Q, R>(
  path: string,
  rule: Rule,
  caller: Caller,
  options: CallOptions | undefined,
  request: Q,
  handler: (request: Q, call: Call) => R | Promise<R>,
  connection?: Cancellable,
): R | Promise<R> {
  const call = new CallUnderWay(caller, rule, options, connection)
  try {
    admit(path, rule, caller)
    if (call.deadline <= monotonicMs() || call.isAborted)
      throw new OAuthError('temporarily_unavailable', 'The deadline of the call has passed.')
    const answer = handler(request, call)
    return answer instanceof Promise ? awaitAnswer(path, call, answer) : answer
  } catch (thrown) {
    throw report(path, call, thrown)
  }
}

function awaitAnswer<R>(path: string, call: CallUnderWay, answer: Promise<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    const finish = (value: R) => {
      call.end()
      resolve(value)
    }
    const fail = (thrown: unknown) => {
      // What a handler still says after it was given up has been told already.
      if (call.isOver) return
      call.end()
      reject(report(path, call, thrown))
    }
    deadlines.add(call)
    call.watch((why) => fail(new OAuthError('temporarily_unavailable', why)))
    answer.then(finish, fail)
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
  call.watch()
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
