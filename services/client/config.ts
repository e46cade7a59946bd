// What the client service needs of the configuration.
import type { Config } from '../kit/config/config.js'
import type { OutboundOptions } from '../kit/outbound.js'

export interface ClientServiceConfig {
  readonly dsn: string
  readonly maxConnections: number
  /** What page tokens are sealed with: the first seals, all open. */
  readonly pageTokenSecrets: readonly string[]
  readonly subjectTypes: readonly string[]
  /** How addresses that clients name may be called. */
  readonly outbound: OutboundOptions
}

export const pickConfig = ({ dsn, db, secrets, oidc, clients }: Config): ClientServiceConfig => ({
  dsn,
  maxConnections: db.max_connections,
  pageTokenSecrets: secrets.pagination.length > 0 ? secrets.pagination : secrets.system,
  subjectTypes: oidc.subject_identifiers.supported_types,
  outbound: {
    disallowPrivateIpRanges: clients.http.disallow_private_ip_ranges,
    privateIpExceptionUrls: clients.http.private_ip_exception_urls,
  },
})
