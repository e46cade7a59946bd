// Brings the schemas of the services up to date: plain SQL files in the order of their names, each once, each with its
// record. Several processes may do so at the same time: an advisory lock lets one after the other.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { projectRoot } from '../services/kit/project_root.js'
import { StartupError } from '../services/kit/startup_error.js'

export const migratedServices = ['client', 'consent', 'token'] as const
export type MigratedService = (typeof migratedServices)[number]

export interface Migration {
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

const migrationLock = 7_355_609

/** Applies what is missing; returns `service/name` of each migration that was applied now. */
export async function migrate(dsn: string, services: readonly MigratedService[] = migratedServices): Promise<string[]> {
  return await connected(dsn, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock])
    const applied: string[] = []
    for (const service of services)
      for (const name of await migrateSchema(client, service, migrationsOf(service))) applied.push(`${service}/${name}`)
    return applied
  })
}

/** `service/name` of each migration that this version needs and the database lacks. Newer ones do no harm: in a rolling
 * update the old version still runs after the migration. */
export async function pendingMigrations(dsn: string, services: readonly MigratedService[]): Promise<string[]> {
  return await connected(dsn, async (client) => {
    const pending: string[] = []
    for (const service of services) {
      const { rows: tables } = await client.query(`SELECT to_regclass('${service}.schema_migration') AS found`)
      const statement = `SELECT name FROM ${service}.schema_migration`
      const rows = tables[0]?.found ? (await client.query<{ name: string }>(statement)).rows : []
      const applied = new Set(rows.map(({ name }) => name))
      for (const { name } of migrationsOf(service)) if (!applied.has(name)) pending.push(`${service}/${name}`)
    }
    return pending
  })
}

async function connected<T>(dsn: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: dsn, application_name: 'tessera-migrate' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The migrations of a service, oldest first; none if it has none. */
export function migrationsOf(service: MigratedService): Migration[] {
  const folder = join(projectRoot, 'prisma', service, 'migrations')
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'migration.sql')))
  return names.sort().map((name) => {
    const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8').replaceAll('\r\n', '\n')
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
  })
}

/** Brings one schema up to date with a history; refuses one that is not a continuation of what the database has. */
export async function migrateSchema(
  client: pg.Client,
  schema: string,
  migrations: readonly Migration[],
): Promise<string[]> {
  if (migrations.length === 0) return []
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${schema}.schema_migration
     (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  )
  const { rows } = await client.query<Omit<Migration, 'sql'>>(
    `SELECT name, checksum FROM ${schema}.schema_migration ORDER BY name`,
  )
  checkHistory(schema, rows, migrations)
  const missing = migrations.slice(rows.length)
  for (const migration of missing) await apply(client, schema, migration)
  return missing.map(({ name }) => name)
}

function checkHistory(schema: string, applied: readonly Omit<Migration, 'sql'>[], known: readonly Migration[]): void {
  applied.forEach(({ name, checksum }, index) => {
    const own = known[index]
    if (!known.some((migration) => migration.name === name))
      throw new StartupError(
        `the database has the migration ${schema}/${name}, which this version does not know: run the version that the database was last migrated with, or a newer one`,
      )
    if (own?.name !== name)
      throw new StartupError(
        `the migration ${schema}/${own?.name} is older than ${schema}/${name}, which was applied already: give it a later name`,
      )
    if (own.checksum !== checksum)
      throw new StartupError(
        `the migration ${schema}/${name} was changed after it was applied: restore its file and put the change in a new migration`,
      )
  })
}

async function apply(client: pg.Client, schema: string, migration: Migration): Promise<void> {
  try {
    await client.query('BEGIN')
    await client.query(`SET LOCAL search_path = ${schema}`)
    await client.query(migration.sql)
    await client.query(`INSERT INTO ${schema}.schema_migration (name, checksum) VALUES ($1, $2)`, [
      migration.name,
      migration.checksum,
    ])
    await client.query('COMMIT')
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw new StartupError(`the migration ${schema}/${migration.name} failed: ${(cause as Error).message}`, { cause })
  }
}
