// The statements of a change log. Each is answered by the primary key of the entries, whatever the size of the table.
import type { QueryResultRow } from 'pg'
import type { Statement } from './database.js'

/** One entry; where there is none, one row without `seq` that only tells the time. */
export interface LogRow extends QueryResultRow {
  readonly database_ms: string
  readonly writer: string | null
  readonly seq: string | null
  /** Rows that there are of each writer at most. */
  readonly page_size: string
}

/** One writer and its last number; where there is none, one row without `writer` that only tells the time. */
export interface HeadRow extends QueryResultRow {
  readonly database_ms: string
  readonly writer: string | null
  readonly head: string | null
}

/** Rows of a page, unless there are so many writers that each would have too few of them. */
const rowsOfPage = 4_000
const rowsOfWriter = 200

const clock = `(SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS database_ms) AS clock`

/** The names are the code's own, never a caller's. */
export function statementsOf(entries: string, writers: string, columns: readonly string[]) {
  const named = (name: string, text: string): Statement => ({ name: `${entries}_${name}`, text })
  const list = columns.map((column) => `, e.${column}`).join('')
  const pageSize = `(SELECT greatest(${rowsOfWriter}, ${rowsOfPage} / greatest(count(*), 1)) FROM ${writers})`
  return {
    register: named('register', `INSERT INTO ${writers} (id, started_at) VALUES ($1, now())`),
    heads: named(
      'heads',
      `SELECT clock.database_ms, w.id AS writer, h.seq AS head
         FROM ${clock} LEFT JOIN ${writers} w ON true
         LEFT JOIN LATERAL (SELECT e.seq FROM ${entries} e WHERE e.writer = w.id ORDER BY e.seq DESC LIMIT 1) h ON true
       /* background */`,
    ),
    // Of each writer what follows the last number that was seen.
    after: named(
      'after',
      `SELECT clock.database_ms, found.*, ${pageSize} AS page_size
         FROM ${clock} LEFT JOIN (
           SELECT page.*
             FROM ${writers} w
             LEFT JOIN unnest($1::uuid[], $2::bigint[]) AS seen (writer, seq) ON seen.writer = w.id
             CROSS JOIN LATERAL (
               SELECT e.writer, e.seq${list} FROM ${entries} e
                WHERE e.writer = w.id AND e.seq > coalesce(seen.seq, 0) ORDER BY e.seq LIMIT ${pageSize}
             ) page
         ) found ON true
        ORDER BY found.writer, found.seq
       /* background */`,
    ),
    purgeEntries: named(
      'purge',
      `DELETE FROM ${entries} USING (
         SELECT writer, seq FROM ${entries} WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
       ) AS old WHERE ${entries}.writer = old.writer AND ${entries}.seq = old.seq RETURNING 1 /* background */`,
    ),
    purgeWriters: named(
      'purge_writers',
      // For each writer one look at the index: as NOT EXISTS, it would be a join with all entries.
      `DELETE FROM ${writers} WHERE started_at < now() - make_interval(secs => $1)
          AND (SELECT e.seq FROM ${entries} e WHERE e.writer = ${writers}.id ORDER BY e.seq LIMIT 1) IS NULL
       /* background */`,
    ),
  }
}
