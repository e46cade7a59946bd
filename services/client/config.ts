// What the client service needs of the configuration.
import type { Config } from '../kit/config/config.js'

export interface ClientServiceConfig {
  readonly dsn: string
  readonly maxConnections: number
  /** What page tokens are sealed with: the first seals, all open. */
  readonly pageTokenSecrets: readonly string[]
}

export const pickConfig = ({ dsn, db, secrets }: Config): ClientServiceConfig => ({
  dsn,
  maxConnections: db.max_connections,
  pageTokenSecrets: secrets.pagination.length > 0 ? secrets.pagination : secrets.system,
})
