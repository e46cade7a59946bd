// An HTTP(S) server with the limits of one that faces the internet, and an end that finishes what is under way.
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'
import type { HttpListenerConfig, TlsConfig } from '../../services/kit/config/config.js'
import { readPem } from '../../services/kit/pem.js'
import { ownSocket, removeStaleSocket, socketPathOf } from '../../services/kit/unix_socket.js'

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
  readonly #listener: HttpListenerConfig
  readonly #key: string
  readonly #sockets = new Set<Socket>()

  /** `key` is where the listener stands in the configuration. */
  constructor(key: string, listener: HttpListenerConfig, handle: RequestListener) {
    this.#key = key
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

  /** Begins to listen; returns the URL, of a socket its path after `unix:`. */
  async listen(): Promise<string> {
    const { host, port, tls, socket, write_listen_file: listenFile } = this.#listener
    const path = socketPathOf(host)
    if (path === undefined) await this.#bind(host === '' ? { port } : { host, port })
    else {
      await removeStaleSocket(path)
      await this.#bind({ path })
      ownSocket(path, socket, `${this.#key}.socket`)
    }
    const name = ['', '0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
    const url = path ? host : `${tls ? 'https' : 'http'}://${name}:${(this.#server.address() as AddressInfo).port}`
    if (listenFile !== '') writeFileSync(listenFile, url)
    return url
  }

  #bind(options: ListenOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(options, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  /** Reads the certificate anew: connections that are there stay, later ones use the new. Throws where it is not good. */
  reloadCertificate(): void {
    const { tls } = this.#listener
    if (tls && this.#server instanceof HttpsServer) this.#server.setSecureContext(secureOptions(tls))
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

function secureOptions(tls: TlsConfig) {
  const { cert, key, ca } = readPem(tls)
  return ca === '' ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: true }
}
