// The one write of a flow, at its end: what came of it, and the login session that begins, goes on or ends with it, in one
// statement. The consent session's key is the flow's id, so that a flow ends once.
import type { Statement } from '../../kit/database.js'
import { isRevokedConsent } from './statements.js'

/** What becomes of the login session that the flow names. */
export type SessionChange =
  /** It is remembered from now on. */
  | 'make'
  /** It is remembered already and has to be still. */
  | 'use'
  /** As `use`, and it gets its full time again. */
  | 'extend'
  /** It is not remembered. */
  | 'none'

export interface FlowEnd {
  readonly id: string
  readonly clientId: string
  readonly registrationId: string
  readonly subject: string
  readonly loginSessionId: string
  readonly grantedScope: readonly string[]
  readonly grantedAudience: readonly string[]
  readonly rejected: boolean
  /** The same is not to be asked again. */
  readonly rememberedConsent: boolean
  /** Seconds; undefined: for ever. */
  readonly rememberFor: number | undefined
  /** The remembered consent that the flow rests on. */
  readonly basedOn: string | undefined
  readonly handledAtMs: number
  /** Seconds to keep what came of the flow; undefined: for ever. */
  readonly lifespan: number | undefined
  readonly record: Uint8Array
  readonly sessionChange: SessionChange
  /** Seconds that the login is remembered from now on. */
  readonly sessionLifespan: number
  readonly authenticatedAtMs: number
  readonly acr: string
  readonly amr: readonly string[]
  readonly identityProviderSessionId: string
  /** Another login session of this browser, which ends. */
  readonly endedSessionId: string | undefined
}

export type FlowOutcome =
  | 'written'
  /** The flow has ended before: its verifier was used. */
  | 'used'
  /** The login session that the flow rests on was ended, or all of the subject's were. */
  | 'session_ended'
  /** The consent that the flow rests on was revoked, or all of the subject's were. */
  | 'consent_revoked'

/** Columns of one item: its type in PostgreSQL and where its value comes from. */
const columns: readonly (readonly [name: string, type: string, value: (end: FlowEnd) => unknown])[] = [
  ['id', 'uuid', (end) => end.id],
  ['client_id', 'text', (end) => end.clientId],
  ['registration_id', 'uuid', (end) => end.registrationId],
  ['subject', 'text', (end) => end.subject],
  ['login_session_id', 'uuid', (end) => end.loginSessionId],
  ['granted_scope', 'text', (end) => end.grantedScope.join(' ')],
  ['granted_audience', 'text', (end) => end.grantedAudience.join(' ')],
  ['rejected', 'boolean', (end) => end.rejected],
  ['remembered_consent', 'boolean', (end) => end.rememberedConsent],
  ['remember_for', 'float8', (end) => end.rememberFor ?? null],
  ['based_on', 'uuid', (end) => end.basedOn ?? null],
  ['handled_at', 'float8', (end) => end.handledAtMs / 1_000],
  ['lifespan', 'float8', (end) => end.lifespan ?? null],
  ['record', 'bytea', (end) => Buffer.from(end.record)],
  ['session_change', 'text', (end) => end.sessionChange],
  ['session_lifespan', 'float8', (end) => end.sessionLifespan],
  ['authenticated_at', 'float8', (end) => end.authenticatedAtMs / 1_000],
  ['acr', 'text', (end) => end.acr],
  ['amr', 'text', (end) => end.amr.join('\n')],
  ['identity_provider_session_id', 'text', (end) => end.identityProviderSessionId],
  ['ended_session_id', 'uuid', (end) => end.endedSessionId ?? null],
]

/** One array for each column. */
export const valuesOf = (ends: readonly FlowEnd[]): unknown[] => columns.map(([, , value]) => ends.map(value))

const arrays = columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')
const names = columns.map(([name]) => name).join(', ')

/**
 * Rows expire by the minute, so that the index on `expires_at` has one entry for many rows. A login session that began in the
 * flow has its id, and is not named a second time.
 *
 * The rows that a flow rests on are locked, not only looked at: a revocation under way is waited for, and one that comes
 * later waits until the flow has ended. What was revoked as a whole is known by its time (subject_revocation).
 */
export const endFlows: Statement = {
  name: 'end_flows',
  text: `
    WITH item AS (
      SELECT * FROM unnest(${arrays}) WITH ORDINALITY AS item (${names}, ordinal)
    ), session_in_use AS (
      SELECT id FROM login_session
      WHERE id IN (SELECT login_session_id FROM item WHERE session_change IN ('use', 'extend')) AND expires_at > now()
      FOR KEY SHARE
    ), consent_in_use AS (
      SELECT id FROM consent_session c
      WHERE id IN (SELECT based_on FROM item) AND remembered_consent AND NOT ${isRevokedConsent}
      FOR KEY SHARE
    ), judged AS (
      SELECT item.*, CASE
        WHEN session_change IN ('use', 'extend') AND login_session_id NOT IN (SELECT id FROM session_in_use)
          THEN 'session_ended'
        WHEN EXISTS (
          SELECT FROM subject_revocation r
          WHERE r.kind = 'login' AND r.subject = item.subject AND r.client_id = ''
            AND r.revoked_at >= to_timestamp(item.authenticated_at))
          THEN 'session_ended'
        WHEN based_on IS NOT NULL AND based_on NOT IN (SELECT id FROM consent_in_use)
          THEN 'consent_revoked'
        WHEN NOT rejected AND EXISTS (
          SELECT FROM subject_revocation r
          WHERE r.kind = 'consent' AND r.subject = item.subject AND r.client_id IN ('', item.client_id)
            AND r.revoked_at >= to_timestamp(item.handled_at))
          THEN 'consent_revoked'
        ELSE 'written' END AS outcome
      FROM item
    ), written AS (
      INSERT INTO consent_session (id, client_id, registration_id, subject, login_session_id, granted_scope,
        granted_audience, rejected, remembered_consent, remembered_until, based_on, handled_at, expires_at, record)
      SELECT id, client_id, registration_id, subject, nullif(login_session_id, id), granted_scope,
        granted_audience, rejected, remembered_consent, now() + make_interval(secs => remember_for), based_on,
        to_timestamp(handled_at), date_trunc('minute', now() + make_interval(secs => lifespan)) + interval '1 minute', record
      FROM judged WHERE outcome = 'written'
      ON CONFLICT (id) DO NOTHING
      RETURNING id
    ), made AS (
      INSERT INTO login_session (id, subject, authenticated_at, expires_at, acr, amr, identity_provider_session_id)
      SELECT login_session_id, subject, to_timestamp(authenticated_at), now() + make_interval(secs => session_lifespan),
        acr, string_to_array(amr, E'\\n'), identity_provider_session_id
      FROM judged JOIN written USING (id) WHERE session_change = 'make'
    ), extended AS (
      UPDATE login_session s SET expires_at = now() + make_interval(secs => judged.session_lifespan)
      FROM judged JOIN written USING (id)
      WHERE s.id = judged.login_session_id AND judged.session_change = 'extend'
    ), ended AS (
      DELETE FROM login_session s USING judged JOIN written USING (id) WHERE s.id = judged.ended_session_id
    )
    SELECT CASE WHEN outcome = 'written' AND written.id IS NULL THEN 'used' ELSE outcome END AS outcome
    FROM judged LEFT JOIN written USING (id)
    ORDER BY ordinal`,
}
