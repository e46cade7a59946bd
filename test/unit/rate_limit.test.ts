// How often one address may ask (AD-07): what counts as one address, and when it may ask again.
import { describe, expect, it } from 'vitest'
import { RateLimit } from '../../gateway/http/rate_limit.js'
import type { OAuthError } from '../../services/kit/oauth_error.js'

/** How many of the addresses are let through, one after the other, and what the last was told. */
function countOf(limit: RateLimit, addresses: readonly string[]): { passed: number; refusal: OAuthError | undefined } {
  let passed = 0
  let refusal: OAuthError | undefined
  for (const address of addresses)
    try {
      limit.take(address)
      passed++
    } catch (thrown) {
      refusal = thrown as OAuthError
    }
  return { passed, refusal }
}
const times = (count: number, address: string) => Array.from({ length: count }, () => address)

describe('a limit of requests per hour', () => {
  it('lets through so many at once, and says when the next one can be', () => {
    const { passed, refusal } = countOf(new RateLimit(4), times(10, '192.0.2.1'))
    expect(passed).toBe(4)
    expect(refusal?.code).toBe('too_many_requests')
    expect(refusal?.retryAfter).toBeGreaterThan(890)
    expect(refusal?.retryAfter).toBeLessThanOrEqual(900)
  })

  it('0 is no limit', () => {
    expect(countOf(new RateLimit(0), times(1_000, '192.0.2.1')).passed).toBe(1_000)
  })

  it('each address has its own; IPv4 is IPv4 in every spelling', () => {
    const limit = new RateLimit(1)
    expect(countOf(limit, ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.2']).passed).toBe(2)
  })

  it('a network of IPv6 (/64) is one address', () => {
    const limit = new RateLimit(1)
    expect(countOf(limit, ['2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:1::1']).passed).toBe(2)
  })

  it('what has no address, such as a Unix socket, is one', () => {
    expect(countOf(new RateLimit(1), ['', '', '']).passed).toBe(1)
  })
})
