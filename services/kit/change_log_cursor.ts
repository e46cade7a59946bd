// The position of a reader in a change log: for each writer the last sequence number that was seen, and the database's
// time until which nothing is missing. As bytes it is the cursor that readers keep and nobody else looks into.
import { uuidFromBytes, uuidToBytes } from './random.js'

/** The last sequence number seen of each writer. */
export type Positions = Map<string, number>

/** What a cursor says. */
export interface Cursor {
  readonly positions: Positions
  /** Nothing that was committed until then is missing, in the database's epoch milliseconds; a reader's beginning, else. */
  readonly untilMs: number
  /** False before the reader was up to date for the first time. */
  readonly isComplete: boolean
}

const complete = 1
const incomplete = 2
const headerSize = 7
const writerSize = 22
/** Some 3,000 writers: far more than a log ever has. */
const maxSize = 64 * 1024

export function encodeCursor({ positions, untilMs, isComplete }: Cursor): Buffer {
  const cursor = Buffer.alloc(headerSize + positions.size * writerSize)
  cursor[0] = isComplete ? complete : incomplete
  cursor.writeUIntBE(untilMs, 1, 6)
  let offset = headerSize
  for (const [writer, seq] of positions) {
    uuidToBytes(writer).copy(cursor, offset)
    cursor.writeUIntBE(seq, offset + 16, 6)
    offset += writerSize
  }
  return cursor
}

/** Undefined for what is no cursor. */
export function decodeCursor(bytes: Uint8Array): Cursor | undefined {
  const cursor = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const hasForm =
    cursor.length >= headerSize && cursor.length <= maxSize && (cursor.length - headerSize) % writerSize === 0
  if (!hasForm || (cursor[0] !== complete && cursor[0] !== incomplete)) return undefined
  const positions: Positions = new Map()
  for (let offset = headerSize; offset < cursor.length; offset += writerSize)
    positions.set(uuidFromBytes(cursor.subarray(offset, offset + 16)), cursor.readUIntBE(offset + 16, 6))
  return { positions, untilMs: cursor.readUIntBE(1, 6), isComplete: cursor[0] === complete }
}
