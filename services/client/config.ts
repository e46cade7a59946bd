// What the client service needs of the configuration.
import type { Config } from '../kit/config/config.js'
import type { OutboundOptions } from '../kit/outbound.js'

/** What holds for clients that register themselves. */
export interface SelfRegistrationConfig {
  readonly enabled: boolean
  readonly allowedGrantTypes: readonly string[]
}

export interface ClientServiceConfig {
  readonly dsn: string
  readonly maxConnections: number
  /** What page tokens are sealed with: the first seals, all open. */
  readonly pageTokenSecrets: readonly string[]
  /** What registration access tokens are made with: the first makes, all are accepted. */
  readonly systemSecrets: readonly string[]
  readonly subjectTypes: readonly string[]
  /** Scopes of clients that name none, separated by spaces. */
  readonly defaultScope: string
  readonly selfRegistration: SelfRegistrationConfig
  /** How addresses that clients name may be called. */
  readonly outbound: OutboundOptions
}

export const pickConfig = ({ dsn, db, secrets, oidc, clients }: Config): ClientServiceConfig => ({
  dsn,
  maxConnections: db.max_connections,
  pageTokenSecrets: secrets.pagination.length > 0 ? secrets.pagination : secrets.system,
  systemSecrets: secrets.system,
  subjectTypes: oidc.subject_identifiers.supported_types,
  defaultScope: oidc.dynamic_client_registration.default_scope.join(' '),
  selfRegistration: {
    enabled: oidc.dynamic_client_registration.enabled,
    allowedGrantTypes: oidc.dynamic_client_registration.allowed_grant_types,
  },
  outbound: {
    disallowPrivateIpRanges: clients.http.disallow_private_ip_ranges,
    privateIpExceptionUrls: clients.http.private_ip_exception_urls,
  },
})
