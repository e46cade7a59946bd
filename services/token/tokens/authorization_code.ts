// The authorization code (RFC 6749 4.1.2): the grant's id and when the code expires. Its MAC covers all that its redemption
// must show (the client, the redirect URI, the PKCE challenge), so that none of it needs a column, and a code that is
// presented by another client or with another verifier is refused without a query and without being used up.
import { createHash } from 'node:crypto'
import { decodeHandle, encodeHandle } from '../../kit/handle.js'
import { uuidFromBytes, uuidToBytes } from '../../kit/random.js'
import type { Sealer } from '../../kit/sealing.js'

const purpose = 'authorization code'
const prefix = 'tsr_ac_'
const payloadSize = 20

/** What a code is bound to. */
export interface CodeBinding {
  readonly clientId: string
  readonly registrationId: string
  /** Empty where the authorization request had none. */
  readonly redirectUri: string
  /** The S256 code challenge as bytes; empty where the authorization request had none. */
  readonly codeChallenge: Uint8Array
}

/** A code that came in; whom it is for is still to be seen. */
export interface ReceivedCode {
  readonly grantId: string
  /** Epoch seconds. */
  readonly expiresAt: number
  isFor(binding: CodeBinding): boolean
}

export function issueCode(sealer: Sealer, grantId: string, expiresAt: number, binding: CodeBinding): string {
  const payload = Buffer.concat([uuidToBytes(grantId), uint32(expiresAt)])
  return encodeHandle(prefix, payload, sealer.mac(purpose, boundTo(payload, binding)))
}

/** Undefined for what is no code. */
export function readCode(sealer: Sealer, code: string): ReceivedCode | undefined {
  const handle = decodeHandle(prefix, payloadSize, code)
  if (!handle) return undefined
  const { payload, mac } = handle
  return {
    grantId: uuidFromBytes(payload.subarray(0, 16)),
    expiresAt: payload.readUInt32BE(16),
    isFor: (binding) => sealer.verifyMac(purpose, boundTo(payload, binding), mac),
  }
}

/** Each part with its length before it, so that no part can lend a byte to its neighbour. */
function boundTo(payload: Buffer, { clientId, registrationId, redirectUri, codeChallenge }: CodeBinding): Buffer {
  const parts = [payload, clientId, registrationId, redirectUri, codeChallenge].map((part) => Buffer.from(part))
  return Buffer.concat(parts.flatMap((part) => [uint32(part.length), part]))
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** RFC 7636 4.1: 43 to 128 unreserved characters. */
const isVerifier = (verifier: string): boolean => /^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)

/** The S256 challenge of a verifier (RFC 7636 4.2); empty for no verifier, undefined for what cannot be one. */
export function challengeOf(verifier: string): Buffer | undefined {
  if (verifier === '') return Buffer.alloc(0)
  return isVerifier(verifier) ? createHash('sha256').update(verifier).digest() : undefined
}
