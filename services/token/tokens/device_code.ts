// The device code (RFC 8628 section 3.2): the id of its row and when it expires. Its MAC covers the client that it was issued
// to, so that another client's poll is refused without a query.

import { decodeHandle, encodeHandle } from '../../kit/handle.js'
import { uuidFromBytes, uuidToBytes } from '../../kit/random.js'
import type { Sealer } from '../../kit/sealing.js'

const purpose = 'device code'
const prefix = 'tsr_dc_'
const payloadSize = 20

export interface DeviceCodeHandle {
  readonly id: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

interface Owner {
  readonly clientId: string
  readonly registrationId: string
}

export function issueDeviceCode(sealer: Sealer, { id, expiresAt }: DeviceCodeHandle, owner: Owner): string {
  const payload = Buffer.alloc(payloadSize)
  uuidToBytes(id).copy(payload)
  payload.writeUInt32BE(expiresAt, 16)
  return encodeHandle(prefix, payload, sealer.mac(purpose, boundTo(payload, owner)))
}

/** Undefined for what is no device code of this client. */
export function readDeviceCode(sealer: Sealer, code: string, owner: Owner): DeviceCodeHandle | undefined {
  const handle = decodeHandle(prefix, payloadSize, code)
  if (!handle || !sealer.verifyMac(purpose, boundTo(handle.payload, owner), handle.mac)) return undefined
  return { id: uuidFromBytes(handle.payload.subarray(0, 16)), expiresAt: handle.payload.readUInt32BE(16) }
}

/** The parts before the last are of fixed size, so that none can lend a byte to its neighbour. */
const boundTo = (payload: Buffer, { clientId, registrationId }: Owner): Buffer =>
  Buffer.concat([payload, uuidToBytes(registrationId), Buffer.from(clientId)])
