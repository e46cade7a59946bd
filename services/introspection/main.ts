// The introspection service: says whether a token is good, from memory. It has no database.
import type { ClientServiceService } from '#proto/client/v1/client_service.js'
import { IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import type { KeyServiceService } from '#proto/token/v1/key_service.js'
import type { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import type { TokenServiceService } from '#proto/token/v1/token_service.js'
import type { Config } from '../kit/config/config.js'
import type { Remote, Service } from '../kit/rpc/contract.js'
import { ExchangeableServices } from '../kit/rpc/exchangeable.js'
import { defineService } from '../kit/rpc/server.js'
import type { RunningService } from '../kit/service.js'
import { Clients } from './clients.js'
import { type IntrospectionConfig, introspectionConfig } from './config.js'
import { Introspection } from './introspection.js'
import { createHandlers } from './introspection_service.js'
import { PublishedKeys } from './keys.js'
import { Revocations } from './revocations.js'

export interface IntrospectionServicePeers {
  readonly clients: Remote<typeof ClientServiceService>
  readonly tokens: Remote<typeof TokenServiceService>
  readonly keys: Remote<typeof KeyServiceService>
  readonly revocations: Remote<typeof RevocationServiceService>
}

export function createIntrospectionService(configuration: Config, peers: IntrospectionServicePeers): RunningService {
  const config = introspectionConfig(configuration)
  const { maxStalenessMs } = config
  const keys = new PublishedKeys(peers.keys)
  const clients = new Clients(peers.clients, maxStalenessMs)
  const revocations = new Revocations({
    service: peers.revocations,
    maxStalenessMs,
    onKeysRevision: (revision) => keys.follow(revision),
  })
  const create = (picked: IntrospectionConfig): Service[] => {
    const introspection = new Introspection({ config: picked, clients, keys, revocations, tokens: peers.tokens })
    return [defineService(IntrospectionServiceService, createHandlers(introspection))]
  }
  const exchangeable = new ExchangeableServices(create(config))
  return {
    services: exchangeable.services,
    // From here on it answers: by asking the token service, until the feeds have made memory fresh.
    start: async () => {
      clients.start()
      revocations.start()
    },
    ready: async () =>
      revocations.isFresh() && clients.stalenessMs() <= clients.maxStalenessMs && keys.revision !== undefined,
    reconfigure(next) {
      const picked = introspectionConfig(next)
      clients.maxStalenessMs = picked.maxStalenessMs
      revocations.maxStalenessMs = picked.maxStalenessMs
      exchangeable.exchange(create(picked))
    },
    stop: async () => {
      await Promise.all([clients.stop(), revocations.stop()])
    },
  }
}
