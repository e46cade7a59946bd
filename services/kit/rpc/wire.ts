// Calls a service over gRPC.
import { once } from 'node:events'
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { monotonicMs, nowMs } from '../clock.js'
import { OAuthError, toOAuthError } from '../oauth_error.js'
import type { CallOptions, MethodDefinition, Remote, ServiceDefinition } from './contract.js'
import { fromStatus } from './error_status.js'
import { ruleOf } from './rules.js'

const channelOptions = {
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  // Else those to the same address would be one.
  'grpc.use_local_subchannel_pool': 1,
} as const

/** Behind one address may be several workers, and a connection stays with one of them. */
const connectionCount = 4
/** Calls under way that one connection carries before the next is used: it costs least to have them together. */
const busyAt = 8

const healthDeadlineMs = 1_000

interface Connection {
  readonly client: Client
  underWay: number
}

/** HealthCheckResponse: its first field, the status, is 1 for SERVING. */
const isServingStatus = (message: Buffer): boolean => message.equals(Buffer.of(0x08, 0x01))

/** Connections to one or more instances of a service, at `host:port` or a gRPC name such as `dns:///token:4450`. */
export class WireChannel {
  readonly #connections: readonly Connection[]
  /** The service token to show; empty where the certificate or the loopback says who calls. */
  token: string

  constructor(address: string, credentials: ChannelCredentials, token: string) {
    this.#connections = Array.from({ length: connectionCount }, () => {
      const client = new Client(address, credentials, channelOptions)
      // Those that are made one after the other are dealt to different workers.
      client.getChannel().getConnectivityState(true)
      return { client, underWay: 0 }
    })
    this.token = token
  }

  remote<D extends ServiceDefinition>(definition: D): Remote<D> {
    const remote: Record<string, unknown> = {}
    for (const [name, method] of Object.entries<MethodDefinition>(definition))
      remote[name] = method.responseStream ? this.#stream(method) : this.#unary(method)
    return remote as Remote<D>
  }

  /** Whether the other side says that it can be used now (grpc.health.v1). */
  async isServing(): Promise<boolean> {
    const { client } = this.#choose()
    if (await this.#isServingBy(client)) return true
    const others = this.#connections.filter((other) => other.client !== client)
    return (await Promise.all(others.map((other) => this.#isServingBy(other.client)))).some(Boolean)
  }

  #isServingBy(client: Client): Promise<boolean> {
    const deadline = nowMs() + healthDeadlineMs
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        () => Buffer.alloc(0),
        isServingStatus,
        undefined,
        this.#metadata(undefined),
        { deadline },
        (error: ServiceError | null, serving?: boolean) => resolve(!error && serving === true),
      )
    })
  }

  close(): void {
    for (const { client } of this.#connections) client.close()
  }

  /** The first that is not busy, or else the one that is least; one that is broken only where all are. */
  #choose(): Connection {
    let chosen: Connection | undefined
    for (const connection of this.#connections) {
      if (chosen && connection.underWay >= chosen.underWay) continue
      if (connection.client.getChannel().getConnectivityState(false) !== connectivityState.READY) continue
      chosen = connection
      if (connection.underWay < busyAt) break
    }
    return chosen ?? (this.#connections[0] as Connection)
  }

  #metadata(options: CallOptions | undefined): Metadata {
    const metadata = new Metadata()
    if (this.token) metadata.set('authorization', `Bearer ${this.token}`)
    if (options?.requestId) metadata.set('tessera-request-id', options.requestId)
    return metadata
  }

  #unary(method: MethodDefinition) {
    const rule = ruleOf(method.path)
    return (request: never, options?: CallOptions): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const connection = this.#choose()
        connection.underWay++
        const remaining = Math.min(rule.deadline, (options?.deadline ?? Number.POSITIVE_INFINITY) - monotonicMs())
        const call = connection.client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          this.#metadata(options),
          { deadline: nowMs() + Math.max(0, remaining) },
          (error: ServiceError | null, response?: unknown) => {
            connection.underWay--
            options?.signal?.removeEventListener('abort', cancel)
            if (error) reject(fromStatus(error))
            else resolve(response)
          },
        )
        const cancel = () => call.cancel()
        if (options?.signal?.aborted) cancel()
        else options?.signal?.addEventListener('abort', cancel, { once: true })
      })
  }

  #stream(method: MethodDefinition) {
    const open = (input: never, options: CallOptions | undefined): ClientReadableStream<unknown> => {
      const { path, requestSerialize, responseDeserialize } = method
      const metadata = this.#metadata(options)
      const { client } = this.#choose()
      if (!method.requestStream)
        return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, input, metadata, {})
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {})
      sendAll(stream, input)
      return stream
    }
    return async function* (input: never, options?: CallOptions): AsyncGenerator<unknown, void, undefined> {
      const stream = open(input, options)
      const cancel = () => stream.cancel()
      options?.signal?.addEventListener('abort', cancel, { once: true })
      if (options?.signal?.aborted) cancel()
      try {
        yield* stream
      } catch (thrown) {
        throw thrown instanceof OAuthError ? thrown : fromStatus(thrown)
      } finally {
        options?.signal?.removeEventListener('abort', cancel)
        stream.cancel()
      }
    }
  }
}

/** Sends as fast as the other side takes, until there is nothing more to send or nobody takes any more. */
async function sendAll(stream: ClientDuplexStream<never, unknown>, messages: AsyncIterable<never>): Promise<void> {
  const over = new AbortController()
  for (const event of ['close', 'error', 'end']) stream.once(event, () => over.abort())
  try {
    for await (const message of messages) {
      if (over.signal.aborted) return
      if (!stream.write(message)) await once(stream, 'drain', { signal: over.signal })
    }
    stream.end()
  } catch (thrown) {
    if (!over.signal.aborted) stream.destroy(toOAuthError(thrown))
    stream.cancel()
  }
}
