// How one service sees the others: in process where they run here, else over the wire, and the credentials for both ends.
import type { ServiceName } from './config/check.js'
import type { Config } from './config/config.js'
import { createIdentify, serviceTokenOfAll } from './identity.js'
import { isLoopback } from './loopback.js'
import type { Caller, Remote, Service, ServiceDefinition } from './rpc/contract.js'
import { inProcess } from './rpc/in_process.js'
import { insecure, LiveCertificates } from './rpc/live_certificates.js'
import { type RpcServerOptions, serviceName } from './rpc/server.js'
import { WireChannel } from './rpc/wire.js'
import { socketPathOf } from './unix_socket.js'

export class Peers {
  #config: Config
  readonly #local: readonly Service[]
  readonly #certificates: LiveCertificates | undefined
  readonly #channels = new Map<string, { readonly channel: WireChannel; readonly caller: Caller }>()

  /** `local`: the services that run in this process. */
  constructor(config: Config, local: readonly Service[]) {
    this.#config = config
    this.#local = local
    const { tls } = config.services
    if (tls) this.#certificates = new LiveCertificates(tls)
  }

  /** A service as `caller` sees it. */
  remote<D extends ServiceDefinition>(definition: D, caller: Caller): Remote<D> {
    const name = serviceName({ definition })
    const local = this.#local.find((service) => serviceName(service) === name)
    if (local) return inProcess(local as unknown as Service<D>, caller)
    // The area in the package is the service's: tessera.token.v1.KeyService is the token service's.
    return this.#channel(name.split('.')[1] as ServiceName, caller).remote(definition)
  }

  /** Whether every service that is reached over the wire can be used now. */
  async ready(): Promise<boolean> {
    const states = await Promise.all([...this.#channels.values()].map(({ channel }) => channel.isServing()))
    return states.every(Boolean)
  }

  /** Shows service tokens of other secrets from now on. */
  reconfigure(config: Config): void {
    this.#config = config
    for (const { channel, caller } of this.#channels.values()) channel.token = tokenOf(config, caller)
  }

  /** Reads the certificates of `services.tls` anew. */
  reloadCertificates(): void {
    this.#certificates?.reload()
  }

  close(): void {
    for (const { channel } of this.#channels.values()) channel.close()
  }

  #channel(service: ServiceName, caller: Caller): WireChannel {
    const known = this.#channels.get(service)
    if (known) return known.channel
    const { address } = this.#config.services[service]
    const channel = new WireChannel(
      address,
      (this.#certificates ?? insecure).forChannel(),
      tokenOf(this.#config, caller),
    )
    this.#channels.set(service, { channel, caller })
    return channel
  }
}

/** A certificate of its own says who calls; without one a service token does. */
function tokenOf({ services, secrets }: Config, caller: Caller): string {
  if (services.credential) return services.credential
  if (services.tls?.cert || secrets.system.length === 0) return ''
  return serviceTokenOfAll(secrets.system, caller)
}

/** Who it is that calls the gRPC port of this process. */
export function rpcIdentify({ serve, secrets }: Config): RpcServerOptions['identify'] {
  const { host, tls } = serve.grpc
  return createIdentify({
    systemSecrets: secrets.system,
    trustLoopback: !tls && isLoopback(host),
    trustSocket: !tls && socketPathOf(host) !== undefined,
  })
}

/** How the gRPC port of this process listens and tells who calls. */
export function rpcListener(
  config: Config,
): Pick<RpcServerOptions, 'host' | 'port' | 'socket' | 'certificates' | 'identify'> {
  const { host, port, socket, tls } = config.serve.grpc
  return { host, port, socket, identify: rpcIdentify(config), ...(tls && { certificates: new LiveCertificates(tls) }) }
}
