// Deletes in the background, in batches, what has expired, and what a revocation of a subject covers.
import type { Statement } from '../../kit/database.js'
import { isRevokedConsent, isRevokedLogin } from './statements.js'

const batch = 5_000

interface Purge {
  readonly table: string
  /** Its primary key. */
  readonly key?: string
  readonly condition: string
  /** What the condition calls a row. */
  readonly row?: string
}

/** $1 the size of a batch, $2: what expires after this stays, or null. */
const purge = (
  name: string,
  { table, key = 'id', condition, row = '' }: Purge,
): { statement: Statement; batch: number } => ({
  batch,
  statement: {
    name: `purge_${name}`,
    text: `
      WITH /* background */ gone AS (
        DELETE FROM ${table} WHERE (${key}) IN (
          SELECT ${key} FROM ${table} ${row}
          WHERE ${condition} AND ($2::timestamptz IS NULL OR coalesce(expires_at <= $2, true))
          LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
      SELECT count(*)::int AS deleted FROM gone`,
  },
})

const condition = 'expires_at <= now()'

/**
 * A flow that ended while its subject was being revoked may have left a row; before the note of the revocation goes, that
 * row has to.
 */
export const purgeStatements = [
  purge('revoked_logins', { table: 'login_session', condition: isRevokedLogin, row: 's' }),
  purge('revoked_consents', { table: 'consent_session', condition: `NOT rejected AND ${isRevokedConsent}`, row: 'c' }),
  purge('login_sessions', { table: 'login_session', condition }),
  purge('consent_sessions', { table: 'consent_session', condition }),
  purge('payloads', { table: 'accepted_payload', key: 'flow_id, stage', condition }),
  purge('revocations', { table: 'subject_revocation', key: 'kind, subject, client_id', condition }),
]
