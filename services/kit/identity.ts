// Who it is that calls over gRPC: a service token, a client certificate, or somebody on this machine.

import { isLoopback } from './loopback.js'
import type { Caller } from './rpc/contract.js'
import type { Peer } from './rpc/peer.js'
import { decodeBase64url, Sealer } from './sealing.js'

export const callers = [
  'gateway',
  'client',
  'consent',
  'token',
  'introspection',
  'operator',
  'resource_server',
] as const satisfies readonly Caller[]

const purpose = 'service token'
const maxCodes = 8

export const isCaller = (name: string): name is Caller => (callers as readonly string[]).includes(name)

/** The token that names its bearer: the name, a dot, and a code that only holders of `secrets.system` can make. */
export function serviceToken(systemSecrets: readonly string[], name: Caller): string {
  return `${name}.${new Sealer(systemSecrets).mac(purpose, Buffer.from(name)).toString('base64url')}`
}

/** The same with a code under each secret: while secrets are exchanged, the other side may not know the first one yet. */
export function serviceTokenOfAll(systemSecrets: readonly string[], name: Caller): string {
  const codes = new Sealer(systemSecrets).macs(purpose, Buffer.from(name))
  return [name, ...codes.slice(0, maxCodes).map((code) => code.toString('base64url'))].join('.')
}

export interface IdentifyOptions {
  readonly systemSecrets: readonly string[]
  /** Whether those on this machine are operators without any proof: where a listener has neither TLS nor other machines. */
  readonly trustLoopback: boolean
  /** Whether all come by a Unix socket, whose mode says who may. */
  readonly trustSocket?: boolean
}

/** Tells who calls; undefined for a stranger. A token that is shown must be right, wherever the call comes from. */
export function createIdentify({
  systemSecrets,
  trustLoopback,
  trustSocket = false,
}: IdentifyOptions): (peer: Peer) => Caller | undefined {
  const sealer = new Sealer(systemSecrets)
  return (peer) => {
    const { authorization } = peer
    if (authorization) return callerOfToken(sealer, authorization)
    const named = peer.certificateNames.find(isCaller)
    if (named) return named
    const isTrusted = trustSocket || (trustLoopback && isLoopback(peer.address.replace(/:\d+$/, '')))
    return isTrusted ? 'operator' : undefined
  }
}

function callerOfToken(sealer: Sealer, authorization: string): Caller | undefined {
  const [, name = '', codes = ''] = /^Bearer ([a-z_]+)((?:\.[\w-]+)+)$/i.exec(authorization) ?? []
  if (!isCaller(name)) return undefined
  const isKnown = (code: string) => {
    const mac = decodeBase64url(code)
    return mac !== undefined && sealer.verifyMac(purpose, Buffer.from(name), mac)
  }
  return codes.slice(1).split('.', maxCodes).some(isKnown) ? name : undefined
}
