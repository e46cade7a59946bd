// The client service: registers clients, looks them up, and authenticates them.
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import type { Config } from '../kit/config/config.js'
import { Outbound } from '../kit/outbound.js'
import { defineService } from '../kit/rpc/server.js'
import { Sealer } from '../kit/sealing.js'
import type { RunningService } from '../kit/service.js'
import { ClientSecrets } from './client_secret.js'
import { createHandlers } from './client_service.js'
import { pickConfig } from './config.js'
import { Registration } from './registration.js'
import { ClientStore } from './store/client_store.js'
import { SubjectTypes } from './subject_type.js'

/** It has no peers: it asks nobody. */
export type ClientServicePeers = Readonly<Record<never, never>>

export function createClientService(config: Config, _peers: ClientServicePeers): RunningService {
  const { dsn, maxConnections, pageTokenSecrets, ...picked } = pickConfig(config)
  const store = new ClientStore({ dsn, maxConnections })
  const secrets = new ClientSecrets()
  const subjectTypes = new SubjectTypes(picked.subjectTypes, new Outbound(picked.outbound))
  const registration = new Registration(store, secrets, subjectTypes)
  const sealer = new Sealer(pageTokenSecrets)
  return {
    services: [
      defineService(ClientServiceService, createHandlers({ store, registration, secrets, subjectTypes, sealer })),
    ],
    start: async () => store.changes.start(),
    ready: () => store.ping(),
    stop: async () => {
      await store.changes.stop()
      await store.close()
    },
  }
}
