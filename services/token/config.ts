// What the token service takes out of the configuration.
import type { Config } from '../kit/config/config.js'
import { assertionAudiences } from '../kit/jwt/claims.js'
import type { OutboundOptions } from '../kit/outbound.js'

export interface TokenConfig {
  readonly dsn: string
  readonly maxConnections: number
  readonly secrets: readonly string[]
  /** What page tokens are sealed with: the first seals, all open. */
  readonly pageTokenSecrets: readonly string[]
  readonly issuer: string
  /** Who an assertion may be meant for. */
  readonly audiences: readonly string[]
  /** Where end-users type user codes. */
  readonly verificationUri: string
  readonly ttl: Config['ttl']
  readonly strategies: Config['strategies']
  readonly oauth2: Config['oauth2']
  /** The key sets whose public keys anyone may read. */
  readonly publishedKeySets: readonly string[]
  /** Seconds that a key is published before it signs. */
  readonly publishBeforeUse: number
  /** Milliseconds that what is remembered of clients may be behind. */
  readonly maxStalenessMs: number
  /** How addresses that others name may be called. */
  readonly outbound: OutboundOptions
}

export const tokenConfig = (config: Config): TokenConfig => ({
  dsn: config.dsn,
  maxConnections: config.db.max_connections,
  secrets: config.secrets.system,
  pageTokenSecrets: config.secrets.pagination.length > 0 ? config.secrets.pagination : config.secrets.system,
  issuer: config.urls.self.issuer,
  audiences: assertionAudiences(config),
  verificationUri: `${(config.urls.self.public || config.urls.self.issuer).replace(/\/+$/, '')}/oauth2/device/verify`,
  ttl: config.ttl,
  strategies: config.strategies,
  oauth2: config.oauth2,
  publishedKeySets: config.webfinger.jwks.broadcast_keys,
  publishBeforeUse: config.keys.publish_before_use,
  maxStalenessMs: config.introspection.max_staleness_ms,
  outbound: {
    disallowPrivateIpRanges: config.clients.http.disallow_private_ip_ranges,
    privateIpExceptionUrls: config.clients.http.private_ip_exception_urls,
  },
})
