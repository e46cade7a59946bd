// Rows that expire all at one moment, as an outage of the purge or a rush of logins leaves them.
import type pg from 'pg'
import { insertOthers } from './others.js'
import { copyRows, type Progress, quoted, type Size, type Table, type Template, tablesOf } from './population.js'

/** How many of each, for each grant that expires. */
const shares: Readonly<Record<string, number>> = {
  'token.grant': 1,
  'consent.consent_session': 1,
  'consent.login_session': 1 / 2,
  'token.revocation': 1,
  'token.used_assertion': 1 / 10,
  'token.device_code': 1 / 10,
}

export const expiringTables = Object.keys(shares)

export const expiringRows = (table: string, expired: number): number => Math.ceil(expired * (shares[table] ?? 0))

export interface Expiring {
  readonly size: Size
  readonly template: Template
  /** Grants that expire. */
  readonly expired: number
  readonly at: Date
}

export async function insertExpiring(client: pg.Client, expiring: Expiring, progress: Progress): Promise<void> {
  const { size, template, expired, at } = expiring
  const expiry = `'${at.toISOString()}'::timestamptz`
  await client.query('SET synchronous_commit = off')
  for (const table of tablesOf(size, template).filter(({ name }) => shares[name]))
    await copyRows(client, ofExpiring(table, size, expired, expiry), progress)
  for (const name of expiringTables)
    await insertOthers(
      client,
      name,
      { first: size.grants, last: size.grants + expiringRows(name, expired) - 1 },
      expiry,
    )
  for (const name of expiringTables) await client.query(`ANALYZE ${quoted(name)}`)
  await client.query('CHECKPOINT')
}

/** Rows that follow those that are there. */
function ofExpiring(table: Table, { grants }: Size, expired: number, expiry: string): Table {
  const shifted = Object.entries(table.columns).map(([name, value]) => [
    name,
    value.replace(/\bn\b/g, `(n + ${grants})`),
  ])
  const ends = { expires_at: expiry, access_expires_at: expiry, purge_at: expiry }
  return { ...table, rows: expiringRows(table.name, expired), columns: { ...Object.fromEntries(shifted), ...ends } }
}
