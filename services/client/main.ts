// The client service: registers clients, looks them up, and authenticates them.
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import type { Config } from '../kit/config/config.js'
import { Outbound } from '../kit/outbound.js'
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

export function createClientService(config: Config, _peers: ClientServicePeers): RunningService {
  const { dsn, maxConnections, pageTokenSecrets, ...picked } = pickConfig(config)
  const store = new ClientStore({ dsn, maxConnections })
  const secrets = new ClientSecrets()
  const { defaultScope } = picked
  const outbound = new Outbound(picked.outbound)
  const subjectTypes = new SubjectTypes(picked.subjectTypes, outbound)
  const tokens = new RegistrationTokens(new Sealer(picked.systemSecrets))
  const registration = new Registration({ store, secrets, subjectTypes, tokens, defaultScope })
  const { enabled, allowedGrantTypes } = picked.selfRegistration
  const policy = new SelfRegistrationPolicy({ allowedGrantTypes, defaultScope }, outbound)
  const selfRegistration = enabled ? new SelfRegistration(registration, tokens, policy) : undefined
  const sealer = new Sealer(pageTokenSecrets)
  return {
    services: [
      defineService(ClientServiceService, createHandlers({ store, registration, secrets, subjectTypes, sealer })),
      defineService(RegistrationServiceService, createRegistrationHandlers(selfRegistration)),
    ],
    start: async () => store.changes.start(),
    ready: () => store.ping(),
    stop: async () => {
      await store.changes.stop()
      await store.close()
    },
  }
}
