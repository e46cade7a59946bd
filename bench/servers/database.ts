// The PostgreSQL that all servers share: durable, as it comes, but for checkpoints, which would fall into one server's round
// and not into another's.
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { EmbeddedPostgres } from '../../cli/embedded_postgres.js'

export class BenchDatabase {
  /** The process that all of PostgreSQL descends from. */
  readonly pid: number
  readonly version: string
  readonly #folder: string
  readonly #postgres: EmbeddedPostgres

  private constructor(folder: string, postgres: EmbeddedPostgres, version: string) {
    this.#folder = folder
    this.#postgres = postgres
    this.version = version
    const pidFile = join(realpathSync(join(folder, 'postgres')), 'cluster/postmaster.pid')
    this.pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
  }

  static async start(): Promise<BenchDatabase> {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
    // Run as root, PostgreSQL is another user.
    chmodSync(folder, 0o755)
    const postgres = await EmbeddedPostgres.start({ folder: join(folder, 'postgres') })
    const admin = new pg.Client({ connectionString: postgres.dsn })
    await admin.connect()
    await admin.query("ALTER SYSTEM SET checkpoint_timeout = '1h'")
    await admin.query("ALTER SYSTEM SET max_wal_size = '8GB'")
    await admin.query('SELECT pg_reload_conf()')
    const { rows } = await admin.query<{ server_version: string }>('SHOW server_version')
    await admin.end()
    return new BenchDatabase(folder, postgres, rows[0]?.server_version ?? '')
  }

  dsnOf(database: string): string {
    const dsn = new URL(this.#postgres.dsn)
    dsn.pathname = `/${database}`
    return dsn.href
  }

  /** Makes a database; returns its URL. */
  async create(database: string): Promise<string> {
    const admin = await this.connect('postgres')
    await admin.query(`CREATE DATABASE ${database}`)
    await admin.end()
    return this.dsnOf(database)
  }

  async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.dsnOf(database), application_name: 'bench' })
    await client.connect()
    return client
  }

  async stop(): Promise<void> {
    await this.#postgres.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
