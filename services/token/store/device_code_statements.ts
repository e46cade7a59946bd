// The statements on device codes and on the counters of tries. What decides stands in the WHERE; time is the database's.
import type { Statement } from '../../kit/database.js'

/** $1 id, $2 client, $3 registration, $4 hash, $5 scope, $6 audience, $7 interval, $8 lifespan; seconds. */
export const insertDeviceCode: Statement = {
  name: 'insert_device_code',
  text: `INSERT INTO device_code (id, client_id, registration_id, user_code_hash, scope, audience, poll_interval, poll_at,
      expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now(), now() + $8 * interval '1 second')
    ON CONFLICT (user_code_hash) DO NOTHING RETURNING id`,
}

/**
 * A poll that is too early adds 5 seconds to the interval (RFC 8628 section 3.5). A tenth of it is forgiven: a regular beat
 * does not arrive as one.
 */
export const pollDeviceCodes: Statement = {
  name: 'poll_device_codes',
  text: `WITH known AS (
      SELECT d.id, d.poll_at > now() AS is_early, least(
        d.poll_interval + CASE WHEN d.poll_at > now() AND d.allowed IS NULL THEN 5 ELSE 0 END, 3600) AS next_interval
      FROM device_code AS d WHERE d.id = ANY($1::uuid[]) AND d.expires_at > now()
      ORDER BY d.id FOR UPDATE)
    UPDATE device_code AS d SET poll_interval = k.next_interval, poll_at = now() + k.next_interval * interval '0.9 second'
    FROM known AS k WHERE d.id = k.id
    RETURNING d.id, d.flow_id AS "flowId", d.allowed, k.is_early AS "isEarly"`,
}

const columns = `id, client_id AS "clientId", registration_id AS "registrationId", scope, audience,
  requested_at AS "requestedAt", expires_at AS "expiresAt"`

/** $1 the hashes of a user code, $2 the flow. Nobody else has claimed it, and nobody has decided. */
const isOpen = `user_code_hash = ANY($1::bytea[]) AND expires_at > now() AND allowed IS NULL
  AND (flow_id IS NULL OR flow_id = $2)`

export const findUserCode: Statement = {
  name: 'find_user_code',
  text: `SELECT ${columns} FROM device_code WHERE ${isOpen}`,
}

export const claimUserCode: Statement = {
  name: 'claim_user_code',
  text: `UPDATE device_code SET flow_id = $2 WHERE ${isOpen} RETURNING ${columns}`,
}

/** $1 the device code, $2 the flow that claimed it, $3 the decision. */
export const decideDeviceCode: Statement = {
  name: 'decide_device_code',
  text: `UPDATE device_code SET allowed = $3
    WHERE id = $1 AND flow_id = $2 AND allowed IS NULL AND expires_at > now() RETURNING id`,
}

/** $1 keys, $2 the seconds that each is counted for, $3 how many to add. */
export const countTries: Statement = {
  name: 'count_tries',
  text: `INSERT INTO device_try AS known (key, tries, expires_at)
    SELECT b.key, b.added, now() + b.period * interval '1 second'
    FROM unnest($1::text[], $2::int[], $3::int[]) AS b (key, period, added)
    ORDER BY b.key
    ON CONFLICT (key) DO UPDATE SET
      tries = CASE WHEN known.expires_at > now() THEN known.tries + excluded.tries ELSE excluded.tries END,
      expires_at = CASE WHEN known.expires_at > now() THEN known.expires_at ELSE excluded.expires_at END
    RETURNING key, tries, ceil(extract(epoch FROM expires_at - now()))::int AS "secondsLeft"`,
}

/** $1 keys. */
export const forgiveTries: Statement = {
  name: 'forgive_tries',
  text: `UPDATE device_try SET tries = tries - 1 WHERE key IN (
      SELECT key FROM device_try WHERE key = ANY($1::text[]) AND tries > 0 ORDER BY key FOR UPDATE)`,
}

/** $1 the size of a batch, $2: what expired after this stays, or null. */
const purge = (table: string, key: string): Statement => ({
  name: `purge_${table}s`,
  text: `DELETE FROM ${table} WHERE ${key} IN (
      SELECT ${key} FROM ${table}
      WHERE expires_at < now() AND ($2::timestamptz IS NULL OR expires_at < $2)
      ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1 /* background */`,
})

export const purgeDeviceCodes = [purge('device_code', 'id'), purge('device_try', 'key')]
