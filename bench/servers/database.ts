// The PostgreSQL that all servers share: durable, as it comes, but for checkpoints, which would fall into one server's round
// and not into another's.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { EmbeddedPostgres } from '../../cli/embedded_postgres.js'

export interface DatabaseOptions {
  readonly kept?: string | undefined
  /** Of PostgreSQL. */
  readonly settings?: Readonly<Record<string, string>>
}

export class BenchDatabase {
  /** The process that all of PostgreSQL descends from. */
  readonly pid: number
  readonly version: string
  readonly #folder: string
  readonly #postgres: EmbeddedPostgres

  /** Whether its files stay when it is stopped. */
  readonly #isKept: boolean

  private constructor(isKept: boolean, folder: string, postgres: EmbeddedPostgres, version: string) {
    this.#isKept = isKept
    this.#folder = folder
    this.#postgres = postgres
    this.version = version
    const pidFile = join(realpathSync(join(folder, 'postgres')), 'cluster/postmaster.pid')
    this.pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
  }

  /** `kept`: a folder whose files stay, and that is begun with what is there; else a new one, for as long as it runs. */
  static async start({ kept, settings = {} }: DatabaseOptions = {}): Promise<BenchDatabase> {
    const folder = kept ?? mkdtempSync(join(tmpdir(), 'tessera-bench-'))
    mkdirSync(folder, { recursive: true })
    // Run as root, PostgreSQL is another user.
    chmodSync(folder, 0o755)
    let postgres = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') })
    if (Object.keys(settings).length > 0) {
      // Some of them are read at the start alone.
      await change(postgres, settings)
      await postgres.stop()
      postgres = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') })
    }
    await change(postgres, { checkpoint_timeout: '1h', max_wal_size: '8GB' })
    const admin = new pg.Client({ connectionString: postgres.dsn })
    await admin.connect()
    const { rows } = await admin.query<{ server_version: string }>('SHOW server_version')
    await admin.end()
    return new BenchDatabase(kept !== undefined, folder, postgres, rows[0]?.server_version ?? '')
  }

  dsnOf(database: string): string {
    const dsn = new URL(this.#postgres.dsn)
    dsn.pathname = `/${database}`
    return dsn.href
  }

  /** Makes a database, if it is not there; returns its URL. */
  async create(database: string): Promise<string> {
    const admin = await this.connect('postgres')
    const { rows } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [database])
    if (rows.length === 0) await admin.query(`CREATE DATABASE ${database}`)
    await admin.end()
    return this.dsnOf(database)
  }

  async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.dsnOf(database), application_name: 'bench' })
    // A connection that is lost fails its query too; an event that nobody hears would end the process.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  async stop(): Promise<void> {
    await this.#postgres.stop()
    if (this.#isKept) return
    const postgres = join(this.#folder, 'postgres')
    // It may be a link to where the files are.
    rmSync(realpathSync(postgres), { recursive: true, force: true })
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function change(postgres: EmbeddedPostgres, settings: Readonly<Record<string, string>>): Promise<void> {
  const admin = new pg.Client({ connectionString: postgres.dsn })
  await admin.connect()
  for (const [name, value] of Object.entries(settings)) await admin.query(`ALTER SYSTEM SET ${name} = '${value}'`)
  await admin.query('SELECT pg_reload_conf()')
  await admin.end()
}
