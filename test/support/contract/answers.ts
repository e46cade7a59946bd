// Every HTTP answer that a gateway in this process gives during a test, to whatever client, is held against Hydra's documents;
// the test that brought about a wrong one fails. What was seen is noted for the coverage of the whole run.
import diagnostics from 'node:diagnostics_channel'
import { appendFileSync, mkdirSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type Answer, checkAnswer } from './check.js'
import { seenFolder } from './coverage.js'
import type { Port } from './documents.js'

interface Begun {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: { readonly localPort?: number }
}

const ports = new Map<number, Port>()
const violations: string[] = []
const seen = new Set<string>()

/** From now on the answers at these addresses are checked. */
export function checkAnswersOf({ publicUrl, adminUrl }: { publicUrl: string; adminUrl: string }): void {
  ports.set(Number(new URL(publicUrl).port), 'public')
  ports.set(Number(new URL(adminUrl).port), 'admin')
}

/** Their ports may soon be those of others. */
export const forgetAnswers = (): void => ports.clear()

/** Node publishes each request that a server of this process gets: https://nodejs.org/api/diagnostics_channel.html#http */
diagnostics.subscribe('http.server.request.start', (message) => {
  const { request, response, socket } = message as Begun
  const port = ports.get(socket.localPort ?? 0)
  if (port) listenTo(response, (body) => take({ port, ...describe(request, response), body }))
})

function listenTo(response: ServerResponse, done: (body: string) => void): void {
  const chunks: Buffer[] = []
  const keep = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string))
  }
  const { write, end } = response
  response.write = (...args: unknown[]) => {
    keep(args[0])
    return write.apply(response, args as Parameters<typeof write>)
  }
  response.end = (...args: unknown[]) => {
    keep(args[0])
    // Nobody gets an answer on a connection that is gone.
    if (!response.destroyed) done(Buffer.concat(chunks).toString())
    return end.apply(response, args as Parameters<typeof end>)
  }
}

const describe = (
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
): Omit<Answer, 'port' | 'body'> => ({
  method,
  path: url.split('?', 1)[0] ?? '',
  status: response.statusCode,
  contentType: String(response.getHeader('content-type') ?? ''),
})

function take(answer: Answer): void {
  const verdict = checkAnswer(answer)
  violations.push(...verdict.violations)
  const fresh = verdict.seen.filter((each) => !seen.has(each))
  for (const each of fresh) seen.add(each)
  if (fresh.length === 0) return
  mkdirSync(seenFolder, { recursive: true })
  appendFileSync(join(seenFolder, `${process.pid}.txt`), `${fresh.join('\n')}\n`)
}

/** Errors: what was seen since the last call is not as documented. */
export function expectDocumentedAnswers(): void {
  const found = [...new Set(violations.splice(0))]
  if (found.length > 0) throw new Error(`not as Hydra's documents say:\n${found.join('\n')}`)
}
