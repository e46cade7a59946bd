// The statements on trusted issuers. One that has expired is never found, purged or not; time is the database's.
import type { Statement } from '../../kit/database.js'

const columns = `id, issuer, subject, allow_any_subject AS "allowAnySubject", scope, public_jwk AS "publicJwk",
  created_at AS "createdAt", expires_at AS "expiresAt"`

/** $1 id, $2 issuer, $3 subject, $4 any subject, $5 kid, $6 scope, $7 key, $8 expiry. What has expired stands in nobody's way. */
export const insertTrustedIssuer: Statement = {
  name: 'insert_trusted_issuer',
  text: `INSERT INTO trusted_issuer AS known (id, issuer, subject, allow_any_subject, kid, scope, public_jwk, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (issuer, subject, kid) DO UPDATE SET id = excluded.id, allow_any_subject = excluded.allow_any_subject,
      scope = excluded.scope, public_jwk = excluded.public_jwk, created_at = now(), expires_at = excluded.expires_at
      WHERE known.expires_at <= now()
    RETURNING ${columns}`,
}

/** $1 id. */
export const findTrustedIssuer: Statement = {
  name: 'find_trusted_issuer',
  text: `SELECT ${columns} FROM trusted_issuer WHERE id = $1 AND expires_at > now()`,
}

/** $1 issuer, $2 subject, $3 kid or null for any. */
export const findTrusts: Statement = {
  name: 'find_trusts',
  text: `SELECT ${columns} FROM trusted_issuer
    WHERE issuer = $1 AND subject IN ($2, '') AND (subject = $2 OR allow_any_subject) AND ($3::text IS NULL OR kid = $3)
      AND expires_at > now()
    ORDER BY subject DESC, created_at DESC LIMIT 100`,
}

/** $1 issuer, empty for any. */
const isListed = `($1 = '' OR issuer = $1) AND expires_at > now()`

/** Before every other UUID. */
const uuidMin = '00000000-0000-0000-0000-000000000000'

/** $2 how many, $3 and $4 the position to go on after or null, $5 how many to leave out. */
export const listTrustedIssuers: Statement = {
  name: 'list_trusted_issuers',
  text: `SELECT ${columns} FROM trusted_issuer
    WHERE ${isListed}
      AND (created_at, id) > (coalesce($3::timestamptz, '-infinity'), coalesce($4::uuid, '${uuidMin}'))
    ORDER BY created_at, id LIMIT $2 OFFSET $5`,
}

export const countTrustedIssuers: Statement = {
  name: 'count_trusted_issuers',
  text: `SELECT count(*)::int AS count FROM trusted_issuer WHERE ${isListed}`,
}

/** $1 id. */
export const deleteTrustedIssuer: Statement = {
  name: 'delete_trusted_issuer',
  text: 'DELETE FROM trusted_issuer WHERE id = $1 AND expires_at > now() RETURNING id',
}

/** $1 how many. */
export const purgeTrustedIssuers: Statement = {
  name: 'purge_trusted_issuers',
  text: `DELETE FROM trusted_issuer WHERE id IN (
      SELECT id FROM trusted_issuer WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1 /* background */`,
}
