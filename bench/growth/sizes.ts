// What tables take on the disk, and what updates and deletions left there.
import type pg from 'pg'
import type { TableSize, TableState } from './results.js'

export const grownTables = ['token.grant', 'consent.consent_session', 'consent.login_session', 'client.client']

const regclass = (table: string) => {
  const [schema, name] = table.split('.')
  return `"${schema}"."${name}"`
}

export async function sizesOf(client: pg.Client): Promise<TableSize[]> {
  const sizes: TableSize[] = []
  for (const table of grownTables) {
    const { rows } = await client.query<Omit<TableSize, 'table'>>(
      `SELECT (SELECT count(*) FROM ${regclass(table)})::float8 AS rows, pg_table_size($1)::float8 AS "heapBytes",
        pg_indexes_size($1)::float8 AS "indexBytes"`,
      [regclass(table)],
    )
    if (rows[0]) sizes.push({ table, ...rows[0] })
  }
  return sizes
}

export async function statesOf(client: pg.Client, tables: readonly string[]): Promise<TableState[]> {
  const { rows } = await client.query<TableState>(
    `SELECT schemaname || '.' || relname AS table, pg_total_relation_size(relid)::float8 AS bytes,
        n_dead_tup::float8 AS "deadRows", n_live_tup::float8 AS "liveRows", autovacuum_count::float8 AS autovacuums
       FROM pg_stat_user_tables WHERE schemaname || '.' || relname = ANY($1) ORDER BY 1`,
    [tables],
  )
  return rows
}

/** Updates of grants until now, and those of them that touched no index. */
export async function updatesOf(client: pg.Client): Promise<{ updates: number; hotUpdates: number }> {
  const { rows } = await client.query<{ updates: number; hotUpdates: number }>(
    `SELECT n_tup_upd::float8 AS updates, n_tup_hot_upd::float8 AS "hotUpdates" FROM pg_stat_user_tables
      WHERE schemaname = 'token' AND relname = 'grant'`,
  )
  return rows[0] ?? { updates: 0, hotUpdates: 0 }
}

/** Rows deleted until now, by table. */
export async function deletionsOf(client: pg.Client, tables: readonly string[]): Promise<Record<string, number>> {
  const { rows } = await client.query<{ table: string; deleted: number }>(
    `SELECT schemaname || '.' || relname AS table, n_tup_del::float8 AS deleted FROM pg_stat_user_tables
      WHERE schemaname || '.' || relname = ANY($1)`,
    [tables],
  )
  return Object.fromEntries(rows.map(({ table, deleted }) => [table, deleted]))
}
