// What an access token says, whichever form it came in.
import { uuidToBytes } from '../kit/random.js'

export interface ReceivedToken {
  /** The `jti`, as compact as ids are kept in memory. */
  readonly id: string
  /** The grant's id in the same form; empty for a token without a grant. */
  readonly grantId: string
  readonly clientId: string
  /** The client's registration in the same form. */
  readonly registrationId: string
  readonly subject: string
  /** The subject that the client sees, where it is another; else empty. */
  readonly obfuscatedSubject: string
  /** Separated by spaces. */
  readonly scope: string
  readonly audience: string[]
  /** Epoch seconds. */
  readonly issuedAt: number
  /** Epoch milliseconds. */
  readonly issuedAtMs: number
  /** Epoch seconds. */
  readonly notBefore: number
  /** Epoch seconds. */
  readonly expiresAt: number
  /** Claims from the consent app as JSON; empty if there are none. */
  readonly extJson: Buffer
  /** The claims are with the grant. */
  readonly extByReference: boolean
}

/** An id in memory: the 16 bytes of a UUID as characters, a third of what its text takes. */
export const compactId = (bytes: Buffer): string => bytes.toString('latin1')

/** The same from the text of a UUID; what is none stays as it is. */
export function compactUuid(text: string): string {
  const bytes = uuidToBytes(text)
  return bytes.length === 16 ? bytes.toString('latin1') : text
}

/**
 * Bytes that may be kept: a small Buffer is a part of 8 KB that it shares with others, and keeps all of them.
 */
export function compactBytes(bytes: Buffer): Buffer {
  if (bytes.length === 0) return none
  const own = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(own)
  return own
}

const none = Buffer.alloc(0)

/** The bytes of a compact id. */
export const idBytes = (id: string): Buffer => Buffer.from(id, 'latin1')
