// The client service: registers clients, looks them up, and authenticates them.
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import type { Config } from '../kit/config/config.js'
import { KeySets } from '../kit/jwt/key_sets.js'
import { Outbound } from '../kit/outbound.js'
import { repeat } from '../kit/repeat.js'
import type { Service } from '../kit/rpc/contract.js'
import { ExchangeableServices } from '../kit/rpc/exchangeable.js'
import { defineService } from '../kit/rpc/server.js'
import { Sealer } from '../kit/sealing.js'
import type { RunningService } from '../kit/service.js'
import { ClientSecrets } from './client_secret.js'
import { createHandlers } from './client_service.js'
import { type ClientServiceConfig, pickConfig } from './config.js'
import { CorsOrigins } from './cors_origins.js'
import { Registration } from './registration.js'
import { createRegistrationHandlers } from './registration_service.js'
import { RegistrationTokens } from './registration_tokens.js'
import { SelfRegistration } from './self_registration.js'
import { SelfRegistrationPolicy } from './self_registration_policy.js'
import { ClientStore } from './store/client_store.js'
import { SubjectTypes } from './subject_type.js'

/** It has no peers: it asks nobody. */
export type ClientServicePeers = Readonly<Record<never, never>>

const purgeEveryMs = 60_000

export function createClientService(config: Config, _peers: ClientServicePeers): RunningService {
  const kept = createKept(pickConfig(config))
  const { store, corsOrigins } = kept
  const exchangeable = new ExchangeableServices(createServices(pickConfig(config), kept))
  const stopping = new AbortController()
  let purging: Promise<void> | undefined
  return {
    services: exchangeable.services,
    async start() {
      store.changes.start()
      const { signal } = stopping
      purging ??= repeat({ everyMs: purgeEveryMs, doing: 'purging used assertions', signal }, () =>
        store.usedAssertions.purge({ signal }),
      )
    },
    ready: () => store.ping(),
    reconfigure(next) {
      const picked = pickConfig(next)
      kept.sealer.replaceSecrets(picked.systemSecrets)
      kept.pageSealer.replaceSecrets(picked.pageTokenSecrets)
      exchangeable.exchange(createServices(picked, kept))
    },
    async stop() {
      stopping.abort()
      await Promise.all([purging, corsOrigins.stop(), store.changes.stop()])
      await store.close()
    },
  }
}

/** What holds connections, keys or memory: it stays whatever the configuration says. */
interface Kept {
  readonly store: ClientStore
  readonly sealer: Sealer
  readonly pageSealer: Sealer
  readonly secrets: ClientSecrets
  readonly corsOrigins: CorsOrigins
}

function createKept({ dsn, maxConnections, systemSecrets, pageTokenSecrets }: ClientServiceConfig): Kept {
  const sealer = new Sealer(systemSecrets)
  const pageSealer = new Sealer(pageTokenSecrets)
  const store = new ClientStore({ dsn, maxConnections })
  return { store, sealer, pageSealer, secrets: new ClientSecrets(sealer), corsOrigins: new CorsOrigins(store) }
}

function createServices(config: ClientServiceConfig, kept: Kept): Service[] {
  const { store, sealer, pageSealer, secrets, corsOrigins } = kept
  const { audiences, defaultScope, dev } = config
  const outbound = new Outbound(config.outbound)
  const subjectTypes = new SubjectTypes(config.subjectTypes, outbound)
  const tokens = new RegistrationTokens(sealer)
  const registration = new Registration({ store, secrets, subjectTypes, tokens, defaultScope, outbound, dev })
  const { enabled, allowedGrantTypes } = config.selfRegistration
  const policy = new SelfRegistrationPolicy({ allowedGrantTypes, defaultScope }, outbound)
  const selfRegistration = enabled ? new SelfRegistration(registration, tokens, policy) : undefined
  const keySets = new KeySets(outbound)
  const parts = { store, registration, secrets, subjectTypes, sealer: pageSealer, keySets, audiences, corsOrigins }
  return [
    defineService(ClientServiceService, createHandlers(parts)),
    defineService(RegistrationServiceService, createRegistrationHandlers(selfRegistration)),
  ]
}
