// Drives single HTTP requests with autocannon.
import autocannon from 'autocannon'
import type { HttpRequest } from './http_client.js'
import { type Limit, type Load, Meter } from './meter.js'

export interface HttpDrive {
  readonly origin: string
  readonly connections: number
  /** Requests that each has under way. */
  readonly pipelining: number
  /** What is sent: one request for all times, or the next one. */
  readonly request: HttpRequest | (() => HttpRequest)
  readonly isRight: (status: number, body: string) => boolean
}

/** Requests under way when the time is over are cut off and not counted. */
export async function driveHttp(
  { origin, connections, pipelining, request, isRight }: HttpDrive,
  limit: Limit,
): Promise<Load> {
  const meter = new Meter()
  const outcomes: string[] = []
  const run = autocannon({
    url: origin,
    ...scaleOf(connections, pipelining, limit),
    timeout: 10,
    sampleInt: 50,
    requests: [
      {
        ...(typeof request === 'function'
          ? { setupRequest: (defaults: autocannon.Request) => ({ ...defaults, ...request() }) }
          : request),
        onResponse: (status, body) => outcomes.push(isRight(status, body) ? '' : `${status} ${body}`),
      },
    ],
  })
  // Told of each answer right after `onResponse`.
  run.on('response', (_client, _status, _bytes, milliseconds) => {
    const wrong = outcomes.pop() ?? 'no answer was seen'
    if (wrong === '') meter.count(milliseconds)
    else meter.fail(wrong)
  })
  const { errors } = await run
  for (let count = 0; count < errors; count++) meter.fail('a connection failed or an answer did not come')
  return meter.read()
}

/** With fewer operations than could be under way, no request is sent that is not among them. */
function scaleOf(connections: number, pipelining: number, limit: Limit) {
  if ('seconds' in limit) return { connections, pipelining, duration: limit.seconds }
  const { operations: amount } = limit
  const used = Math.min(connections, amount)
  return { connections: used, pipelining: Math.max(1, Math.min(pipelining, Math.floor(amount / used))), amount }
}
