// What the introspection service takes out of the configuration.
import type { Config } from '../kit/config/config.js'

export interface IntrospectionConfig {
  readonly secrets: readonly string[]
  readonly issuer: string
  readonly scopeStrategy: Config['strategies']['scope']
  /** Claims of the consent app that stand at the top of a JWT. */
  readonly topLevelClaims: readonly string[]
  /** Milliseconds that an answer from memory may be behind. */
  readonly maxStalenessMs: number
}

export const introspectionConfig = (config: Config): IntrospectionConfig => ({
  secrets: config.secrets.system,
  issuer: config.urls.self.issuer,
  scopeStrategy: config.strategies.scope,
  topLevelClaims: config.oauth2.allowed_top_level_claims,
  maxStalenessMs: config.introspection.max_staleness_ms,
})
