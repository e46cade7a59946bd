// Puts the suite together: which services run in this process, in which order they are made, started and ended, and how
// they see each other.
import { setTimeout as delay } from 'node:timers/promises'
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { RegistrationServiceService } from '#proto/client/v1/registration_service.js'
import { AuthorizationServiceService } from '#proto/consent/v1/authorization_service.js'
import { ConsentServiceService } from '#proto/consent/v1/consent_service.js'
import { DeviceServiceService } from '#proto/consent/v1/device_service.js'
import { LoginServiceService } from '#proto/consent/v1/login_service.js'
import { LogoutServiceService } from '#proto/consent/v1/logout_service.js'
import { IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import { DeviceCodeServiceService } from '#proto/token/v1/device_code_service.js'
import { KeyServiceService } from '#proto/token/v1/key_service.js'
import { RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import { TokenServiceService } from '#proto/token/v1/token_service.js'
import { TrustedIssuerServiceService } from '#proto/token/v1/trusted_issuer_service.js'
import type { Gateway } from '../gateway/main.js'
import { type MigratedService, migratedServices } from '../prisma/migrate.js'
import type { Role, ServiceName } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { log } from '../services/kit/log.js'
import { OAuthError } from '../services/kit/oauth_error.js'
import { Peers, rpcIdentify, rpcListener } from '../services/kit/peers.js'
import { projectRoot } from '../services/kit/project_root.js'
import type { Remote, Service, ServiceDefinition } from '../services/kit/rpc/contract.js'
import { RpcServer } from '../services/kit/rpc/server.js'
import type { RunningService } from '../services/kit/service.js'
import { prepareDatabase, waitForDatabase } from './database.js'
import { toStartupError } from './listen_error.js'

type Connect = <D extends ServiceDefinition>(definition: D) => Remote<D>

/** Each service is loaded only where it runs. */
const creators: Readonly<Record<ServiceName, (config: Config, connect: Connect) => Promise<RunningService>>> = {
  client: async (config) => (await import('../services/client/main.js')).createClientService(config, {}),
  token: async (config, connect) =>
    (await import('../services/token/main.js')).createTokenService(config, { clients: connect(ClientServiceService) }),
  introspection: async (config, connect) =>
    (await import('../services/introspection/main.js')).createIntrospectionService(config, {
      clients: connect(ClientServiceService),
      tokens: connect(TokenServiceService),
      keys: connect(KeyServiceService),
      revocations: connect(RevocationServiceService),
    }),
  consent: async (config, connect) =>
    (await import('../services/consent/main.js')).createConsentService(config, {
      clients: connect(ClientServiceService),
      tokens: connect(TokenServiceService),
      deviceCodes: connect(DeviceCodeServiceService),
      keys: connect(KeyServiceService),
    }),
}

const loadGateway = async (config: Config, connect: Connect): Promise<Gateway> =>
  (await import('../gateway/main.js')).createGateway(config, {
    clients: connect(ClientServiceService),
    registration: connect(RegistrationServiceService),
    authorization: connect(AuthorizationServiceService),
    device: connect(DeviceServiceService),
    login: connect(LoginServiceService),
    consent: connect(ConsentServiceService),
    logout: connect(LogoutServiceService),
    tokens: connect(TokenServiceService),
    deviceCodes: connect(DeviceCodeServiceService),
    trustedIssuers: connect(TrustedIssuerServiceService),
    keys: connect(KeyServiceService),
    introspection: connect(IntrospectionServiceService),
  })

/** No service may depend on one that is made after it. */
const order = ['client', 'token', 'introspection', 'consent'] as const satisfies readonly ServiceName[]

const readinessPeriodMs = 1_000

export interface Addresses {
  readonly publicUrl?: string
  readonly adminUrl?: string
  readonly grpc?: string
}

export class Composition {
  readonly addresses: Addresses
  readonly peers: Peers
  readonly #config: Config
  readonly #running: readonly RunningService[]
  readonly #rpc: RpcServer | undefined
  readonly #gateway: Gateway | undefined
  readonly #stopping = new AbortController()
  #watching: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #ready = false

  private constructor(parts: {
    config: Config
    peers: Peers
    running: readonly RunningService[]
    rpc: RpcServer | undefined
    gateway: Gateway | undefined
    addresses: Addresses
  }) {
    this.addresses = parts.addresses
    this.peers = parts.peers
    this.#config = parts.config
    this.#running = parts.running
    this.#rpc = parts.rpc
    this.#gateway = parts.gateway
  }

  /** Makes what the role asks for and listens; it is alive then, and not yet ready. */
  static async listen(config: Config, role: Role): Promise<Composition> {
    const local: Service[] = []
    const peers = new Peers(config, local)
    const running: RunningService[] = []
    for (const name of order) {
      if (role !== 'all' && role !== name) continue
      const service = await creators[name](config, (definition) => peers.remote(definition, name))
      local.push(...service.services)
      running.push(service)
    }
    const hasGateway = role === 'all' || role === 'gateway'
    const gateway = hasGateway
      ? await loadGateway(config, (definition) => peers.remote(definition, 'gateway'))
      : undefined
    const reflection = config.serve.grpc.reflection ? { reflectionFrom: `${projectRoot}/generated/descriptors` } : {}
    const rpc = local.length ? new RpcServer(local, { ...rpcListener(config), ...reflection }) : undefined
    const composition = { config, peers, running, rpc, gateway }
    try {
      const port = await rpc?.listen()
      const urls = await gateway?.listen()
      const grpc = port === undefined ? {} : { grpc: addressOf(config.serve.grpc.host, port) }
      return new Composition({ ...composition, addresses: { ...urls, ...grpc } })
    } catch (thrown) {
      await new Composition({ ...composition, addresses: {} }).close(0)
      throw toStartupError(thrown, config)
    }
  }

  /** Starts the services, as soon as their database is there. Resolves when all that was asked for is ready. */
  async start(): Promise<void> {
    const { signal } = this.#stopping
    const owners = migratedServices.filter((name) => this.#running.some((service) => servesArea(service, name)))
    if (owners.length > 0) await this.#prepareDatabase(owners, signal)
    for (const service of this.#running) await this.#startService(service, signal)
    while (!signal.aborted && !(await this.#refreshReadiness())) await delay(50)
    this.#watching = this.#watch()
  }

  /** Takes up another configuration, all at once for the calls that begin from now on. */
  reconfigure(config: Config): void {
    this.peers.reconfigure(config)
    if (this.#rpc) this.#rpc.identify = rpcIdentify(config)
    for (const service of this.#running) service.reconfigure(config)
    this.#gateway?.reconfigure(config)
  }

  /** Reads all certificates anew. Throws where one is not good; it and those after it stay as they were. */
  reloadCertificates(): void {
    this.#gateway?.reloadCertificates()
    this.#rpc?.reloadCertificates()
    this.peers.reloadCertificates()
  }

  /** Tells that it is no longer ready, stops accepting, lets what is under way finish, and ends the services. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    this.#stopping.abort()
    if (this.#gateway) this.#gateway.ready = false
    this.#rpc?.setServing(false)
    // Whoever sends requests here has to notice first. Before the first readiness nobody does.
    if (graceMs > 0) await delay(this.#config.serve.drain * 1_000)
    await Promise.all([this.#watching, this.#gateway?.close(graceMs), this.#rpc?.close(graceMs)])
    for (const service of this.#running.toReversed()) await service.stop()
    this.peers.close()
  }

  async #prepareDatabase(owners: readonly MigratedService[], signal: AbortSignal): Promise<void> {
    await waitForDatabase(this.#config.dsn, signal)
    if (!signal.aborted) await prepareDatabase(this.#config.dsn, this.#config.dev, owners)
  }

  /** An outage between the database's first answer and now is waited out like one before. */
  async #startService(service: RunningService, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await service.start()
      } catch (thrown) {
        if (!(thrown instanceof OAuthError && thrown.code === 'temporarily_unavailable')) throw thrown
        log.warn({ err: thrown.cause }, 'a service cannot start yet: trying again')
        await delay(readinessPeriodMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await delay(readinessPeriodMs, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await this.#refreshReadiness()
    }
  }

  async #refreshReadiness(): Promise<boolean> {
    const states = await Promise.all([
      ...this.#running.map((service) => service.ready().catch(() => false)),
      // The gateway alone cannot do without any of them.
      this.#gateway ? this.peers.ready() : true,
    ])
    const ready = states.every(Boolean) && !this.#stopping.signal.aborted
    // The first time is told by whoever waits for it.
    if (this.#watching && this.#ready !== ready) log.warn({ ready }, 'readiness changed')
    this.#ready = ready
    if (this.#gateway) this.#gateway.ready = ready
    this.#rpc?.setServing(ready)
    return ready
  }
}

const servesArea = (service: RunningService, area: string): boolean =>
  service.services.some(({ definition }) => Object.values(definition)[0]?.path.startsWith(`/tessera.${area}.`))

function addressOf(host: string, port: number): string {
  if (host.startsWith('unix:')) return host
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
