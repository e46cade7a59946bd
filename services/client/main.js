// The client service: registers clients, looks them up, and authenticates them.
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { defineService } from '../kit/rpc/server.js'
import { Sealer } from '../kit/sealing.js'
import { ClientSecrets } from './client_secret.js'
import { createHandlers } from './client_service.js'
import { pickConfig } from './config.js'
import { Registration } from './registration.js'
import { ClientStore } from './store/client_store.js'
export function createClientService(config, _peers) {
  const { dsn, maxConnections, pageTokenSecrets } = pickConfig(config)
  const store = new ClientStore({ dsn, maxConnections })
  const secrets = new ClientSecrets()
  const registration = new Registration(store, secrets)
  const sealer = new Sealer(pageTokenSecrets)
  return {
    services: [defineService(ClientServiceService, createHandlers({ store, registration, secrets, sealer }))],
    start: async () => store.changes.start(),
    ready: () => store.ping(),
    stop: async () => {
      await store.changes.stop()
      await store.close()
    },
  }
}
//# sourceMappingURL=main.js.map
