// The consent service: authorization requests, the login, consent and logout apps' sides of them, and what was allowed.
import type { ClientServiceService } from '#proto/client/v1/client_service.js'
import { AuthorizationServiceService } from '#proto/consent/v1/authorization_service.js'
import { ConsentServiceService } from '#proto/consent/v1/consent_service.js'
import { DeviceServiceService } from '#proto/consent/v1/device_service.js'
import { LoginServiceService } from '#proto/consent/v1/login_service.js'
import { LogoutServiceService } from '#proto/consent/v1/logout_service.js'
import type { DeviceCodeServiceService } from '#proto/token/v1/device_code_service.js'
import type { KeyServiceService } from '#proto/token/v1/key_service.js'
import type { TokenServiceService } from '#proto/token/v1/token_service.js'
import type { Config } from '../kit/config/config.js'
import { KeySets } from '../kit/jwt/key_sets.js'
import { Outbound } from '../kit/outbound.js'
import { repeat } from '../kit/repeat.js'
import type { Remote, Service } from '../kit/rpc/contract.js'
import { ExchangeableServices } from '../kit/rpc/exchangeable.js'
import { defineService } from '../kit/rpc/server.js'
import { scopeStrategies } from '../kit/scope_strategy.js'
import { Sealer } from '../kit/sealing.js'
import type { RunningService } from '../kit/service.js'
import { createAuthorizationHandlers } from './authorization_service.js'
import { ClientSubjects } from './client_subjects.js'
import { Clients } from './clients.js'
import { type ConsentConfig, pickConfig } from './config.js'
import { createConsentHandlers } from './consent_service.js'
import { FlowCookies, SessionCookie } from './cookies.js'
import { Decisions } from './decisions.js'
import { createDeviceHandlers } from './device_service.js'
import { IdTokenHints } from './id_token_hint.js'
import { createLoginHandlers } from './login_service.js'
import { LogoutDeliveries } from './logout_deliveries.js'
import { createLogoutHandlers } from './logout_service.js'
import type { Parts } from './parts.js'
import { Payloads } from './payloads.js'
import { RequestObjects } from './request_objects.js'
import { RequestUris } from './request_uris.js'
import { SealedFlows } from './sealed_flows.js'
import { ConsentStore, type Lifespans } from './store/consent_store.js'
import { Urls } from './urls.js'

export interface ConsentServicePeers {
  readonly clients: Remote<typeof ClientServiceService>
  readonly tokens: Remote<typeof TokenServiceService>
  readonly deviceCodes: Remote<typeof DeviceCodeServiceService>
  readonly keys: Remote<typeof KeyServiceService>
}

const purgeEveryMs = 60_000

export function createConsentService(config: Config, peers: ConsentServicePeers): RunningService {
  const kept = createKept(pickConfig(config), peers)
  const { store, clients, logoutDeliveries } = kept
  const exchangeable = new ExchangeableServices(createServices(createParts(pickConfig(config), kept, peers)))
  const stopping = new AbortController()
  let purging: Promise<void> | undefined
  return {
    services: exchangeable.services,

    async start() {
      clients.start()
      logoutDeliveries.start()
      const { signal } = stopping
      purging ??= repeat({ everyMs: purgeEveryMs, doing: 'purging sessions', signal }, async () => {
        await store.purge({ signal })
      })
    },

    ready: () => store.ping(),

    reconfigure(next) {
      const picked = pickConfig(next)
      reconfigureKept(kept, picked)
      exchangeable.exchange(createServices(createParts(picked, kept, peers)))
    },

    async stop() {
      stopping.abort()
      await Promise.all([purging, logoutDeliveries.stop(), clients.stop()])
      await store.close()
    },
  }
}

const createServices = (parts: Parts): Service[] => [
  defineService(AuthorizationServiceService, createAuthorizationHandlers(parts)),
  defineService(DeviceServiceService, createDeviceHandlers(parts)),
  defineService(LoginServiceService, createLoginHandlers(parts)),
  defineService(ConsentServiceService, createConsentHandlers(parts)),
  defineService(LogoutServiceService, createLogoutHandlers(parts)),
]

/** What holds connections, or remembers what may not be forgotten: it stays whatever the configuration says. */
type Kept = Pick<Parts, 'clients' | 'store' | 'sealer' | 'pageSealer' | 'decisions' | 'logoutDeliveries'> & {
  readonly cookieSealer: Sealer
}

function createKept(config: ConsentConfig, peers: ConsentServicePeers): Kept {
  const { dsn, maxConnections, secrets, ttl } = config
  const store = new ConsentStore({ dsn, maxConnections, ...lifespansOf(config) })
  const clients = new Clients(peers.clients, config.maxStalenessMs)
  const { tokens } = peers
  const outbound = new Outbound(config.outbound)
  return {
    clients,
    store,
    sealer: new Sealer(secrets.system),
    pageSealer: new Sealer(secrets.pagination),
    cookieSealer: new Sealer(secrets.cookie),
    decisions: new Decisions(ttl.login_consent_request),
    logoutDeliveries: new LogoutDeliveries({ queue: store.logoutQueue, clients, tokens, outbound }),
  }
}

function reconfigureKept(kept: Kept, config: ConsentConfig): void {
  const { secrets, ttl } = config
  kept.clients.maxStalenessMs = config.maxStalenessMs
  kept.store.reconfigure(lifespansOf(config))
  kept.sealer.replaceSecrets(secrets.system)
  kept.pageSealer.replaceSecrets(secrets.pagination)
  kept.cookieSealer.replaceSecrets(secrets.cookie)
  kept.decisions.reconfigure(ttl.login_consent_request)
  kept.logoutDeliveries.reconfigure(new Outbound(config.outbound))
}

const lifespansOf = ({ ttl }: ConsentConfig): Lifespans => ({
  flowLifespan: ttl.login_consent_request,
  sessionLifespan: ttl.authentication_session,
})

function createParts(config: ConsentConfig, { cookieSealer, ...kept }: Kept, peers: ConsentServicePeers): Parts {
  const { store, sealer } = kept
  const outbound = new Outbound(config.outbound)
  const requestUris = new RequestUris(outbound, { allowsHttp: config.dev })
  const idTokenHints = new IdTokenHints(peers.keys, config.issuer)
  return {
    ...kept,
    config,
    checkContext: {
      scopeStrategy: scopeStrategies[config.scopeStrategy],
      pkceEnforced: config.pkceEnforced,
      idTokenHints,
    },
    requestObjects: new RequestObjects(new KeySets(outbound), requestUris, config.issuer),
    clientSubjects: new ClientSubjects(config.pairwiseSalt),
    tokens: peers.tokens,
    deviceCodes: peers.deviceCodes,
    idTokenHints,
    sealedFlows: new SealedFlows(sealer, config.ttl.login_consent_request),
    payloads: new Payloads(store, sealer),
    flowCookies: new FlowCookies(cookieSealer, config),
    sessionCookie: new SessionCookie(cookieSealer, config),
    urls: new Urls(config),
  }
}
