// The revocation of all that a subject has given, where it is too much to end each grant before the answer: a note that the
// statements on grants look at, and the deletion of the grants that it covers.
import type { TokenDatabase } from './database.js'
import { isCovered } from './grant_statements.js'
import {
  clockMarginSeconds,
  type EntryRow,
  type RevocationEntry,
  revocationKinds,
  toEntry,
} from './revocation_store.js'

/** All grants of a subject, or those that it gave one client. */
export interface SubjectSelection {
  readonly subject: string
  /** Empty: all clients. */
  readonly clientId: string
}

/** Longer than any statement that was under way at the revocation. */
const keepForSeconds = 3_600

export const deleteBatch = 2_000

export const note = {
  name: 'note_subject_revocation',
  text: `
    INSERT INTO subject_revocation AS known (subject, client_id, revoked_at, expires_at)
    VALUES ($1, $2, clock_timestamp() + interval '1 millisecond', now() + make_interval(secs => ${keepForSeconds}))
    ON CONFLICT (subject, client_id) DO UPDATE SET
      revoked_at = greatest(known.revoked_at, excluded.revoked_at),
      expires_at = greatest(known.expires_at, excluded.expires_at)
    RETURNING (extract(epoch FROM revoked_at) * 1000)::bigint AS revoked_at_ms`,
}

/**
 * The entry for the subject covers most access tokens. An entry of its own is written for a grant whose tokens do not say
 * the subject, or may have been issued later than `rotated_at` tells: by a clock that is ahead, or to a retry.
 */
export const deleteSome = {
  name: 'delete_grants_of_subject',
  text: `
    WITH gone AS (
      DELETE FROM "grant" WHERE id IN (
        SELECT g.id FROM subject_revocation r JOIN "grant" g ON ${isCovered}
         WHERE r.subject = $3 AND r.client_id = $4 LIMIT $5 FOR UPDATE OF g SKIP LOCKED)
      RETURNING id, access_expires_at, rotated_at, reuse_count, obfuscated_subject
    ), written AS (
      INSERT INTO revocation (writer, seq, kind, key, not_before_ms, expires_at)
      SELECT $1, $2::bigint + row_number() OVER () - 1, ${revocationKinds.grant}, gone.id::text, 0,
             gone.access_expires_at + make_interval(secs => ${clockMarginSeconds})
        FROM gone JOIN subject_revocation r ON r.subject = $3 AND r.client_id = $4
       WHERE gone.access_expires_at > now() - make_interval(secs => ${clockMarginSeconds})
         AND (gone.obfuscated_subject IS NOT NULL OR gone.reuse_count > 0
           OR coalesce(gone.rotated_at > r.revoked_at - make_interval(secs => ${clockMarginSeconds}), true))
      RETURNING seq, kind, key, not_before_ms, expires_at, client_id
    )
    SELECT seq, kind, key, not_before_ms, expires_at, client_id, NULL::int AS deleted FROM written
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, count(*)::int FROM gone
    ORDER BY seq /* background */`,
}

export const isAnyLeft = {
  name: 'grants_of_subject_left',
  text: `
    SELECT FROM subject_revocation r JOIN "grant" g ON ${isCovered}
     WHERE r.subject = $1 AND r.client_id = $2 LIMIT 1 /* background */`,
}

export const list = {
  name: 'list_subject_revocations',
  text: 'SELECT subject, client_id AS "clientId" FROM subject_revocation /* background */',
}

/** For each note one look at the index: as NOT EXISTS, it would be a join with all grants. */
export const forget = {
  name: 'forget_subject_revocations',
  text: `
    DELETE FROM subject_revocation r
     WHERE r.expires_at < now() AND (SELECT g.id FROM "grant" g WHERE ${isCovered} LIMIT 1) IS NULL /* background */`,
}

interface DeletedRow extends EntryRow {
  readonly seq: string | null
  readonly deleted: number | null
}

export class SubjectRevocationStore {
  readonly #database: TokenDatabase

  constructor(database: TokenDatabase) {
    this.#database = database
  }

  /**
   * From now on none of the grants counts; returns since when, in epoch milliseconds. It is noted twice: what was under way
   * when the first note was committed did not see it, but has begun before the time of the second.
   */
  async note({ subject, clientId }: SubjectSelection): Promise<number> {
    await this.#database.query(note, [subject, clientId])
    const [row] = await this.#database.query<{ revoked_at_ms: string }>(note, [subject, clientId])
    return Number(row?.revoked_at_ms)
  }

  /** Deletes some of the grants and writes the log, numbered from `firstSeq` on. None are deleted: see `isAnyLeft`. */
  async deleteSome(
    writer: string,
    firstSeq: number,
    { subject, clientId }: SubjectSelection,
  ): Promise<{ entries: RevocationEntry[]; deleted: number }> {
    const values = [writer, firstSeq, subject, clientId, deleteBatch]
    const rows = await this.#database.queryInBackground<DeletedRow>(deleteSome, values)
    return {
      entries: rows.filter(({ seq }) => seq !== null).map(toEntry),
      deleted: rows.find(({ deleted }) => deleted !== null)?.deleted ?? 0,
    }
  }

  /** Whether one of the grants is there still; it may be in the hands of a statement that is under way. */
  async isAnyLeft({ subject, clientId }: SubjectSelection): Promise<boolean> {
    return (await this.#database.queryInBackground(isAnyLeft, [subject, clientId])).length > 0
  }

  list(): Promise<SubjectSelection[]> {
    return this.#database.queryInBackground<SubjectSelection>(list, [])
  }

  /** Forgets the notes that cover nothing any more. */
  async forget(): Promise<void> {
    await this.#database.queryInBackground(forget, [])
  }
}
