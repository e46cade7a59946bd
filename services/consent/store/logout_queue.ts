// The logout tokens that are still to be delivered (OpenID Connect Back-Channel Logout 1.0 section 2.5), as rows: whatever
// process ends, another one, or the next, delivers them. Several processes work on them at once.
import type { PrismaClient } from '#prisma/consent/client.js'
import type { Database, Statement } from '../../kit/database.js'
import { isOfLoginSession } from './statements.js'

export interface LogoutDelivery {
  /** The consent session, and so the grant, that the client knows the end-user by. */
  readonly id: string
  readonly loginSessionId: string
  readonly subject: string
  readonly clientId: string
  readonly registrationId: string
  /** With the one that it was taken for. */
  readonly attempts: number
}

/**
 * Seconds from the beginning of an attempt to the next one; the last stands for all further ones. The first is longer than an
 * attempt can take, so that one that is under way is not made twice.
 */
const retryAfter = [15, 60, 300, 1_800, 7_200]

/** Attempts at most: the last is made some hours after the first. */
export const maxAttempts = 6

/** $1 the session. Which clients have to be told is looked up later: a flow in this session may be about to end. */
export const endLoginSession: Statement = {
  name: 'end_login_session',
  text: `
    WITH ended AS (DELETE FROM login_session WHERE id = $1 RETURNING id, subject)
    INSERT INTO ended_session (id, subject) SELECT id, subject FROM ended
    RETURNING id`,
}

/** $1 how many sessions. Returns a row for each client that has to be told. */
export const spreadEndedSessions: Statement = {
  name: 'spread_ended_sessions',
  text: `
    WITH /* background */ ended AS (
      DELETE FROM ended_session WHERE id IN (
        SELECT id FROM ended_session ORDER BY ended_at LIMIT $1 FOR UPDATE SKIP LOCKED)
      RETURNING id, subject)
    INSERT INTO logout_delivery (id, login_session_id, subject, client_id, registration_id)
    SELECT c.id, ended.id, ended.subject, c.client_id, c.registration_id
    FROM ended CROSS JOIN LATERAL (
      SELECT DISTINCT ON (client_id) id, client_id, registration_id FROM consent_session
      WHERE ${isOfLoginSession('ended.id')} AND NOT rejected ORDER BY client_id, handled_at DESC) AS c
    ON CONFLICT (id) DO NOTHING`,
}

/** $1 clients to leave out, $2 how many. At most one for each client, so that none fills the places of the others. */
export const takeDeliveries: Statement = {
  name: 'take_logout_deliveries',
  text: `
    UPDATE /* background */ logout_delivery SET
      attempts = attempts + 1,
      due_at = now() + make_interval(secs => ('{${retryAfter}}'::int[])[least(attempts + 1, ${retryAfter.length})])
    WHERE id IN (
      SELECT id FROM logout_delivery WHERE due_at <= now() AND id IN (
        SELECT DISTINCT ON (client_id) id FROM logout_delivery
        WHERE due_at <= now() AND client_id <> ALL ($1::text[]) ORDER BY client_id, due_at)
      LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING id, login_session_id AS "loginSessionId", subject, client_id AS "clientId",
      registration_id AS "registrationId", attempts`,
}

export const deleteDelivery: Statement = {
  name: 'delete_logout_delivery',
  text: 'DELETE /* background */ FROM logout_delivery WHERE id = $1',
}

const sessionsAtOnce = 100

export class LogoutQueue {
  readonly #database: Database<PrismaClient>

  constructor(database: Database<PrismaClient>) {
    this.#database = database
  }

  /** Finds out which clients of sessions that ended have to be told. */
  async spread(): Promise<void> {
    await this.#database.queryInBackground(spreadEndedSessions, [sessionsAtOnce])
  }

  /** Deliveries that are due, as attempts that begin now. One that is not removed becomes due again. */
  take(limit: number, withoutClients: readonly string[]): Promise<LogoutDelivery[]> {
    return this.#database.queryInBackground(takeDeliveries, [withoutClients, limit])
  }

  async remove(id: string): Promise<void> {
    await this.#database.queryInBackground(deleteDelivery, [id])
  }
}
