// Waits for the database and sees to it that its schemas are those that this version works with.
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type MigratedService, migrate, pendingMigrations } from '../prisma/migrate.js'
import { log } from '../services/kit/log.js'
import { StartupError } from '../services/kit/startup_error.js'

/** Refusals that no waiting mends: wrong password, no such role or database. */
const hopeless: Readonly<Record<string, string>> = {
  '28P01': 'refuses the password: correct dsn',
  '28000': 'refuses the user: correct dsn',
  '3D000': 'has no such database: create it, or correct dsn',
}

/** Resolves when the database answers; tells why while it does not. */
export async function waitForDatabase(dsn: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const failure = await tryDatabase(dsn)
    if (!failure) return
    const { host, code, message } = failure
    if (hopeless[code]) throw new StartupError(`the database at ${host} ${hopeless[code]} (${message})`)
    const waitMs = Math.min(5_000, 250 * 2 ** attempt)
    log.warn(`the database at ${host} does not answer (${code || message}): trying again in ${waitMs / 1000} s`)
    await delay(waitMs, undefined, { signal }).catch(() => undefined)
  }
}

interface Failure {
  readonly host: string
  readonly code: string
  readonly message: string
}

async function tryDatabase(dsn: string): Promise<Failure | undefined> {
  const client = new pg.Client({
    connectionString: dsn,
    connectionTimeoutMillis: 3_000,
    application_name: 'tessera-start',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return undefined
  } catch (thrown) {
    const { code = '', message } = thrown as Error & { code?: string }
    return { host: `${client.host}:${client.port}`, code, message }
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Brings the database up to date in development mode; elsewhere refuses one that is behind. */
export async function prepareDatabase(dsn: string, dev: boolean, services: readonly MigratedService[]): Promise<void> {
  if (dev) {
    await migrate(dsn, services)
    return
  }
  const pending = await pendingMigrations(dsn, services)
  if (pending.length > 0)
    throw new StartupError(
      `the database lacks ${pending.length} migrations (${pending[0]}, …): run \`tessera migrate\` first`,
    )
}
