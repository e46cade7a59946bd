// The statements that write grants. Each takes a batch as arrays and changes one row for each item, by key. What decides
// whether an item may change its row stands in the WHERE: nothing is read first.
import type { Statement } from '../../kit/database.js'

/**
 * Of `"grant" g` and `subject_revocation r`: all that its subject had given was revoked at once, this grant among it. A row
 * without `rotated_at` is a code that was issued by an earlier version.
 */
export const isCovered = `r.subject = g.subject AND r.client_id IN ('', g.client_id)
  AND coalesce(r.revoked_at >= g.rotated_at, true)`

/** Of `"grant" g`, whose row may not be deleted yet. */
const isRevokedWithSubject = `EXISTS (SELECT FROM subject_revocation r WHERE ${isCovered})`

/** A grant as the Prisma client names its fields, but for its nonce. */
const columns = `g.id, g.generation, g.reuse_count AS "reuseCount", g.client_id AS "clientId",
  g.registration_id AS "registrationId", g.subject, g.obfuscated_subject AS "obfuscatedSubject",
  coalesce(g.login_session_id, g.id) AS "loginSessionId", g.access_token_id AS "accessTokenId", g.scope, g.audience, g.acr, g.amr,
  g.access_token_claims AS "accessTokenClaims", g.id_token_claims AS "idTokenClaims", g.expires_at AS "expiresAt",
  g.access_expires_at AS "accessExpiresAt", g.purge_at AS "purgeAt", g.rotated_at AS "rotatedAt",
  g.authenticated_at AS "authenticatedAt", g.requested_at AS "requestedAt",
  g.absolute_expires_at AS "absoluteExpiresAt"`

/** $1 the id. */
export const findGrant: Statement = {
  name: 'find_grant',
  text: `SELECT ${columns}, g.nonce, coalesce(g.revoked_at, CASE WHEN ${isRevokedWithSubject} THEN now() END) AS "revokedAt"
    FROM "grant" AS g WHERE g.id = $1`,
}

/**
 * A grant whose id is there already is left as it is. Rows are looked at by the minute, so that the index on `purge_at` has
 * one entry for many rows.
 */
export const insertGrants: Statement = {
  name: 'insert_grants',
  text: `INSERT INTO "grant" (id, client_id, registration_id, subject, obfuscated_subject, login_session_id, scope,
      audience, nonce, acr, amr, access_token_claims, id_token_claims, authenticated_at, requested_at,
      rotated_at, expires_at, purge_at, absolute_expires_at, access_expires_at)
    SELECT b.id, b.client_id, b.registration_id, b.subject, b.obfuscated_subject, nullif(b.login_session_id, b.id), b.scope,
      b.audience, b.nonce, b.acr, b.amr, b.access_token_claims, b.id_token_claims,
      to_timestamp(b.authenticated_at), to_timestamp(b.requested_at),
      now(), now() + b.code_lifespan * interval '1 second',
      date_trunc('minute', now() + b.purge_after * interval '1 second') + interval '1 minute',
      now() + b.absolute_lifespan * interval '1 second', to_timestamp(b.access_expires_at)
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[],
      $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::int[], $17::bigint[],
      $18::int[], $19::bigint[]) AS b (id, client_id, registration_id, subject, obfuscated_subject, login_session_id, scope, audience,
      nonce, acr, amr, access_token_claims, id_token_claims, authenticated_at, requested_at, code_lifespan, purge_after,
      absolute_lifespan, access_expires_at)
    ON CONFLICT (id) DO NOTHING RETURNING id`,
}

/** A hook may have given the session other claims. */
const newClaims = `access_token_claims = CASE WHEN b.has_claims THEN b.access_token_claims ELSE g.access_token_claims END,
      id_token_claims = CASE WHEN b.has_claims THEN b.id_token_claims ELSE g.id_token_claims END`

/**
 * Whoever finds generation 0 has redeemed the code; nobody finds it again. The nonce is told once more and forgotten: the row as
 * it was is read beside the one that is written, and in generation 0 no other has another.
 */
export const redeemGrants: Statement = {
  name: 'redeem_grants',
  text: `UPDATE "grant" AS g SET generation = 1, rotated_at = now(),
      expires_at = CASE WHEN b.may_refresh AND string_to_array(g.scope, ' ') && ARRAY['offline', 'offline_access']
        THEN least(now() + b.refresh_lifespan * interval '1 second', g.absolute_expires_at) ELSE now() END,
      access_expires_at = greatest(g.access_expires_at, to_timestamp(b.access_expires_at)),
      access_token_id = b.access_token_id, nonce = NULL, ${newClaims}
    FROM unnest($1::uuid[], $2::boolean[], $3::int[], $4::bigint[], $5::uuid[], $6::boolean[], $7::text[], $8::text[])
      AS b (id, may_refresh, refresh_lifespan, access_expires_at, access_token_id, has_claims, access_token_claims,
        id_token_claims) JOIN "grant" AS was ON was.id = b.id
    WHERE g.id = b.id AND g.generation = 0 AND g.revoked_at IS NULL AND g.expires_at > now()
      AND NOT ${isRevokedWithSubject}
    RETURNING ${columns}, was.nonce, g.revoked_at AS "revokedAt"`,
}

/**
 * A token of the present generation begins the next one. A token of the generation before it gets the same successor for
 * as long and as often as the grace period allows.
 */
export const refreshGrants: Statement = {
  name: 'refresh_grants',
  text: `UPDATE "grant" AS g SET generation = b.generation + 1,
      rotated_at = CASE WHEN g.generation = b.generation THEN now() ELSE g.rotated_at END,
      reuse_count = CASE WHEN g.generation = b.generation THEN 0 ELSE g.reuse_count + 1 END,
      expires_at = CASE WHEN g.generation = b.generation
        THEN least(now() + b.refresh_lifespan * interval '1 second', g.absolute_expires_at) ELSE g.expires_at END,
      access_expires_at = greatest(g.access_expires_at, to_timestamp(b.access_expires_at)),
      access_token_id = b.access_token_id, nonce = NULL, ${newClaims}
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::text[], $6::int[], $7::bigint[], $8::uuid[],
      $11::boolean[], $12::text[], $13::text[])
      AS b (id, generation, client_id, registration_id, scope, refresh_lifespan, access_expires_at, access_token_id,
        has_claims, access_token_claims, id_token_claims)
    WHERE g.id = b.id AND g.client_id = b.client_id AND g.registration_id = b.registration_id
      AND g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > now())
      AND NOT ${isRevokedWithSubject}
      AND string_to_array(b.scope, ' ') <@ string_to_array(g.scope, ' ')
      AND (g.generation = b.generation OR (g.generation = b.generation + 1
        AND g.rotated_at > now() - $9 * interval '1 second' AND ($10 = 0 OR g.reuse_count < $10)))
    RETURNING ${columns}, g.nonce, g.revoked_at AS "revokedAt"`,
}

const isOver = `(g.revoked_at IS NOT NULL OR coalesce(g.expires_at < now(), false))
  AND coalesce(g.access_expires_at < now(), true)`

/**
 * Looks at what is due, each row once: what is over is deleted, and what lives on is due again when it may be over; what never
 * ends, in a month. $1 the size of a batch.
 */
export const purgeGrants: Statement = {
  name: 'purge_grants',
  text: `WITH due AS (
      SELECT g.id, (${isOver}) AS is_over FROM "grant" AS g WHERE g.purge_at < now()
      ORDER BY g.purge_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM "grant" AS g USING due WHERE g.id = due.id AND due.is_over RETURNING 1
    ), postponed AS (
      UPDATE "grant" AS g SET purge_at =
        greatest(expires_at, access_expires_at, CASE WHEN expires_at IS NULL THEN now() + interval '30 days' END)
      FROM due WHERE g.id = due.id AND NOT due.is_over
    )
    SELECT (SELECT count(*)::int FROM due) AS due, (SELECT count(*)::int FROM gone) AS purged /* background */`,
}

/** Deletes what is over and began until a time. $1 the size of a batch, $2 the time. */
export const purgeOldGrants: Statement = {
  name: 'purge_old_grants',
  text: `DELETE FROM "grant" WHERE id IN (
      SELECT g.id FROM "grant" AS g WHERE g.purge_at < now() AND ${isOver} AND coalesce(g.requested_at <= $2, true)
      ORDER BY g.purge_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1 /* background */`,
}
