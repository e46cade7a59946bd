// Rows of the tables that hold little for long: what was revoked, used up, begun or is still to be told.
import type pg from 'pg'
import { grantIdOf, subjectOf } from './population.js'

/** A row each for `n`; `expiry` is a time in SQL. */
const inserts: Readonly<Record<string, (expiry: string) => string>> = {
  // Of a writer that is no more: its log was read long ago.
  'token.revocation': (expiry) => `INSERT INTO token.revocation (writer, seq, kind, key, not_before_ms, expires_at)
    SELECT md5('writer')::uuid, n, 2, ${grantIdOf('n')}::text, 0, ${expiry}`,
  'token.used_assertion': (expiry) => `INSERT INTO token.used_assertion (id, expires_at)
    SELECT sha256(n::text::bytea), ${expiry}`,
  'token.device_code': (
    expiry,
  ) => `INSERT INTO token.device_code (id, client_id, registration_id, user_code_hash, scope,
      audience, poll_interval, poll_at, expires_at)
    SELECT ${grantIdOf('n')}, ${subjectOf('n')}, ${grantIdOf('n')}, sha256(n::text::bytea), 'openid', '', 5, now(), ${expiry}`,
  'token.device_try': (expiry) => `INSERT INTO token.device_try (key, tries, expires_at) SELECT n::text, 1, ${expiry}`,
  'consent.subject_revocation': (
    expiry,
  ) => `INSERT INTO consent.subject_revocation (kind, subject, client_id, revoked_at,
      expires_at)
    SELECT CASE n % 2 WHEN 0 THEN 'login' ELSE 'consent' END, 'gone-' || n, '', now() - interval '1 year', ${expiry}`,
  'consent.accepted_payload': (expiry) => `INSERT INTO consent.accepted_payload (flow_id, stage, payload, expires_at)
    SELECT ${grantIdOf('n')}, 'login', sha256(n::text::bytea), ${expiry}`,
  'client.client_change': (expiry) => `INSERT INTO client.client_change (writer, seq, client_id, revision, deleted,
      registration_id, expires_at)
    SELECT md5('writer')::uuid, n, n::text, 1, false, ${grantIdOf('n')}, ${expiry}`,
  'client.used_assertion': (expiry) => `INSERT INTO client.used_assertion (id, expires_at)
    SELECT sha256(n::text::bytea), ${expiry}`,
}

export const otherTables = Object.keys(inserts)

/** Rows number `first` to `last` of a table. */
export async function insertOthers(
  client: pg.Client,
  table: string,
  rows: { readonly first: number; readonly last: number },
  expiry: string,
): Promise<void> {
  const insert = inserts[table]?.(expiry)
  if (insert) await client.query(`${insert} FROM generate_series($1::bigint, $2::bigint) AS n`, [rows.first, rows.last])
}
