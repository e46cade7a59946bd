// The token service: issues and revokes tokens, keeps the grants behind them and the keys that sign them.
import type { ClientServiceService } from '#proto/client/v1/client_service.js'
import type { Config } from '../kit/config/config.js'
import { repeat } from '../kit/repeat.js'
import type { Remote, Service } from '../kit/rpc/contract.js'
import { ExchangeableServices } from '../kit/rpc/exchangeable.js'
import { Sealer } from '../kit/sealing.js'
import type { RunningService } from '../kit/service.js'
import { UsedIds } from '../kit/used_ids.js'
import { Clients } from './clients.js'
import { type TokenConfig, tokenConfig } from './config.js'
import { createDeviceCodeService } from './device_code_service.js'
import { Hooks } from './hooks/hooks.js'
import { createKeyService } from './key_service.js'
import { KeyRing, type KeySettings } from './keys/key_ring.js'
import { longestAccessTokenLifespan } from './lifespans.js'
import type { Parts } from './parts.js'
import { DeletedClients } from './revocations/deleted_clients.js'
import { RevocationLog } from './revocations/revocation_log.js'
import { createRevocationService } from './revocations/revocation_service.js'
import { openDatabase, type TokenDatabase } from './store/database.js'
import { DeviceCodeStore } from './store/device_code_store.js'
import { type GraceOptions, GrantStore } from './store/grant_store.js'
import { KeyStore } from './store/key_store.js'
import { TrustedIssuerStore } from './store/trusted_issuer_store.js'
import { createTokenServiceHandlers } from './token_service.js'
import { createTrustedIssuerService } from './trusted_issuer_service.js'
import { UserClaims } from './user_claims.js'

export interface TokenServicePeers {
  readonly clients: Remote<typeof ClientServiceService>
}

const purgeEveryMs = 60_000

export function createTokenService(wholeConfig: Config, peers: TokenServicePeers): RunningService {
  const database = openDatabase(tokenConfig(wholeConfig))
  let parts = createParts(tokenConfig(wholeConfig), database, peers)
  const userClaims = new UserClaims(parts)
  const { keys, clients, revocations, grants, deviceCodes, trustedIssuers, usedAssertions } = parts
  const deletedClients = new DeletedClients({ database, revocations, ...peers })
  const followers = [revocations, clients, userClaims, deletedClients]
  const stopping = new AbortController()
  let purging: Promise<void> | undefined
  const createServices = (): Service[] => [
    createTokenServiceHandlers(parts, userClaims),
    createKeyService(keys),
    createRevocationService(revocations, () => keys.revision, deletedClients),
    createDeviceCodeService(parts),
    createTrustedIssuerService(parts),
  ]
  const exchangeable = new ExchangeableServices(createServices())
  return {
    services: exchangeable.services,

    async start() {
      await keys.start()
      for (const follower of followers) follower.start()
      const { signal } = stopping
      purging ??= repeat({ everyMs: purgeEveryMs, doing: 'purging grants', signal }, async () => {
        await grants.purge({ signal })
        await deviceCodes.purge({ signal })
        await trustedIssuers.purge({ signal })
        await usedAssertions.purge({ signal })
      })
    },

    ready: () => database.ping(),

    reconfigure(next) {
      parts = reconfigureParts(parts, tokenConfig(next))
      userClaims.reconfigure(parts)
      exchangeable.exchange(createServices())
    },

    async stop() {
      stopping.abort()
      await Promise.all([purging, keys.stop(), ...followers.map((follower) => follower.stop())])
      await database.close()
    },
  }
}

/** The parts with another configuration: what holds connections, keys or memory stays, and is told. */
function reconfigureParts(parts: Parts, config: TokenConfig): Parts {
  parts.sealer.replaceSecrets(config.secrets)
  parts.pageSealer.replaceSecrets(config.pageTokenSecrets)
  parts.keys.reconfigure(keySettingsOf(config))
  parts.clients.maxStalenessMs = config.maxStalenessMs
  parts.grants.reconfigure(graceOf(config))
  return { ...parts, config, hooks: new Hooks(config) }
}

const keySettingsOf = ({ publishBeforeUse, publishedKeySets, ttl }: TokenConfig): KeySettings => ({
  publishBeforeUse,
  publishedSets: publishedKeySets,
  longestLifespan: Math.max(ttl.access_token, ttl.id_token),
})

function graceOf({ oauth2 }: TokenConfig): GraceOptions {
  const { rotation_grace_period: gracePeriod, rotation_grace_reuse_count: graceReuseCount } = oauth2.grant.refresh_token
  return { gracePeriod, graceReuseCount }
}

function createParts(config: TokenConfig, database: TokenDatabase, peers: TokenServicePeers): Parts {
  const sealer = new Sealer(config.secrets)
  return {
    config,
    sealer,
    pageSealer: new Sealer(config.pageTokenSecrets),
    keys: new KeyRing({ store: new KeyStore(database), sealer, ...keySettingsOf(config) }),
    clients: new Clients(peers.clients, config.maxStalenessMs),
    grants: new GrantStore(database, graceOf(config)),
    deviceCodes: new DeviceCodeStore(database),
    trustedIssuers: new TrustedIssuerStore(database),
    usedAssertions: new UsedIds(database, 'used_assertion'),
    revocations: new RevocationLog({ database, longestAccessTokenLifespan }),
    hooks: new Hooks(config),
  }
}
