// Fills a database with what years of use leave there: clients, login sessions, consent sessions and live grants. Every row
// is a copy of one that the server wrote itself, with keys, subjects and times of its own.
import type pg from 'pg'
import { insertOthers, otherTables } from './others.js'

export interface Size {
  readonly grants: number
  readonly clients: number
}

/** The key of the flow whose rows are copied; its client's too. */
export interface Template {
  readonly flowId: string
  readonly loginSessionId: string
  readonly clientId: string
}

/** Grants that a subject has, and that it gave in one login session. */
export const grantsOfSubject = 4
export const grantsOfSession = 2
/** Days since the newest and the oldest grant; refresh tokens live for thirty. */
const oldest = 29
/** Rows of a statement, so that it can be told how far it is. */
const chunk = 50_000
/** Grants for each row of a table that holds little for long. */
const grantsOfOther = 100

export const clientIdOf = (n: string) => `md5('client ' || ${n})::uuid::text`
const registrationOf = (n: string) => `md5('registration ' || ${n})::uuid`
/** Ids are in the order of their time to the second, in which so many begin. */
export const grantIdOf = (n: string) =>
  `(lpad(to_hex(1600000000 + ${n} / 64), 8, '0') || substr(md5('grant ' || ${n}), 9))::uuid`
/** A login session has the id of the first grant in it. */
const sessionOf = (n: string) => grantIdOf(`(${n} / ${grantsOfSession} * ${grantsOfSession})`)
export const subjectOf = (n: string) => `'user-' || lpad(to_hex(${n} / ${grantsOfSubject}), 8, '0')`
/** Few clients have many grants, and many clients have few. */
export const clientOf = (n: string, clients: number) =>
  `floor(${clients} * power((hashint8(${n}) & 2147483647) / 2147483648.0, 2))::bigint`

export interface Table {
  readonly name: string
  readonly rows: number
  /** Which row is the template. */
  readonly template: string
  readonly key: string
  /** What is not the template's own, by column; `n` is the number of the row. */
  readonly columns: Readonly<Record<string, string>>
}

export function tablesOf({ grants, clients }: Size, { flowId, loginSessionId, clientId }: Template): Table[] {
  const client = clientOf('n', clients)
  const ofGrant = {
    id: grantIdOf('n'),
    client_id: clientIdOf(client),
    registration_id: registrationOf(client),
    subject: subjectOf('n'),
    login_session_id: `nullif(${sessionOf('n')}, ${grantIdOf('n')})`,
  }
  const ofClient = { client_id: clientIdOf('n'), registration_id: registrationOf('n') }
  const ofSession = {
    id: sessionOf(`(n * ${grantsOfSession})`),
    subject: subjectOf(`(n * ${grantsOfSession})`),
  }
  return [
    { name: 'client.client', rows: clients, template: 'client_id', key: clientId, columns: ofClient },
    {
      name: 'consent.login_session',
      rows: Math.ceil(grants / grantsOfSession),
      template: 'id',
      key: loginSessionId,
      columns: ofSession,
    },
    { name: 'consent.consent_session', rows: grants, template: 'id', key: flowId, columns: ofGrant },
    { name: 'token.grant', rows: grants, template: 'id', key: flowId, columns: ofGrant },
  ]
}

export const quoted = (table: string): string =>
  table
    .split('.')
    .map((name) => `"${name}"`)
    .join('.')

/** How much earlier than the template row number `n` of so many was written. */
const ageOf = (rows: number) => `interval '${oldest} days' * (1 - n::float8 / ${rows})`

/** Copies the template into rows `$1` to `$2`. */
export async function copyStatement(client: pg.Client, table: Table, age = ageOf(table.rows)): Promise<string> {
  const [schema = '', name = ''] = table.name.split('.')
  const { rows } = await client.query<{ column: string; type: string }>(
    `SELECT column_name AS "column", data_type AS type FROM information_schema.columns
      WHERE table_schema = $1 AND table_name = $2 AND is_generated = 'NEVER' ORDER BY ordinal_position`,
    [schema, name],
  )
  const values = rows.map(({ column, type }) => {
    if (table.columns[column] !== undefined) return table.columns[column]
    if (type !== 'timestamp with time zone') return `t."${column}"`
    const shifted = `t."${column}" - (${age})`
    return byMinute.has(`${table.name}.${column}`) ? `date_trunc('minute', ${shifted})` : shifted
  })
  return `INSERT INTO ${quoted(table.name)} (${rows.map(({ column }) => `"${column}"`).join(', ')})
    SELECT ${values.join(', ')} FROM generate_series($1::bigint, $2::bigint) AS n,
      (SELECT * FROM ${quoted(table.name)} WHERE ${table.template} = '${table.key}') AS t`
}

/** Rows go by the minute. */
const byMinute = new Set(['token.grant.purge_at', 'consent.consent_session.expires_at'])

export type Progress = (what: string, done: number, of: number) => void

export async function copyRows(client: pg.Client, table: Table, progress: Progress, age?: string): Promise<void> {
  const statement = await copyStatement(client, table, age)
  for (let from = 0; from < table.rows; from += chunk) {
    const to = Math.min(from + chunk, table.rows)
    await client.query(statement, [from, to - 1])
    progress(table.name, to, table.rows)
  }
}

/** Fills the tables, and brings them into the state that vacuum and analyze keep them in. */
export async function populate(client: pg.Client, size: Size, template: Template, progress: Progress): Promise<void> {
  await client.query('SET synchronous_commit = off')
  const tables = tablesOf(size, template)
  for (const table of tables) await copyRows(client, table, progress)
  const few = { first: 1, last: Math.ceil(size.grants / grantsOfOther) }
  for (const name of otherTables) await insertOthers(client, name, few, `now() + interval '1 day'`)
  for (const name of [...tables.map(({ name }) => name), ...otherTables]) {
    progress(`vacuum ${name}`, 0, 1)
    await client.query(`VACUUM (ANALYZE, FREEZE) ${quoted(name)}`)
  }
  await client.query('CHECKPOINT')
}
