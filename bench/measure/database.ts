// What a run costs the database, as PostgreSQL itself counts it: statements (pg_stat_statements), rows written and bytes of
// its log (pg_walinspect), growth of the files.
import type pg from 'pg'
import type { BenchDatabase } from '../servers/database.js'

export interface DatabaseCost {
  /** Without transaction control, and without what marks itself as background. */
  readonly statements: number
  readonly rowsWritten: number
  /** Without full-page images, which depend on when the last checkpoint was. */
  readonly walBytes: number
  readonly imageBytes: number
}

const countStatements = `SELECT coalesce(sum(calls), 0)::float8 AS statements FROM pg_stat_statements
  WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND query NOT LIKE '%/* background%' AND query NOT LIKE '%pg_stat_statements%'
    AND query !~* '^(begin|commit|rollback|deallocate|set|show|checkpoint|analyze)'
    AND userid IS NOT NULL AND query NOT LIKE '%/* bench */%'`

const resetStatements = `SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database
  WHERE datname = current_database()`

const readLog = `SELECT
    coalesce(sum(record_size), 0)::float8 AS wal_bytes,
    coalesce(sum(fpi_size), 0)::float8 AS image_bytes,
    coalesce(sum(count) FILTER (WHERE "resource_manager/record_type" ~ '^Heap/(INSERT|UPDATE|HOT_UPDATE|DELETE)'), 0)::float8
      AS rows_written
  FROM pg_get_wal_stats($1::pg_lsn, $2::pg_lsn, true)`

export class DatabaseMeter {
  readonly #client: pg.Client
  #startedAt = ''

  private constructor(client: pg.Client) {
    this.#client = client
  }

  static async open(postgres: BenchDatabase, database: string): Promise<DatabaseMeter> {
    const client = await postgres.connect(database)
    for (const extension of ['pg_stat_statements', 'pg_walinspect'])
      await client.query(`CREATE EXTENSION IF NOT EXISTS ${extension}`)
    return new DatabaseMeter(client)
  }

  /**
   * What autovacuum does every minute, for rounds of seconds: plans are those of a database that lives, and rows take the
   * places of those that are dead.
   */
  async settle(): Promise<void> {
    await this.#client.query('VACUUM (ANALYZE)')
  }

  async begin(): Promise<void> {
    await this.#client.query(resetStatements)
    this.#startedAt = await this.#position()
  }

  async end(): Promise<DatabaseCost> {
    const endedAt = await this.#position()
    const { rows: counted } = await this.#client.query<{ statements: number }>(countStatements)
    // What was written without waiting is on the disk with the next commit.
    await this.#client.query("SELECT pg_logical_emit_message(true, 'bench', '') /* bench */")
    const { rows } = await this.#client.query<{ wal_bytes: number; image_bytes: number; rows_written: number }>(
      readLog,
      [this.#startedAt, endedAt],
    )
    return {
      statements: counted[0]?.statements ?? 0,
      rowsWritten: rows[0]?.rows_written ?? 0,
      walBytes: rows[0]?.wal_bytes ?? 0,
      imageBytes: rows[0]?.image_bytes ?? 0,
    }
  }

  /** Bytes that the database takes on the disk. */
  async size(): Promise<number> {
    const { rows } = await this.#client.query<{ size: number }>(
      'SELECT pg_database_size(current_database())::float8 AS size',
    )
    return rows[0]?.size ?? 0
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  async #position(): Promise<string> {
    const { rows } = await this.#client.query<{ at: string }>(
      'SELECT pg_current_wal_insert_lsn()::text AS at /* bench */',
    )
    return rows[0]?.at ?? '0/0'
  }
}
