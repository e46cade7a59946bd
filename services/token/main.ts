// The token service: issues and revokes tokens, keeps the grants behind them and the keys that sign them.
import type { ClientServiceService } from '#proto/client/v1/client_service.js'
import type { Config } from '../kit/config/config.js'
import { repeat } from '../kit/repeat.js'
import type { Remote } from '../kit/rpc/contract.js'
import { Sealer } from '../kit/sealing.js'
import type { RunningService } from '../kit/service.js'
import { Clients } from './clients.js'
import { type TokenConfig, tokenConfig } from './config.js'
import { createDeviceCodeService } from './device_code_service.js'
import { Hooks } from './hooks/hooks.js'
import { createKeyService } from './key_service.js'
import { KeyRing } from './keys/key_ring.js'
import { longestAccessTokenLifespan } from './lifespans.js'
import type { Parts } from './parts.js'
import { DeletedClients } from './revocations/deleted_clients.js'
import { RevocationLog } from './revocations/revocation_log.js'
import { createRevocationService } from './revocations/revocation_service.js'
import { openDatabase, type TokenDatabase } from './store/database.js'
import { DeviceCodeStore } from './store/device_code_store.js'
import { GrantStore } from './store/grant_store.js'
import { KeyStore } from './store/key_store.js'
import { createTokenServiceHandlers } from './token_service.js'
import { UserClaims } from './user_claims.js'

export interface TokenServicePeers {
  readonly clients: Remote<typeof ClientServiceService>
}

const purgeEveryMs = 60_000

export function createTokenService(wholeConfig: Config, peers: TokenServicePeers): RunningService {
  const config = tokenConfig(wholeConfig)
  const database = openDatabase(config)
  const parts = createParts(config, database, peers)
  const userClaims = new UserClaims(parts)
  const { keys, clients, revocations, grants, deviceCodes } = parts
  const deletedClients = new DeletedClients({ database, revocations, ...peers })
  const followers = [revocations, clients, userClaims, deletedClients]
  const stopping = new AbortController()
  let purging: Promise<void> | undefined
  return {
    services: [
      createTokenServiceHandlers(parts, userClaims),
      createKeyService(keys),
      createRevocationService(revocations, () => keys.revision, deletedClients),
      createDeviceCodeService(parts),
    ],

    async start() {
      await keys.start()
      for (const follower of followers) follower.start()
      const { signal } = stopping
      purging ??= repeat({ everyMs: purgeEveryMs, doing: 'purging grants', signal }, async () => {
        await grants.purge(signal)
        await deviceCodes.purge(signal)
      })
    },

    ready: () => database.ping(),

    async stop() {
      stopping.abort()
      await Promise.all([purging, keys.stop(), ...followers.map((follower) => follower.stop())])
      await database.close()
    },
  }
}

function createParts(config: TokenConfig, database: TokenDatabase, peers: TokenServicePeers): Parts {
  const sealer = new Sealer(config.secrets)
  const { rotation_grace_period, rotation_grace_reuse_count } = config.oauth2.grant.refresh_token
  return {
    config,
    sealer,
    keys: new KeyRing({
      store: new KeyStore(database),
      sealer,
      publishBeforeUse: config.publishBeforeUse,
      publishedSets: config.publishedKeySets,
      longestLifespan: Math.max(config.ttl.access_token, config.ttl.id_token),
    }),
    clients: new Clients(peers.clients, config.maxStalenessMs),
    grants: new GrantStore(database, {
      gracePeriod: rotation_grace_period,
      graceReuseCount: rotation_grace_reuse_count,
    }),
    deviceCodes: new DeviceCodeStore(database),
    revocations: new RevocationLog({ database, longestAccessTokenLifespan }),
    hooks: new Hooks(config),
  }
}
