// What the consent service takes out of the configuration.
import type { Config } from '../kit/config/config.js'
import type { OutboundOptions } from '../kit/outbound.js'

export interface ConsentConfig {
  readonly dev: boolean
  readonly dsn: string
  readonly maxConnections: number
  readonly secrets: Config['secrets']
  readonly issuer: string
  /** Where browsers reach the public port, without a slash at the end. */
  readonly publicUrl: string
  readonly urls: Pick<
    Config['urls'],
    'login' | 'registration' | 'consent' | 'logout' | 'post_logout_redirect' | 'device'
  >
  readonly cookieNames: Config['serve']['cookies']['names']
  readonly ttl: Config['ttl']
  readonly scopeStrategy: Config['strategies']['scope']
  /** Every client has to use PKCE, not only public ones. */
  readonly pkceEnforced: boolean
  /** Errors for clients have Hydra's older members beside those of RFC 6749. */
  readonly legacyErrorFields: boolean
  /** Milliseconds that what is remembered of clients may be behind. */
  readonly maxStalenessMs: number
  /** Empty where no client is pairwise. */
  readonly pairwiseSalt: string
  /** How addresses that clients name may be called. */
  readonly outbound: OutboundOptions
}

export const pickConfig = ({ dsn, db, secrets, urls, serve, ttl, strategies, ...config }: Config): ConsentConfig => ({
  dev: config.dev,
  dsn,
  maxConnections: db.max_connections,
  secrets,
  issuer: urls.self.issuer,
  publicUrl: (urls.self.public || urls.self.issuer).replace(/\/+$/, ''),
  urls,
  cookieNames: serve.cookies.names,
  ttl,
  scopeStrategy: strategies.scope,
  pkceEnforced: config.oauth2.pkce.enforced,
  legacyErrorFields: config.oauth2.include_legacy_error_fields,
  maxStalenessMs: config.introspection.max_staleness_ms,
  pairwiseSalt: config.oidc.subject_identifiers.pairwise.salt,
  outbound: {
    disallowPrivateIpRanges: config.clients.http.disallow_private_ip_ranges,
    privateIpExceptionUrls: config.clients.http.private_ip_exception_urls,
  },
})
