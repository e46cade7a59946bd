// A port whose TLS ends at a proxy: which requests came over TLS, and from where (Hydra's `tls.allow_termination_from`).
import { BlockList, isIPv6 } from 'node:net'
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Context } from './endpoint.js'

export interface TlsTermination {
  /** Refuses a request that did not come over TLS by way of one of the proxies; whoever watches over the process may. */
  check(ctx: Context, path: string): void
  /** The address that a request came from: for the proxies', what they say; else the connection's. */
  addressOf(ctx: Context): string
}

/** `networks`: where the proxies are; empty: there are none. */
export function createTlsTermination(networks: readonly string[]): TlsTermination {
  const proxies = new BlockList()
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/')
    proxies.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  /** The connection's address; IPv4 is IPv4 also on a socket that takes both. */
  const peerOf = ({ req }: Context): string => (req.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const isProxied = (ctx: Context): boolean => {
    const address = peerOf(ctx)
    return address !== '' && proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return {
    check(ctx, path) {
      if (networks.length === 0 || path.startsWith('/health/')) return
      if (isProxied(ctx) && ctx.req.headers['x-forwarded-proto'] === 'https') return
      throw new OAuthError('request_forbidden', 'This port takes only requests that came over TLS.', {
        hint: 'A proxy in serve.tls.allow_termination_from must send X-Forwarded-Proto: https.',
      })
    },
    addressOf(ctx) {
      if (networks.length === 0 || !isProxied(ctx)) return peerOf(ctx)
      // The last one is what the proxy itself has seen; those before it are anybody's word.
      const forwarded = String(ctx.req.headers['x-forwarded-for'] ?? '')
      return forwarded.split(',').at(-1)?.trim() || peerOf(ctx)
    },
  }
}
