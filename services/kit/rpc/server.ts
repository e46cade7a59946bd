// Serves services over gRPC, with health and, where asked for, reflection.
import { once } from 'node:events'
import {
  logVerbosity,
  type Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { monotonicMs, nowMs } from '../clock.js'
import type { SocketConfig } from '../config/config.js'
import { OAuthError } from '../oauth_error.js'
import { ownSocket, removeStaleSocket, socketPathOf } from '../unix_socket.js'
import type { Caller, CallOptions, Handlers, MethodDefinition, Service, ServiceDefinition } from './contract.js'
import { runStream, runUnary } from './dispatch.js'
import { toStatus } from './error_status.js'
import { insecure, type LiveCertificates } from './live_certificates.js'
import { type Peer, WirePeer } from './peer.js'
import { type RulePath, ruleOf } from './rules.js'
import { serverOptions } from './server_options.js'

/** Pairs a generated definition with its implementation. A method that is missing in the table of rules is a type error. */
export function defineService<D extends Readonly<Record<string, MethodDefinition & { readonly path: RulePath }>>>(
  definition: D,
  handlers: Handlers<D>,
): Service<D> {
  return { definition, handlers }
}

export interface RpcServerOptions {
  /** An address, or `unix:` and the path of a socket. */
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Of a socket's file; absent: as the process makes it. */
  readonly socket?: SocketConfig
  /** Absent: without TLS. */
  readonly certificates?: LiveCertificates
  /** Who it is that calls; undefined for a stranger. */
  readonly identify: (peer: Peer) => Caller | undefined
  /** The folder of descriptor sets, where reflection is to be served. */
  readonly reflectionFrom?: string
}

// What goes wrong is thrown and logged by those who know what it was for.
setLogVerbosity(logVerbosity.NONE)

const healthService = 'grpc.health.v1.Health'
const maxMetadataBytes = 16 * 1024

/** A request that cannot be handed to a handler; found while it is read, told when the call is answered. */
class Unreadable {
  readonly error: OAuthError
  constructor(error: OAuthError) {
    this.error = error
  }
}

type WireCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>

export class RpcServer {
  readonly #server = new Server(serverOptions)
  readonly #health: HealthImplementation
  /** Of the services. */
  readonly #names: readonly string[]
  readonly #options: RpcServerOptions
  /** Who it is that calls; may be exchanged while calls are under way. */
  identify: RpcServerOptions['identify']
  /** Ends each stream under way; a reader opens it again at another instance. */
  readonly #streams = new Set<() => void>()

  constructor(services: readonly Service[], options: RpcServerOptions) {
    this.#names = services.map(serviceName)
    this.#options = options
    this.identify = options.identify
    for (const service of services) this.#add(service)
    this.#health = new HealthImplementation(
      Object.fromEntries(['', ...this.#names].map((name) => [name, 'NOT_SERVING'])),
    )
    this.#health.addToServer(this.#server)
  }

  /** Begins to listen; returns the port, of a socket none. */
  async listen(): Promise<number> {
    const { host, port, socket, reflectionFrom } = this.#options
    if (reflectionFrom) await this.#reflect(reflectionFrom)
    const path = socketPathOf(host)
    if (path === undefined) return this.#bind(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
    await removeStaleSocket(path)
    await this.#bind(host)
    if (socket) ownSocket(path, socket, 'serve.grpc.socket')
    return 0
  }

  /** What it takes is loaded only where it is asked for. */
  async #reflect(descriptorFolder: string): Promise<void> {
    const { serveReflection } = await import('./reflection.js')
    serveReflection(this.#server, descriptorFolder, [...this.#names, healthService])
  }

  #bind(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, (this.#options.certificates ?? insecure).forServer(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      )
    })
  }

  /** Reads the certificates anew, for connections that come from now on. */
  reloadCertificates(): void {
    this.#options.certificates?.reload()
  }

  setServing(serving: boolean): void {
    const state = serving ? 'SERVING' : 'NOT_SERVING'
    for (const name of ['', ...this.#names]) this.#health.setStatus(name, state)
  }

  /** Stops listening, lets calls under way finish, and cuts those that are not done in time. */
  async close(graceMs: number): Promise<void> {
    this.setServing(false)
    for (const end of this.#streams) end()
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))
    const timer = setTimeout(() => this.#server.forceShutdown(), graceMs)
    await closed
    clearTimeout(timer)
  }

  #add(service: Service): void {
    const definition: Record<string, unknown> = {}
    const implementation: Record<string, unknown> = {}
    for (const [name, method] of Object.entries(service.definition)) {
      definition[name] = { ...method, requestDeserialize: readerOf(method), responseSerialize: writerOf(method) }
      const handler = (service.handlers as Record<string, never>)[name] as never
      implementation[name] = method.responseStream ? this.#stream(method, handler) : this.#unary(method, handler)
    }
    this.#server.addService(definition as never, implementation as never)
  }

  #unary(method: MethodDefinition, handler: never) {
    const rule = ruleOf(method.path)
    return (wire: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
      const succeed = (answer: unknown) => callback(null, answer)
      const fail = (thrown: unknown) => callback(toStatus(thrown as OAuthError) as ServiceError)
      try {
        const { caller, options } = this.#begin(wire)
        const answer = runUnary<unknown, unknown>(method.path, rule, caller, options, wire.request, handler, wire)
        if (answer instanceof Promise) answer.then(succeed, fail)
        else succeed(answer)
      } catch (thrown) {
        fail(thrown)
      }
    }
  }

  #stream(method: MethodDefinition, handler: never) {
    const rule = ruleOf(method.path)
    return async (wire: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>) => {
      const controller = new AbortController()
      wire.on('cancelled', () => controller.abort())
      const end = () => {
        wire.emit('error', toStatus(new OAuthError('temporarily_unavailable', 'The server is shutting down.')))
        controller.abort()
      }
      this.#streams.add(end)
      try {
        const { caller, options } = this.#begin(wire, controller.signal)
        const input = 'request' in wire ? wire.request : messagesOf(wire, controller.signal)
        for await (const message of runStream(method.path, rule, caller, options, input, handler)) {
          if (controller.signal.aborted) return
          if (!wire.write(message)) await once(wire, 'drain', { signal: controller.signal })
        }
        if (!controller.signal.aborted) wire.end()
      } catch (thrown) {
        if (!controller.signal.aborted) wire.emit('error', toStatus(thrown as OAuthError))
      } finally {
        this.#streams.delete(end)
      }
    }
  }

  #begin(wire: WireCall, signal?: AbortSignal): { caller: Caller; options: CallOptions } {
    if (sizeOf(wire.metadata) > maxMetadataBytes)
      throw new OAuthError('payload_too_large', `The metadata is larger than ${maxMetadataBytes} bytes.`)
    const caller = this.identify(new WirePeer(wire, this.#options.certificates !== undefined))
    if (!caller) throw new OAuthError('request_unauthorized', 'The caller is not known: a service token is needed.')
    if ('request' in wire && wire.request instanceof Unreadable) throw wire.request.error
    const deadline = Number(wire.getDeadline())
    const requestId = String(wire.metadata.get('tessera-request-id')[0] ?? '').slice(0, 128)
    return {
      caller,
      options: {
        requestId,
        ...(signal && { signal }),
        deadline: Number.isFinite(deadline) ? monotonicMs() + deadline - nowMs() : Number.POSITIVE_INFINITY,
      },
    }
  }
}

/** `tessera.client.v1.ClientService` from its methods' paths. */
export const serviceName = (service: { readonly definition: ServiceDefinition }): string =>
  Object.values(service.definition)[0]?.path.split('/')[1] ?? ''

function sizeOf(metadata: Metadata): number {
  let size = 0
  const fields = metadata.toHttp2Headers()
  for (const name in fields) {
    const values = fields[name]
    if (typeof values === 'string') size += name.length + values.length
    else for (const value of [values].flat()) size += name.length + String(value).length
  }
  return size
}

function readerOf(method: MethodDefinition): (bytes: Buffer) => unknown {
  const { limit } = ruleOf(method.path)
  return (bytes) => {
    if (bytes.length > limit)
      return new Unreadable(new OAuthError('payload_too_large', `The request is larger than ${limit} bytes.`))
    try {
      return method.requestDeserialize(bytes)
    } catch (cause) {
      return new Unreadable(new OAuthError('invalid_request', 'The request is not a valid message.', { cause }))
    }
  }
}

/** The bytes of answers that are given again. */
const keptBytes = new WeakMap<object, Buffer>()

function writerOf(method: MethodDefinition): (answer: object) => Buffer {
  return (answer) => {
    if (!Object.isFrozen(answer)) return method.responseSerialize(answer as never)
    const known = keptBytes.get(answer)
    if (known) return known
    const bytes = method.responseSerialize(answer as never)
    keptBytes.set(answer, bytes)
    return bytes
  }
}

/**
 * What a caller sends, one message after the other: the next is read when the one before has been dealt with. A message
 * that cannot be read ends the stream, for nobody can tell what it was about.
 */
async function* messagesOf(
  wire: ServerDuplexStream<unknown, unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown, void, undefined> {
  try {
    // Its other half still has to tell how all ended.
    for await (const message of wire.iterator({ destroyOnReturn: false })) {
      if (message instanceof Unreadable) throw message.error
      yield message
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}
