// A hand-written authorization server, as resource servers see it: its keys, its feed of revocations and its introspection
// say what a test wants them to.
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import {
  IntrospectionServiceService,
  type IntrospectRequest,
  IntrospectResponse,
} from '#proto/introspection/v1/introspection_service.js'
import {
  type Revocation,
  type RevocationKind,
  RevocationServiceService,
  type WatchRevocationsRequest,
  WatchRevocationsResponse,
} from '#proto/token/v1/revocation_service.js'
import { monotonicMs, nowSeconds } from '../../services/kit/clock.js'
import type { CorpusKeys, TestKey } from '../support/access_token_corpus.js'

type Feed = ServerWritableStream<WatchRevocationsRequest, WatchRevocationsResponse>

const heartbeatMs = 50

export class FakeTessera {
  /** The published keys by set; a test may put others here. */
  keys: Record<string, readonly TestKey[]>
  revision = 'revision-1'
  cacheControl = 'public, max-age=900'
  keysAreDown = false
  /** Requests for the keys. */
  fetches = 0

  news: Pick<WatchRevocationsResponse, 'ageMs' | 'deletionsAgeMs' | 'deletionsMissingBeforeMs'> = {
    ageMs: 0,
    deletionsAgeMs: 0,
    deletionsMissingBeforeMs: 0,
  }
  /** The cursors that the feed was opened with. */
  readonly openings: string[] = []
  /** A cursor is refused. */
  hasLostPositions = false
  /** Nothing is sent, and nothing ends. */
  isSilent = false

  /** The tokens that it was asked about. */
  readonly asked: string[] = []
  answer: Partial<IntrospectResponse> = { active: false }
  introspectionIsDown = false

  #revocations: Revocation[] = []
  readonly #streams = new Map<Feed, number>()
  readonly #http: HttpServer
  readonly #grpc = new Server()
  readonly #heartbeat: NodeJS.Timeout
  grpcAddress = ''

  constructor({ es256, rs256, ps256, eddsa, idTokenKey }: CorpusKeys) {
    this.keys = { 'hydra.openid.id-token': [idTokenKey], 'hydra.jwt.access-token': [es256, rs256, ps256, eddsa] }
    this.#http = createServer((request, response) => {
      this.fetches++
      const etag = `"${this.revision}"`
      if (this.keysAreDown) return response.writeHead(503).end()
      const headers = { etag, 'cache-control': this.cacheControl, 'content-type': 'application/json' }
      if (request.headers['if-none-match'] === etag) return response.writeHead(304, headers).end()
      return response.writeHead(200, headers).end(JSON.stringify({ keys: this.#published() }))
    })
    this.#grpc.addService(
      { watchRevocations: RevocationServiceService.watchRevocations },
      { watchRevocations: (stream: Feed) => this.#open(stream) },
    )
    this.#grpc.addService(
      { introspect: IntrospectionServiceService.introspect },
      {
        introspect: ((call, answer) => this.#introspect(call, answer)) as handleUnaryCall<
          IntrospectRequest,
          IntrospectResponse
        >,
      },
    )
    this.#heartbeat = setInterval(() => this.#tell(), heartbeatMs)
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve))
    const port = await new Promise<number>((resolve, reject) => {
      this.#grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      )
    })
    this.grpcAddress = `127.0.0.1:${port}`
    return this
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#grpc.forceShutdown()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  revoke(kind: RevocationKind, key: string, notBeforeMs = 0, clientId = ''): void {
    this.#revocations.push({ kind, key, notBeforeMs, expiresAt: nowSeconds() + 3_600, clientId })
    this.#tell()
  }

  /** As a log that was purged. */
  forgetRevocations(): void {
    this.#revocations = []
  }

  /** Ends the feeds as a server that goes away does. */
  breakFeeds(): void {
    for (const stream of this.#streams.keys())
      stream.emit('error', { code: status.UNAVAILABLE, details: 'it goes away' })
    this.#streams.clear()
  }

  #published(): object[] {
    return Object.entries(this.keys).flatMap(([set, keys]) =>
      keys.map(({ kid, alg, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        kid,
        alg,
        use: 'sig',
        key_set: set,
      })),
    )
  }

  #open(stream: Feed): void {
    const cursor = Buffer.from(stream.request.cursor).toString()
    this.openings.push(cursor)
    if (cursor !== '' && this.hasLostPositions) {
      stream.emit('error', { code: status.OUT_OF_RANGE, details: 'the position is lost' })
      return
    }
    this.#streams.set(stream, Number(cursor || '0'))
    stream.on('cancelled', () => this.#streams.delete(stream))
    this.#tell()
  }

  #tell(): void {
    if (this.isSilent) return
    for (const [stream, position] of this.#streams) {
      const revocations = this.#revocations.slice(position)
      const next = position + revocations.length
      this.#streams.set(stream, next)
      stream.write(
        WatchRevocationsResponse.create({
          revocations,
          cursor: Buffer.from(String(next)),
          keysRevision: this.revision,
          sentAtMs: Math.floor(monotonicMs()),
          ...this.news,
        }),
      )
    }
  }

  #introspect(
    { request: { token } }: ServerUnaryCall<IntrospectRequest, IntrospectResponse>,
    answer: sendUnaryData<IntrospectResponse>,
  ): void {
    this.asked.push(token)
    if (this.introspectionIsDown) answer({ code: status.UNAVAILABLE, details: 'it is down' })
    else answer(null, IntrospectResponse.create(this.answer))
  }
}
