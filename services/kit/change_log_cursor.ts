// The position of a reader in a change log: for each writer the last sequence number that was seen, and the database's
// time until which nothing is missing. As bytes it is the cursor that readers keep and nobody else looks into.
import { uuidFromBytes, uuidToBytes } from './random.js'

/** The last sequence number seen of each writer. */
export type Positions = Map<string, number>

const version = 1
const headerSize = 7
const writerSize = 22
/** Some 3,000 writers: far more than a log ever has. */
const maxSize = 64 * 1024

/** `completeUntilMs`: the database's epoch milliseconds. */
export function encodeCursor(positions: Positions, completeUntilMs: number): Buffer {
  const cursor = Buffer.alloc(headerSize + positions.size * writerSize)
  cursor[0] = version
  cursor.writeUIntBE(completeUntilMs, 1, 6)
  let offset = headerSize
  for (const [writer, seq] of positions) {
    uuidToBytes(writer).copy(cursor, offset)
    cursor.writeUIntBE(seq, offset + 16, 6)
    offset += writerSize
  }
  return cursor
}

/** Undefined for what is no cursor. */
export function decodeCursor(bytes: Uint8Array): { positions: Positions; completeUntilMs: number } | undefined {
  const cursor = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isCursor =
    cursor[0] === version &&
    cursor.length <= maxSize &&
    (cursor.length - headerSize) % writerSize === 0 &&
    cursor.length >= headerSize
  if (!isCursor) return undefined
  const positions: Positions = new Map()
  for (let offset = headerSize; offset < cursor.length; offset += writerSize)
    positions.set(uuidFromBytes(cursor.subarray(offset, offset + 16)), cursor.readUIntBE(offset + 16, 6))
  return { positions, completeUntilMs: cursor.readUIntBE(1, 6) }
}
