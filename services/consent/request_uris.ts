// Request objects by reference: `request_uri` (RFC 9101 section 5.2, OpenID Connect Core section 6.2). Only what the client
// has registered is fetched, so that nobody else can say where this server calls.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Outbound } from '../kit/outbound.js'

/** RFC 9101 section 10.8; before it there was no media type of its own. */
const mediaTypes = ['application/oauth-authz-req+jwt', 'application/jwt', 'text/plain']

/** Leaves time to fetch the client's keys and to answer. */
const timeoutMs = 1_500

const maxCached = 1_000
const maxCachedSize = 4 * 1_024 * 1_024

export class RequestUris {
  readonly #outbound: Pick<Outbound, 'call'>
  readonly #allowsHttp: boolean
  /** Objects by their address, of addresses alone that say what is there. */
  readonly #pinned = new LRUCache<string, string>({
    max: maxCached,
    maxSize: maxCachedSize,
    sizeCalculation: ({ length }) => Math.max(1, length),
  })

  /** `allowsHttp`: in development addresses on the loopback need no TLS. */
  constructor(outbound: Pick<Outbound, 'call'>, { allowsHttp }: { allowsHttp: boolean }) {
    this.#outbound = outbound
    this.#allowsHttp = allowsHttp
  }

  /** The request object at an address. Error: `invalid_request_uri`. */
  async fetch(client: Client, uri: string): Promise<string> {
    if (!client.requestUris.includes(uri)) throw refused('It is not one that the client has registered.')
    if (!uri.startsWith('https:') && !this.#allowsHttp) throw refused('It does not use https.')
    const known = this.#pinned.get(uri)
    if (known !== undefined) return known
    const [address = '', hash = ''] = uri.split('#')
    const content = await this.#load(address)
    const object = content.toString('latin1').trim()
    if (hash === '') return object
    if (createHash('sha256').update(content).digest('base64url') !== hash)
      throw refused('What is there has another hash than its fragment says.')
    this.#pinned.set(uri, object)
    return object
  }

  async #load(address: string): Promise<Buffer> {
    const headers = { accept: mediaTypes.join(', ') }
    const { status, contentType, body } = await this.#outbound.call(address, { headers, timeoutMs }).catch((cause) => {
      throw refused('It cannot be fetched.', cause)
    })
    const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
    if (status !== 200 || !mediaTypes.includes(mediaType)) throw refused('It cannot be fetched.')
    return body
  }
}

const refused = (hint: string, cause?: unknown): OAuthError =>
  new OAuthError('invalid_request_uri', 'The `request_uri` cannot be accepted.', { hint, cause })
