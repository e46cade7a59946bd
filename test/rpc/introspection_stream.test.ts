// StreamIntrospect: batches over one stream, in process and over the wire. security.md's GR cases that concern long-lived
// streams of requests.
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  Consistency,
  IntrospectionServiceService,
  type StreamIntrospectRequest,
  type StreamIntrospectResponse,
} from '#proto/introspection/v1/introspection_service.js'
import { monotonicMs } from '../../services/kit/clock.js'
import type { Remote } from '../../services/kit/rpc/contract.js'
import { RpcServer } from '../../services/kit/rpc/server.js'
import { WireChannel } from '../../services/kit/rpc/wire.js'
import { eventually } from '../support/eventually.js'
import { TokenSuite } from '../support/token_suite.js'

type Introspection = Remote<typeof IntrospectionServiceService>

const { path } = IntrospectionServiceService.streamIntrospect

let suite: TokenSuite
let good: string
let server: RpcServer
let port: number
let channel: WireChannel

beforeAll(async () => {
  suite = await TokenSuite.start({ introspection: { max_staleness_ms: 30_000 } })
  good = await suite.clientCredentials(await suite.register())
  server = newServer()
  port = await server.listen()
  channel = new WireChannel(`127.0.0.1:${port}`, credentials.createInsecure(), '')
})
afterAll(async () => {
  channel.close()
  await server.close(0)
  await suite.stop()
})

const newServer = () =>
  new RpcServer(suite.running.introspection.services, {
    host: '127.0.0.1',
    port: 0,
    identify: () => 'resource_server',
  })

const message = (id: string, tokens: string[], consistency: Consistency = Consistency.UNSPECIFIED) => ({
  id,
  tokens,
  consistency,
})

/** What a caller sends, one at a time, when it is told to. */
class Sender implements AsyncIterable<StreamIntrospectRequest> {
  taken = 0
  isLetGo = false
  readonly #queue: StreamIntrospectRequest[] = []
  #isOver = false
  #wake: () => void = () => undefined

  send(...messages: StreamIntrospectRequest[]): void {
    this.#queue.push(...messages)
    this.#wake()
  }

  end(): void {
    this.#isOver = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamIntrospectRequest, void, undefined> {
    try {
      for (;;) {
        const next = this.#queue.shift()
        if (next) {
          this.taken++
          yield next
        } else if (this.#isOver) return
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
      }
    } finally {
      this.isLetGo = true
    }
  }
}

const shapes: [string, () => Introspection][] = [
  ['in process', () => suite.introspection],
  ['over the wire', () => channel.remote(IntrospectionServiceService)],
]

describe.each(shapes)('StreamIntrospect, %s', (shape, remote) => {
  function open(options = {}) {
    const sender = new Sender()
    const answers = remote().streamIntrospect(sender, options)[Symbol.asyncIterator]()
    const next = async (): Promise<StreamIntrospectResponse> => {
      const { value, done } = await answers.next()
      if (done) throw new Error('the stream has ended')
      return value
    }
    const close = async () => {
      sender.end()
      expect((await answers.next()).done).toBe(true)
    }
    return { sender, answers, next, close }
  }

  it('RFC 7662 2.2: answers each message by one, in their order, with a result for each token in its order', async () => {
    const { sender, next, close } = open()
    const sizes = [1, 250, 0, 1_000, 3, 7]
    sizes.forEach((size, index) => {
      sender.send(
        message(
          `m${index}`,
          Array.from({ length: size }, (_, at) => (at % 3 === 0 ? good : `bad ${at}`)),
        ),
      )
    })
    for (const [index, size] of sizes.entries()) {
      const { id, results, error, status: code } = await next()
      expect({ id, error, code }).toEqual({ id: `m${index}`, error: undefined, code: status.OK })
      expect(results.map(({ active }) => active)).toEqual(Array.from({ length: size }, (_, at) => at % 3 === 0))
    }
    await close()
  })

  it('lives as long as its caller: an answer is there before the next message is sent', async () => {
    const { sender, next, close } = open()
    for (const id of ['one', 'two', 'three']) {
      sender.send(message(id, [good]))
      expect(await next()).toMatchObject({ id, results: [{ active: true }] })
    }
    await close()
  })

  it('GR-05: what is wrong with one message is told in its answer, and the next is answered', async () => {
    const { sender, next, close } = open()
    sender.send(message('many', Array(1_001).fill(good)), message('x'.repeat(129), [good]), message('good', [good]))
    const refused = { results: [], status: status.INVALID_ARGUMENT, error: { code: 'invalid_request' } }
    expect(await next()).toMatchObject({ ...refused, id: 'many' })
    expect(await next()).toMatchObject({ ...refused, id: 'x'.repeat(128) })
    expect(await next()).toMatchObject({ id: 'good', status: status.OK, results: [{ active: true }] })
    await close()
  })

  it('I11: an outage is UNAVAILABLE for the message that it meets, never a verdict, and the stream goes on', async () => {
    const { sender, next, close } = open()
    for (const link of Object.values(suite.links)) link.cut()
    sender.send(message('strong', ['bad', good], Consistency.STRONG), message('bounded', [good]))
    const outage = {
      results: [],
      status: status.UNAVAILABLE,
      error: { code: 'temporarily_unavailable', retryAfter: 1 },
    }
    expect(await next()).toMatchObject({ ...outage, id: 'strong' })
    expect(await next()).toMatchObject({ id: 'bounded', results: [{ active: true }] })
    for (const link of Object.values(suite.links)) link.mend()
    sender.send(message('again', [good], Consistency.STRONG))
    expect(await next()).toMatchObject({ id: 'again', results: [{ active: true }] })
    await close()
  })

  it('GR-06: a caller that gives up ends the stream, and the work for it', async () => {
    const controller = new AbortController()
    const { sender, next } = open({ signal: controller.signal })
    sender.send(message('first', [good]))
    await next()
    suite.links.revocations.silence()
    sender.send(message('waits', [good], Consistency.STRONG))
    const waiting = next().then(
      () => 'answered',
      () => 'ended',
    )
    await eventually(() => sender.taken === 2)
    controller.abort()
    suite.links.revocations.mend()
    // In process the message under way is still told what became of it.
    if (shape === 'over the wire') expect(await waiting).toBe('ended')
    else expect(await waiting).toBe('answered')
  })

  it('GR-12: a caller that does not read its answers is not read from', async () => {
    const { sender, next, close } = open()
    const count = 120
    for (let index = 0; index < count; index++) sender.send(message(`m${index}`, Array(1_000).fill(good)))
    expect((await next()).id).toBe('m0')
    // Others are answered meanwhile, and more often than there are messages left.
    for (let calls = 0, before = -1; calls < 200; calls++) {
      if (sender.taken !== before) calls = 0
      before = sender.taken
      expect(await suite.isActive(good)).toBe(true)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sender.taken).toBeLessThan(count)
    for (let index = 1; index < count; index++) expect((await next()).id).toBe(`m${index}`)
    await close()
  })

  it('ends with its caller, who stops reading', async () => {
    const { sender, next, answers } = open()
    sender.send(message('one', [good]), message('two', [good]))
    await next()
    await answers.return?.()
    sender.send(message('three', [good]))
    await eventually(() => sender.isLetGo)
  })
})

describe('the limits of a stream', () => {
  it('GR-06: a message is answered within the deadline, with an outage if need be', async () => {
    const sender = new Sender()
    const answers = suite.introspection.streamIntrospect(sender, { deadline: monotonicMs() + 300 })
    suite.links.revocations.silence()
    sender.send(message('late', [good], Consistency.STRONG))
    for await (const { status: code, error } of answers) {
      expect({ code, error }).toMatchObject({ code: status.UNAVAILABLE, error: { code: 'temporarily_unavailable' } })
      sender.end()
    }
    suite.links.revocations.mend()
  })

  function openRaw(client: Client) {
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(
      path,
      (bytes) => bytes,
      (bytes) => bytes,
      new Metadata(),
      {},
    )
    let answered = 0
    stream.on('data', () => {
      answered++
    })
    stream.on('error', () => undefined)
    const ended = new Promise<status>((resolve) => stream.once('status', ({ code }) => resolve(code)))
    return { stream, ended, answered: () => answered }
  }

  it('GR-05: a message that cannot be read, or is above the limit, ends the stream; the server lives', async () => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    const malformed = openRaw(client)
    malformed.stream.write(Buffer.from([0x0a, 0xff]))
    expect(await malformed.ended).toBe(status.INVALID_ARGUMENT)
    const large = openRaw(client)
    large.stream.write(Buffer.alloc(5 << 20))
    expect(await large.ended).toBe(status.RESOURCE_EXHAUSTED)
    const empty = openRaw(client)
    empty.stream.write(Buffer.alloc(0))
    await eventually(() => empty.answered() === 1)
    empty.stream.end()
    expect(await empty.ended).toBe(status.OK)
    client.close()
  })

  it('GR-12: streams left open are bounded for each connection, and others are answered meanwhile', async () => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    const streams = Array.from({ length: 1_050 }, () => openRaw(client))
    for (const { stream } of streams) stream.write(Buffer.alloc(0))
    const answered = () => streams.filter((stream) => stream.answered() > 0).length
    await eventually(() => answered() >= 1_000)
    const remote = channel.remote(IntrospectionServiceService)
    const request = { token: good, tokenTypeHint: '', scope: '', consistency: 0 as const, callerClientId: '' }
    for (let calls = 0; calls < 50; calls++) expect((await remote.introspect(request)).active).toBe(true)
    expect(answered()).toBe(1_000)
    for (const { stream } of streams) stream.cancel()
    await Promise.all(streams.map(({ ended }) => ended))
    client.close()
  })

  it('ends with UNAVAILABLE when the server shuts down', async () => {
    const ending = newServer()
    const client = new Client(`127.0.0.1:${await ending.listen()}`, credentials.createInsecure())
    const open = openRaw(client)
    open.stream.write(Buffer.alloc(0))
    await eventually(() => open.answered() === 1)
    const closed = ending.close(1_000)
    expect(await open.ended).toBe(status.UNAVAILABLE)
    await closed
    client.close()
  })
})
