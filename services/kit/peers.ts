// How one service sees the others: in process where they run here, else over the wire, and the credentials for both ends.
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js'
import type { ServiceName } from './config/check.js'
import type { Config, ListenerConfig } from './config/config.js'
import { createIdentify, serviceTokenOfAll } from './identity.js'
import { isLoopback } from './loopback.js'
import { readPem } from './pem.js'
import type { Caller, Remote, Service, ServiceDefinition } from './rpc/contract.js'
import { inProcess } from './rpc/in_process.js'
import { type RpcServerOptions, serviceName } from './rpc/server.js'
import { WireChannel } from './rpc/wire.js'
import { socketPathOf } from './unix_socket.js'

export class Peers {
  #config: Config
  readonly #local: readonly Service[]
  readonly #channels = new Map<string, { readonly channel: WireChannel; readonly caller: Caller }>()

  /** `local`: the services that run in this process. */
  constructor(config: Config, local: readonly Service[]) {
    this.#config = config
    this.#local = local
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

  close(): void {
    for (const { channel } of this.#channels.values()) channel.close()
  }

  #channel(service: ServiceName, caller: Caller): WireChannel {
    const known = this.#channels.get(service)
    if (known) return known.channel
    const { address } = this.#config.services[service]
    const channel = new WireChannel(address, channelCredentials(this.#config), tokenOf(this.#config, caller))
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

function channelCredentials({ services: { tls } }: Config): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure()
  const { ca, key, cert } = readPem(tls)
  return ChannelCredentials.createSsl(bytesOf(ca), bytesOf(key), bytesOf(cert))
}

const bytesOf = (text: string): Buffer | null => (text === '' ? null : Buffer.from(text))

/** How the gRPC port of this process listens and tells who calls. */
export function rpcListener(
  config: Config,
): Pick<RpcServerOptions, 'host' | 'port' | 'socket' | 'credentials' | 'identify'> {
  const { host, port, socket, tls } = config.serve.grpc
  const trustLoopback = !tls && isLoopback(host)
  const trustSocket = !tls && socketPathOf(host) !== undefined
  const identify = createIdentify({ systemSecrets: config.secrets.system, trustLoopback, trustSocket })
  return { host, port, socket, credentials: serverCredentials(config.serve.grpc), identify }
}

function serverCredentials({ tls }: ListenerConfig): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure()
  const { ca, cert, key } = readPem(tls)
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }
  return ServerCredentials.createSsl(bytesOf(ca), [pair], ca !== '')
}
