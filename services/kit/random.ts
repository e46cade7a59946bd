// The one place that takes randomness: ids, secrets and salts.
import { randomBytes as nodeRandomBytes, randomFillSync, randomInt, randomUUID } from 'node:crypto'
import { nowMs, nowSeconds } from './clock.js'

export const randomBytes = (size: number): Buffer => nodeRandomBytes(size)

/** A random UUID (version 4). */
export const newUuid = (): string => randomUUID()

/** For ids, taken a few at a time: to ask the system for each costs more than all else about an id. */
const supply = Buffer.alloc(4_096)
let suppliedFrom = supply.length

/** A UUIDv7 (RFC 9562 5.7) as 16 bytes: its first 48 bits are the time in epoch milliseconds. */
export function newTimedId(at: number = nowMs()): Buffer {
  const id = newId(7)
  id.writeUIntBE(at, 0, 6)
  return id
}

/**
 * A UUIDv8 (RFC 9562 5.8) as 16 bytes: its first 32 bits are the time in epoch seconds, so that an index on it grows at its end
 * and its pages are full; all others but six are random.
 */
export function newOrderedId(): Buffer {
  const id = newId(8)
  id.writeUInt32BE(nowSeconds())
  return id
}

function newId(version: number): Buffer {
  if (suppliedFrom + 16 > supply.length) {
    randomFillSync(supply)
    suppliedFrom = 0
  }
  const id = Buffer.from(supply.subarray(suppliedFrom, suppliedFrom + 16))
  suppliedFrom += 16
  id[6] = ((id[6] ?? 0) & 0x0f) | (version << 4)
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80
  return id
}

/** The time of a UUIDv7, in epoch milliseconds. */
export const timeOfId = (id: Uint8Array): number => Buffer.from(id.buffer, id.byteOffset, 6).readUIntBE(0, 6)

/** A UUID in its canonical form, in lower case. */
export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

export const uuidFromBytes = (bytes: Uint8Array): string => {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The 16 bytes of a UUID; empty for what is none. */
export const uuidToBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

const secretAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

/** A secret of unreserved characters, each worth 6.04 bits. */
export const newSecret = (length: number): string => newWord(secretAlphabet, length)

/** A word of characters that are chosen from an alphabet, each as likely as the others. */
export function newWord(alphabet: string, length: number): string {
  let word = ''
  for (let index = 0; index < length; index++) word += alphabet[randomInt(alphabet.length)]
  return word
}
