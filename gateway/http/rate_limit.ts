// How often one address may do what costs more than an answer (RFC 6585 section 4).
import ipaddr from 'ipaddr.js'
import { monotonicMs } from '../../services/kit/clock.js'
import { lruCache } from '../../services/kit/lru_cache.js'
import { OAuthError } from '../../services/kit/oauth_error.js'

const hourMs = 3_600_000
const maxAddresses = 50_000
/** One household has so many addresses of IPv6 that it would never be refused by one of them. */
const ipv6Prefix = 64

interface Bucket {
  readonly left: number
  readonly at: number
}

export class RateLimit {
  readonly #perHour: number
  readonly #buckets = lruCache<Bucket>(maxAddresses)

  /** `perHour`: all at once or spread out; 0: no limit. */
  constructor(perHour: number) {
    this.#perHour = perHour
  }

  /** Counts a request from an address. Error: `too_many_requests`. */
  take(address: string): void {
    if (this.#perHour === 0) return
    const network = networkOf(address)
    const now = monotonicMs()
    const { left, at } = this.#buckets.get(network) ?? { left: this.#perHour, at: now }
    const filled = Math.min(this.#perHour, left + ((now - at) * this.#perHour) / hourMs)
    if (filled < 1) {
      const retryAfter = Math.ceil(((1 - filled) * hourMs) / this.#perHour / 1_000)
      throw new OAuthError('too_many_requests', 'Too many requests came from this address.', { retryAfter })
    }
    this.#buckets.set(network, { left: filled - 1, at: now })
  }
}

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return parsed
    .toByteArray()
    .slice(0, ipv6Prefix / 8)
    .join('.')
}
