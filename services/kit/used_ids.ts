// What may be used once only, over all processes and restarts: a digest of each thing that was used, in a table of the
// service's own, until it would be good for nothing anyway. One conditional insert decides.
import { createHash } from 'node:crypto'
import type { Database, Statement } from './database.js'
import { GroupedWrites } from './grouped_writes.js'
import { inBatches, purgeBatch, type Until } from './repeat.js'

type Queries = Pick<Database<{ $disconnect(): Promise<void> }>, 'query' | 'queryInBackground'>

interface Use {
  readonly digest: Buffer
  /** Epoch seconds. */
  readonly until: number
}

/** `table` has the columns `id` and `expires_at`. */
export const usedIdStatements = (table: string): Record<'insert' | 'purge', Statement> => ({
  insert: {
    name: `insert_${table}`,
    // In one order everywhere, so that two who insert the same ones do not wait for each other.
    text: `INSERT INTO ${table} (id, expires_at)
      SELECT u.id, to_timestamp(u.until) FROM unnest($1::bytea[], $2::float8[]) AS u (id, until) ORDER BY u.id
      ON CONFLICT (id) DO NOTHING RETURNING id`,
  },
  purge: {
    name: `purge_${table}`,
    text: `DELETE FROM ${table} WHERE id IN (
        SELECT id FROM ${table} WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
      RETURNING 1 /* background */`,
  },
})

export class UsedIds {
  readonly #database: Queries
  readonly #purge: Statement
  readonly #uses: GroupedWrites<Use, boolean>

  /** `table` has the columns `id` and `expires_at`. */
  constructor(database: Queries, table: string) {
    this.#database = database
    const { insert, purge } = usedIdStatements(table)
    this.#purge = purge
    this.#uses = new GroupedWrites({
      keyOf: ({ digest }) => digest.toString('latin1'),
      write: async (uses) => {
        const values = [uses.map(({ digest }) => digest), uses.map(({ until }) => until)]
        const inserted = await database.query<{ id: Buffer }>(insert, values)
        const fresh = new Set(inserted.map(({ id }) => id.toString('latin1')))
        return uses.map(({ digest }) => fresh.has(digest.toString('latin1')))
      },
    })
  }

  /**
   * Uses up an id of an owner; false where it was used before. `until`: epoch seconds. Error: `temporarily_unavailable`,
   * and then it may have been used up.
   */
  use(owner: string, id: string, until: number): Promise<boolean> {
    return this.#uses.add({ digest: createHash('sha256').update(`${owner}\0${id}`).digest(), until })
  }

  /** Deletes what has expired, in batches. */
  async purge(until: Until): Promise<void> {
    await inBatches(
      { ...until, size: purgeBatch },
      async (size) => (await this.#database.queryInBackground(this.#purge, [size])).length,
    )
  }
}
