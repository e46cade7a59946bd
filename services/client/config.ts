// What the client service needs of the configuration.
import type { Config } from '../kit/config/config.js'
import { assertionAudiences } from '../kit/jwt/claims.js'
import type { OutboundOptions } from '../kit/outbound.js'

/** What holds for clients that register themselves. */
export interface SelfRegistrationConfig {
  readonly enabled: boolean
  readonly allowedGrantTypes: readonly string[]
}

export interface ClientServiceConfig {
  readonly dev: boolean
  readonly dsn: string
  readonly maxConnections: number
  /** What page tokens are sealed with: the first seals, all open. */
  readonly pageTokenSecrets: readonly string[]
  /**
   * What registration access tokens are made with, and secrets of clients sealed that have to be known: the first makes and
   * seals, all are accepted and open.
   */
  readonly systemSecrets: readonly string[]
  readonly subjectTypes: readonly string[]
  /** Who an assertion of a client may be meant for. */
  readonly audiences: readonly string[]
  /** Scopes of clients that name none, separated by spaces. */
  readonly defaultScope: string
  readonly selfRegistration: SelfRegistrationConfig
  /** How addresses that clients name may be called. */
  readonly outbound: OutboundOptions
}

export function pickConfig(config: Config): ClientServiceConfig {
  const { dev, dsn, db, secrets, oidc, clients } = config
  return {
    dev,
    dsn,
    maxConnections: db.max_connections,
    systemSecrets: secrets.system,
    pageTokenSecrets: secrets.pagination.length > 0 ? secrets.pagination : secrets.system,
    subjectTypes: oidc.subject_identifiers.supported_types,
    audiences: assertionAudiences(config),
    defaultScope: oidc.dynamic_client_registration.default_scope.join(' '),
    selfRegistration: {
      enabled: oidc.dynamic_client_registration.enabled,
      allowedGrantTypes: oidc.dynamic_client_registration.allowed_grant_types,
    },
    outbound: {
      disallowPrivateIpRanges: clients.http.disallow_private_ip_ranges,
      privateIpExceptionUrls: clients.http.private_ip_exception_urls,
    },
  }
}
