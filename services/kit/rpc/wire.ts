// Calls a service over gRPC.
import { once } from 'node:events'
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
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
} as const

const healthDeadlineMs = 1_000

/** HealthCheckResponse: its first field, the status, is 1 for SERVING. */
const isServingStatus = (message: Buffer): boolean => message.equals(Buffer.of(0x08, 0x01))

/** A connection to one or more instances of a service, at `host:port` or a gRPC name such as `dns:///token:4450`. */
export class WireChannel {
  readonly #client: Client
  /** The service token to show; empty where the certificate or the loopback says who calls. */
  token: string

  constructor(address: string, credentials: ChannelCredentials, token: string) {
    this.#client = new Client(address, credentials, channelOptions)
    this.token = token
  }

  remote<D extends ServiceDefinition>(definition: D): Remote<D> {
    const remote: Record<string, unknown> = {}
    for (const [name, method] of Object.entries<MethodDefinition>(definition))
      remote[name] = method.responseStream ? this.#stream(method) : this.#unary(method)
    return remote as Remote<D>
  }

  /** Whether the other side says that it can be used now (grpc.health.v1). */
  isServing(): Promise<boolean> {
    const deadline = nowMs() + healthDeadlineMs
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
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
    this.#client.close()
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
        const remaining = Math.min(rule.deadline, (options?.deadline ?? Number.POSITIVE_INFINITY) - monotonicMs())
        const call = this.#client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          this.#metadata(options),
          { deadline: nowMs() + Math.max(0, remaining) },
          (error: ServiceError | null, response?: unknown) => {
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
      if (!method.requestStream)
        return this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, input, metadata, {})
      const stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {})
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
