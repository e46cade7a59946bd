// Requests to addresses that a client or an operator names: never into private networks unless the operator says so, never
// to another address than the one that was checked, never further by a redirect, never for long and never for much. What
// went wrong is the same word for all, so that nobody can look around through it.
import { type LookupAddress, lookup } from 'node:dns'
import { type RequestOptions as HttpOptions, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import ipaddr from 'ipaddr.js'
import { log } from './log.js'
import { timeLimit } from './time_limit.js'

export interface OutboundOptions {
  /** Addresses that are not public are refused. */
  readonly disallowPrivateIpRanges: boolean
  /** URLs that may be private nevertheless; `*` stands for any characters. */
  readonly privateIpExceptionUrls: readonly string[]
}

export interface OutboundRequest {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The largest answer, in bytes; 64 KiB unless said otherwise. */
  readonly maxBytes?: number
  /** Milliseconds for all of it; 3,000 unless said otherwise. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface OutboundAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** The address could not be called, or its answer could not be taken. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'

  constructor(cause: unknown) {
    super('the address could not be called', { cause })
  }
}

const defaultMaxBytes = 64 * 1024
const defaultTimeoutMs = 3_000
const maxUrlLength = 2_048

export class Outbound {
  readonly #options: OutboundOptions
  readonly #exceptions: readonly RegExp[]

  constructor(options: OutboundOptions) {
    this.#options = options
    this.#exceptions = options.privateIpExceptionUrls.map(toPattern)
  }

  /** Whether an address may be called as far as can be told without asking for its name: for registration. */
  mayCall(text: string): boolean {
    const url = parse(text)
    if (!url) return false
    if (!this.#isGuarded(url)) return true
    const host = bareHost(url)
    if (host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.internal')) return false
    return !ipaddr.isValid(host) || isPublic(host)
  }

  /** Calls an address. Throws nothing but OutboundError. */
  async call(text: string, request: OutboundRequest = {}): Promise<OutboundAnswer> {
    const url = parse(text)
    try {
      if (!url || !this.mayCall(text)) throw new Error('the address is not allowed')
      return await this.#send(url, request)
    } catch (cause) {
      log.info({ host: url?.host, why: (cause as Error).message }, 'an address could not be called')
      throw new OutboundError(cause)
    }
  }

  #isGuarded(url: URL): boolean {
    return this.#options.disallowPrivateIpRanges && !this.#exceptions.some((pattern) => pattern.test(url.href))
  }

  #send(url: URL, request: OutboundRequest): Promise<OutboundAnswer> {
    const { timeoutMs = defaultTimeoutMs, signal } = request
    const options: HttpOptions = {
      method: request.method ?? 'GET',
      headers: { accept: 'application/json', 'user-agent': 'tessera', ...request.headers },
      signal: timeLimit(timeoutMs, ...(signal ? [signal] : [])),
      agent: false,
      // The connection goes to the very address that was checked here.
      lookup: this.#isGuarded(url) ? lookupPublic : lookupOne,
      family: 0,
    }
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      // Also where it asks to switch protocols (RFC 9110 7.8), which is no error to Node.js.
      const endWithoutAnswer = () => reject(new Error('the connection was closed without an answer'))
      const sent = send(url, options, (response) => {
        sent.off('close', endWithoutAnswer)
        read(response, request.maxBytes ?? defaultMaxBytes).then(resolve, (thrown: unknown) => {
          response.destroy()
          reject(thrown)
        })
      })
      sent.on('error', reject)
      sent.once('close', endWithoutAnswer)
      sent.end(request.body)
    })
  }
}

function parse(text: string): URL | undefined {
  // What a URL parser mends is not what was registered.
  if (text.length > maxUrlLength || /[\s\\]|[^\x20-\x7e]/.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
  return isWeb && !url.username && !url.password ? url : undefined
}

const bareHost = (url: URL): string =>
  url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()

/** Neither loopback, private, link-local, carrier-grade, multicast, documentation, nor a way to wrap one of these. */
function isPublic(address: string): boolean {
  const parsed = ipaddr.parse(address)
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) return isPublic(parsed.toIPv4Address().toString())
  return parsed.range() === 'unicast'
}

type LookupFunction = NonNullable<HttpOptions['lookup']>

const lookupOne: LookupFunction = (hostname, options, done) => lookup(hostname, { ...options, all: false }, done)

/** The name's addresses, all of them public, or none. */
const lookupPublic: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return done(error, '')
    const [first] = addresses
    if (!first || !addresses.every(({ address }) => isPublic(address)))
      return done(new Error('the name leads to an address that is not public'), '')
    if (options.all) return done(null, addresses)
    return done(null, first.address, first.family)
  })
}

async function read(response: IncomingMessage, maxBytes: number): Promise<OutboundAnswer> {
  const { 'content-encoding': encoding = 'identity', 'content-type': contentType = '' } = response.headers
  if (encoding !== 'identity') throw new Error('the answer is compressed')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, contentType, body: Buffer.concat(chunks) }
}

const toPattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )
