// Deletes in the background, in batches, what has expired, and what a revocation of a subject covers. Each batch is found by an
// index, so that it costs the same however large the tables are.
import type { Statement } from '../../kit/database.js'

interface Purge {
  readonly table: string
  /** Its primary key. */
  readonly key?: string
  /** The keys of what has to go; $1 the size of a batch, $2: what expires after this stays, or null. */
  readonly found: string
}

const purge = (name: string, { table, key = 'id', found }: Purge): Statement => ({
  name: `purge_${name}`,
  text: `
    WITH /* background */ gone AS (
      DELETE FROM ${table} WHERE (${key}) IN (${found}) RETURNING 1)
    SELECT count(*)::int AS deleted FROM gone`,
})

const purgeExpired = (name: string, table: string, key = 'id') =>
  purge(name, {
    table,
    key,
    found: `SELECT ${key} FROM ${table}
          WHERE expires_at <= now() AND ($2::timestamptz IS NULL OR expires_at <= $2)
          ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED`,
  })

/** Of the notes of revocations `r`: those that go soon. Longer than it takes from this to their own deletion. */
const goesSoon = `r.expires_at <= now() + interval '5 minutes' AND ($2::timestamptz IS NULL OR r.expires_at <= $2)`

/**
 * A flow that ended while its subject was being revoked may have left a row, which no read counts while there is the note of
 * the revocation; before the note goes, that row has to.
 */
export const purgeStatements = [
  purge('revoked_logins', {
    table: 'login_session',
    found: `SELECT s.id FROM subject_revocation r JOIN login_session s ON s.subject = r.subject
          WHERE ${goesSoon} AND r.kind = 'login' AND r.client_id = '' AND r.revoked_at >= s.authenticated_at
          ORDER BY r.expires_at LIMIT $1 FOR UPDATE OF s SKIP LOCKED`,
  }),
  purge('revoked_consents', {
    table: 'consent_session',
    found: `SELECT c.id FROM subject_revocation r JOIN consent_session c ON c.subject = r.subject
          WHERE ${goesSoon} AND r.kind = 'consent' AND r.client_id IN ('', c.client_id) AND r.revoked_at >= c.handled_at
            AND NOT c.rejected
          ORDER BY r.expires_at LIMIT $1 FOR UPDATE OF c SKIP LOCKED`,
  }),
  purgeExpired('revocations', 'subject_revocation', 'kind, subject, client_id'),
  purgeExpired('login_sessions', 'login_session'),
  purgeExpired('consent_sessions', 'consent_session'),
  purgeExpired('payloads', 'accepted_payload', 'flow_id, stage'),
]
