// An HTTP(S) server with the limits of one that faces the internet, and an end that finishes what is under way.
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { ListenerConfig } from '../../services/kit/config/config.js'

const limits = {
  /** Of the request line and the header fields together, in bytes. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  connectionsCheckingInterval: 2_000,
  /** Longer than what load balancers keep idle connections for, so that they are the ones to close. */
  keepAliveTimeout: 65_000,
} as const

const maxConnections = 20_000

export class HttpServer {
  readonly #server: Server
  readonly #listener: ListenerConfig
  readonly #sockets = new Set<Socket>()

  constructor(listener: ListenerConfig, handle: RequestListener) {
    this.#listener = listener
    const { tls } = listener
    this.#server = tls
      ? createHttpsServer({ ...limits, ...secureOptions(tls) }, handle)
      : createHttpServer(limits, handle)
    this.#server.maxConnections = maxConnections
    this.#server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Begins to listen; returns the URL. */
  async listen(): Promise<string> {
    const { host, port, tls } = this.#listener
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      const options = host === '' ? { port } : { host, port }
      this.#server.listen(options, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const bound = (this.#server.address() as AddressInfo).port
    const name = ['', '0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
    return `${tls ? 'https' : 'http'}://${name}:${bound}`
  }

  /** Stops listening, lets requests under way finish, and cuts those that are not done in time. */
  async close(graceMs: number): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    // Those that were opened ahead of a request count as busy in Node.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    await closed
    clearTimeout(timer)
  }
}

function secureOptions({ cert, key, ca }: NonNullable<ListenerConfig['tls']>) {
  const own = { cert: readFileSync(cert), key: readFileSync(key) }
  return ca === '' ? own : { ...own, ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true }
}
