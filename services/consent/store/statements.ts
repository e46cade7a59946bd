// The raw statements of the consent store. What was revoked as a whole counts as revoked from that moment on, whether its
// rows are deleted already or not; so every read looks at subject_revocation.
import type { Statement } from '../../kit/database.js'

/** Returns `deleted` rows and how many of them are `counted`; its last value is the size of a batch. */
export type BatchedDelete = Statement

export const deleteBatch = 5_000

/** After every other UUID. */
const uuidMax = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Of `login_session s`: every login of its subject was revoked after it. */
const isRevokedLogin = `EXISTS (
  SELECT FROM subject_revocation r
  WHERE r.kind = 'login' AND r.subject = s.subject AND r.client_id = '' AND r.revoked_at >= s.authenticated_at)`

/** Of `consent_session c`: every consent of its subject, or all that it gave this client, was revoked after it. */
export const isRevokedConsent = `EXISTS (
  SELECT FROM subject_revocation r
  WHERE r.kind = 'consent' AND r.subject = c.subject AND r.client_id IN ('', c.client_id) AND r.revoked_at >= c.handled_at)`

/** $1 the sessions. */
export const findLoginSessions: Statement = {
  name: 'find_login_sessions',
  text: `
    SELECT id, subject, extract(epoch FROM authenticated_at) * 1000 AS "authenticatedAtMs", acr, amr
    FROM login_session s
    WHERE id = ANY($1) AND expires_at > now() AND NOT ${isRevokedLogin}`,
}

/**
 * $1 the subjects, $2 the client of each, $3 its registration. Newest first, at most a hundred for each; `ordinal` counts
 * from 1 who is meant.
 */
export const findRememberedConsents: Statement = {
  name: 'find_remembered_consents',
  text: `
    SELECT asked.ordinal::int AS ordinal, found.id, found.granted_scope AS "grantedScope",
      found.granted_audience AS "grantedAudience"
    FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS asked (subject, client_id, registration_id, ordinal),
    LATERAL (
      SELECT id, granted_scope, granted_audience, handled_at
      FROM consent_session c
      WHERE subject = asked.subject AND client_id = asked.client_id AND remembered_consent
        AND registration_id = asked.registration_id
        AND (remembered_until IS NULL OR remembered_until > now()) AND NOT ${isRevokedConsent}
      ORDER BY handled_at DESC
      LIMIT 100) AS found
    ORDER BY ordinal, found.handled_at DESC`,
}

/** Of `consent_session`: the login session is this one. Where none is named, it is the one that began in the flow. */
export const isOfLoginSession = (session: string): string =>
  `(login_session_id = ${session} OR (id = ${session} AND login_session_id IS NULL))`

const isListed = (ofSession: boolean) => `subject = $1 AND ${ofSession ? isOfLoginSession('$2') : '$2::uuid IS NULL'}
      AND NOT rejected AND based_on IS NULL AND (expires_at IS NULL OR expires_at > now()) AND NOT ${isRevokedConsent}`

/** Of a subject, or of one of its login sessions: two statements, since one plan cannot serve both. */
const forEither = (statement: (ofSession: boolean) => Statement) => ({
  ofSubject: statement(false),
  ofSession: statement(true),
})

/**
 * $1 the subject, $2 a login session or null, $3 the size of the page, $4 and $5 the last of the page before or null, $6 how
 * many to leave out.
 */
export const listConsents = forEither((ofSession) => ({
  name: ofSession ? 'list_consents_of_session' : 'list_consents',
  text: `
    SELECT id, client_id AS "clientId", registration_id AS "registrationId", coalesce(login_session_id, id) AS "loginSessionId",
      granted_scope AS "grantedScope", granted_audience AS "grantedAudience", handled_at AS "handledAt",
      remembered_until AS "rememberedUntil", record
    FROM consent_session c
    WHERE ${isListed(ofSession)}
      AND (handled_at, id) < (coalesce(to_timestamp($4), 'infinity'), coalesce($5::uuid, '${uuidMax}'))
    ORDER BY handled_at DESC, id DESC
    LIMIT $3 OFFSET $6`,
}))

/** $1 the subject, $2 a login session or null. */
export const countConsents = forEither((ofSession) => ({
  name: ofSession ? 'count_consents_of_session' : 'count_consents',
  text: `SELECT count(*)::int AS count FROM consent_session c WHERE ${isListed(ofSession)}`,
}))

/** $1 the login session. */
export const findGrantsOfSession: Statement = {
  name: 'find_grants_of_session',
  text: `SELECT id, client_id AS "clientId" FROM consent_session WHERE ${isOfLoginSession('$1')} AND NOT rejected`,
}

/** $1 the kind, $2 the subject, $3 the client, $4 seconds to keep it. */
export const revoke: Statement = {
  name: 'revoke_subject',
  text: `
    INSERT INTO subject_revocation AS known (kind, subject, client_id, revoked_at, expires_at)
    VALUES ($1, $2, $3, clock_timestamp(), now() + make_interval(secs => $4))
    ON CONFLICT (kind, subject, client_id) DO UPDATE SET
      revoked_at = greatest(known.revoked_at, excluded.revoked_at),
      expires_at = greatest(known.expires_at, excluded.expires_at)`,
}

/** $1 the subject, $2 the size of a batch. */
export const deleteRevokedLogins: BatchedDelete = {
  name: 'delete_revoked_logins',
  text: `
    WITH gone AS (
      DELETE FROM login_session WHERE id IN (
        SELECT id FROM login_session s WHERE subject = $1 AND ${isRevokedLogin} LIMIT $2)
      RETURNING id)
    SELECT count(*)::int AS deleted, count(*)::int AS counted FROM gone`,
}

/** $1 the subject, $2 the client or empty, $3 the size of a batch. What rests on a remembered consent is not counted. */
export const deleteRevokedConsents: BatchedDelete = {
  name: 'delete_revoked_consents',
  text: `
    WITH gone AS (
      DELETE FROM consent_session WHERE id IN (
        SELECT id FROM consent_session c
        WHERE subject = $1 AND ($2 = '' OR client_id = $2) AND NOT rejected AND ${isRevokedConsent} LIMIT $3)
      RETURNING based_on)
    SELECT count(*)::int AS deleted, (count(*) FILTER (WHERE based_on IS NULL))::int AS counted FROM gone`,
}

/** $1 the flow, $2 the stage, $3 the payload, $4 seconds to keep it. */
export const createPayload: Statement = {
  name: 'create_payload',
  text: `
    INSERT INTO accepted_payload (flow_id, stage, payload, expires_at)
    VALUES ($1, $2, $3, now() + make_interval(secs => $4))
    ON CONFLICT (flow_id, stage) DO NOTHING
    RETURNING stage`,
}
