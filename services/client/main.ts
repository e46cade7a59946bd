// The client service: registers clients, looks them up, and authenticates them.
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import type { Config } from '../kit/config/config.js'
import { KeySets } from '../kit/jwt/key_sets.js'
import { Outbound } from '../kit/outbound.js'
import { repeat } from '../kit/repeat.js'
import { defineService } from '../kit/rpc/server.js'
import { Sealer } from '../kit/sealing.js'
import type { RunningService } from '../kit/service.js'
import { ClientSecrets } from './client_secret.js'
import { createHandlers } from './client_service.js'
import { pickConfig } from './config.js'
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
  const { dsn, maxConnections, systemSecrets, pageTokenSecrets, audiences, ...picked } = pickConfig(config)
  const store = new ClientStore({ dsn, maxConnections })
  const sealer = new Sealer(systemSecrets)
  const secrets = new ClientSecrets(sealer)
  const { defaultScope, dev } = picked
  const outbound = new Outbound(picked.outbound)
  const subjectTypes = new SubjectTypes(picked.subjectTypes, outbound)
  const tokens = new RegistrationTokens(sealer)
  const registration = new Registration({ store, secrets, subjectTypes, tokens, defaultScope, outbound, dev })
  const { enabled, allowedGrantTypes } = picked.selfRegistration
  const policy = new SelfRegistrationPolicy({ allowedGrantTypes, defaultScope }, outbound)
  const selfRegistration = enabled ? new SelfRegistration(registration, tokens, policy) : undefined
  const pageSealer = new Sealer(pageTokenSecrets)
  const keySets = new KeySets(outbound)
  const parts = { store, registration, secrets, subjectTypes, sealer: pageSealer, keySets, audiences }
  const stopping = new AbortController()
  let purging: Promise<void> | undefined
  return {
    services: [
      defineService(ClientServiceService, createHandlers(parts)),
      defineService(RegistrationServiceService, createRegistrationHandlers(selfRegistration)),
    ],
    async start() {
      store.changes.start()
      const { signal } = stopping
      purging ??= repeat({ everyMs: purgeEveryMs, doing: 'purging used assertions', signal }, () =>
        store.usedAssertions.purge(signal),
      )
    },
    ready: () => store.ping(),
    async stop() {
      stopping.abort()
      await Promise.all([purging, store.changes.stop()])
      await store.close()
    },
  }
}
