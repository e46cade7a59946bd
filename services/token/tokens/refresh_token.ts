// The refresh token (RFC 6749 1.5): the grant's id, which generation of the grant it is, and the client's revision that
// its scopes and audiences were last compared with. It is not stored, so rotation changes one row, however long the chain.
import type { Client } from '#proto/client/v1/client_service.js'
import { decodeHandle, encodeHandle } from '../../kit/handle.js'
import { uuidFromBytes, uuidToBytes } from '../../kit/random.js'
import type { Sealer } from '../../kit/sealing.js'

/** The grant type that takes one (RFC 6749 6). */
export const refreshTokenGrant = 'refresh_token'

export const mayRefresh = (client: Client): boolean => client.grantTypes.includes(refreshTokenGrant)

const purpose = 'refresh token'
const prefix = 'tsr_rt_'
const payloadSize = 24

export interface RefreshToken {
  readonly grantId: string
  /** 1 or more. */
  readonly generation: number
  readonly clientRevision: number
}

export function encodeRefreshToken(sealer: Sealer, token: RefreshToken): string {
  const payload = Buffer.alloc(payloadSize)
  uuidToBytes(token.grantId).copy(payload)
  payload.writeUInt32BE(token.generation, 16)
  payload.writeUInt32BE(token.clientRevision, 20)
  return encodeHandle(prefix, payload, sealer.mac(purpose, payload))
}

/** Undefined for what is no refresh token of this server. */
export function decodeRefreshToken(sealer: Sealer, token: string): RefreshToken | undefined {
  const handle = decodeHandle(prefix, payloadSize, token)
  if (!handle || !sealer.verifyMac(purpose, handle.payload, handle.mac)) return undefined
  return {
    grantId: uuidFromBytes(handle.payload.subarray(0, 16)),
    generation: handle.payload.readUInt32BE(16),
    clientRevision: handle.payload.readUInt32BE(20),
  }
}
