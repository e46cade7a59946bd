// Statements in a file, one a line: bytes and times stay what they are.
import { existsSync, readFileSync } from 'node:fs'
import type { OwnedStatement } from './statements.js'

export const encodeRecord = (statement: OwnedStatement): string =>
  JSON.stringify(statement, function (this: Record<string, unknown>, key, value) {
    // Buffers and dates have become something else before they come here.
    const own = this[key]
    if (own instanceof Uint8Array) return { bytes: Buffer.from(own).toString('base64') }
    if (own instanceof Date) return { time: own.toISOString() }
    return typeof own === 'bigint' ? { integer: String(own) } : value
  })

const decoded = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if ('bytes' in value && typeof value.bytes === 'string') return Buffer.from(value.bytes, 'base64')
  if ('time' in value && typeof value.time === 'string') return new Date(value.time)
  if ('integer' in value && typeof value.integer === 'string') return BigInt(value.integer)
  return value
}

export function readRecords(file: string): OwnedStatement[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const records = lines.map((line) => JSON.parse(line, decoded) as OwnedStatement)
  // Each process that ran wrote its own.
  return [...new Map(records.map((record) => [`${record.schema} ${record.text}`, record])).values()]
}
