// What a client may be granted: the scopes and audiences that it registered (RFC 6749 3.3).
import type { Client } from '#proto/client/v1/client_service.js'
import { coversAudience } from '../kit/audience.js'
import { scopeStrategies, splitWords } from '../kit/scope_strategy.js'
import type { TokenConfig } from './config.js'

export const mayHaveScope = (config: TokenConfig, client: Client, scope: readonly string[]): boolean =>
  coversScope(config, splitWords(client.scope), scope)

/** Whether all of the scopes are among those that are allowed. */
export function coversScope({ strategies }: TokenConfig, allowed: string[], scope: readonly string[]): boolean {
  const covers = scopeStrategies[strategies.scope]
  return scope.every((one) => covers(allowed, one))
}

export const mayHaveAudience = (client: Client, audience: readonly string[]): boolean =>
  audience.every((one) => coversAudience(client.audience, one))
