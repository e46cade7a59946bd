// The revocations in the database: the log's rows, and the grants that end by the same statement.
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from './database.js'

/** The numbers of the contract's RevocationKind, as the rows keep them. */
export const revocationKinds = { token: 1, grant: 2, client: 3, subject: 4, registration: 5 } as const

/** One entry of the log. */
export interface RevocationEntry {
  readonly kind: (typeof revocationKinds)[keyof typeof revocationKinds]
  /** The `jti`, grant id, client id, subject or registration id. */
  readonly key: string
  /** Epoch milliseconds: tokens issued until then are revoked; 0 where all are. */
  readonly notBeforeMs: number
  /** Epoch seconds after which no token that it names is alive. */
  readonly expiresAt: number
  /** Of a subject's tokens, those of this client; empty: of any. */
  readonly clientId: string
}

/** What to revoke by one statement. */
export interface RevocationBatch {
  readonly entries: readonly RevocationEntry[]
  readonly grantIds: readonly string[]
}

export interface RevocationResult {
  /** What was written to the log, in its order. */
  readonly entries: RevocationEntry[]
  /** The grants that were alive until now. */
  readonly revokedGrants: Set<string>
}

/** Which grants. */
export type GrantSelector =
  | { readonly by: 'subject'; readonly subject: string }
  | { readonly by: 'subjectAndClient'; readonly subject: string; readonly clientId: string }
  | { readonly by: 'loginSession'; readonly loginSessionId: string }

/** What a token says about itself. */
export interface RevocationQuestion {
  readonly tokenId: string
  readonly grantId: string
  readonly clientId: string
  readonly subject: string
  readonly issuedAtMs: number
  /** Empty where it is not asked about. */
  readonly registrationId: string
}

/** How far the feed of clients was followed. */
export interface ClientFeedPosition {
  /** Empty if it was never followed. */
  readonly position: string
  /** Epoch milliseconds: of the clients deleted before, some may never have become known; 0: none. */
  readonly missingBeforeMs: number
}

interface ClientFeedRow {
  readonly position: string
  readonly missing_before: Date | null
}

/**
 * A token's expiry is by the clock of the process that issued it, a grant's by the database's: an entry outlives both by
 * more than such clocks differ.
 */
export const clockMarginSeconds = 300

export interface EntryRow {
  readonly kind: number
  readonly key: string
  readonly not_before_ms: string
  readonly expires_at: Date
  readonly client_id: string
}

/** The columns of the log that make an entry. */
export const entryColumns = [
  'kind',
  'key',
  'not_before_ms',
  'expires_at',
  'client_id',
] as const satisfies (keyof EntryRow)[]

export const toEntry = (row: EntryRow): RevocationEntry => ({
  kind: row.kind as RevocationEntry['kind'],
  key: row.key,
  notBeforeMs: Number(row.not_before_ms),
  expiresAt: Math.min(Math.ceil(row.expires_at.getTime() / 1_000), 0xffff_ffff),
  clientId: row.client_id,
})

export const revoke = {
  name: 'revoke',
  text: `
    WITH revoked AS (
      UPDATE "grant" SET revoked_at = now() WHERE id = ANY ($7::uuid[]) AND revoked_at IS NULL
      RETURNING id, access_expires_at
    ), entry AS (
      SELECT item.kind, item.key, item.not_before_ms, to_timestamp(item.expires_s) AS expires_at, item.client_id
        FROM unnest($3::smallint[], $4::text[], $5::bigint[], $6::bigint[], $8::text[])
          AS item (kind, key, not_before_ms, expires_s, client_id)
       WHERE item.kind NOT IN (${revocationKinds.token}, ${revocationKinds.registration})
          OR NOT EXISTS (SELECT FROM revocation r WHERE r.kind = item.kind AND r.key = item.key)
      UNION ALL
      SELECT ${revocationKinds.grant}, id::text, 0, access_expires_at + make_interval(secs => ${clockMarginSeconds}), ''
        FROM revoked WHERE access_expires_at > now() - make_interval(secs => ${clockMarginSeconds})
    ), written AS (
      INSERT INTO revocation (writer, seq, kind, key, not_before_ms, expires_at, client_id)
      SELECT $1, $2::bigint + row_number() OVER () - 1, kind, key, not_before_ms, expires_at, client_id FROM entry
      RETURNING seq, kind, key, not_before_ms, expires_at, client_id
    )
    SELECT seq, kind, key, not_before_ms, expires_at, client_id, NULL AS revoked_grant FROM written
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, id FROM revoked
    ORDER BY seq`,
}

interface RevokedRow extends EntryRow {
  readonly seq: string | null
  readonly revoked_grant: string | null
}

/** So many grants of one subject are not ended one by one. */
export const manyGrants = 1_001

export const findGrants = {
  subject: {
    name: 'grants_of_subject',
    text: `SELECT id FROM "grant" WHERE subject = $1 AND revoked_at IS NULL LIMIT ${manyGrants}`,
  },
  subjectAndClient: {
    name: 'grants_of_subject_and_client',
    text: `SELECT id FROM "grant" WHERE subject = $1 AND client_id = $2 AND revoked_at IS NULL LIMIT ${manyGrants}`,
  },
  loginSession: {
    name: 'grants_of_login_session',
    text: `SELECT id FROM "grant"
      WHERE (login_session_id = $1 OR (id = $1 AND login_session_id IS NULL)) AND revoked_at IS NULL`,
  },
} as const

export const check = {
  name: 'check_revocations',
  text: `
    SELECT q.place
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
           WITH ORDINALITY AS q (token_id, grant_id, client_id, subject, issued_at_ms, registration_id, place)
     WHERE EXISTS (SELECT FROM revocation r WHERE r.kind = ${revocationKinds.token} AND r.key = q.token_id)
        OR EXISTS (SELECT FROM revocation r WHERE r.kind = ${revocationKinds.grant} AND r.key = q.grant_id)
        OR EXISTS (SELECT FROM revocation r WHERE r.kind = ${revocationKinds.client} AND r.key = q.client_id
                   AND r.not_before_ms >= q.issued_at_ms)
        OR EXISTS (SELECT FROM revocation r WHERE r.kind = ${revocationKinds.subject} AND r.key = q.subject
                   AND q.grant_id <> '' AND r.client_id IN ('', q.client_id) AND r.not_before_ms >= q.issued_at_ms)
        OR EXISTS (SELECT FROM revocation r WHERE r.kind = ${revocationKinds.registration} AND r.key = q.registration_id)`,
}

export const deleteGrants = {
  name: 'delete_grants_of_registration',
  text: `
    DELETE FROM "grant" USING (
      SELECT id FROM "grant" WHERE registration_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    ) AS dead WHERE "grant".id = dead.id RETURNING 1 /* background */`,
}

export const loadPosition = {
  name: 'load_client_position',
  text: 'SELECT position, missing_before FROM client_feed /* background */',
}

export const savePosition = {
  name: 'save_client_position',
  text: `
    INSERT INTO client_feed (id, position) VALUES (1, $1)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position /* background */`,
}

export const losePosition = {
  name: 'lose_client_position',
  text: `
    INSERT INTO client_feed (id, position, missing_before) VALUES (1, '', now())
    ON CONFLICT (id) DO UPDATE SET position = '', missing_before = now() /* background */`,
}

const deleteBatch = 1_000

export class RevocationStore {
  readonly #database: TokenDatabase

  constructor(database: TokenDatabase) {
    this.#database = database
  }

  /** Ends the grants and writes the log, numbered from `firstSeq` on; a token that is in the log already stays there once. */
  async revoke(writer: string, firstSeq: number, { entries, grantIds }: RevocationBatch): Promise<RevocationResult> {
    const rows = await this.#database.query<RevokedRow>(revoke, [
      writer,
      firstSeq,
      entries.map(({ kind }) => kind),
      entries.map(({ key }) => key),
      entries.map(({ notBeforeMs }) => notBeforeMs),
      entries.map(({ expiresAt }) => expiresAt),
      grantIds,
      entries.map(({ clientId }) => clientId),
    ])
    return {
      entries: rows.filter(({ seq }) => seq !== null).map(toEntry),
      revokedGrants: new Set(rows.map((row) => row.revoked_grant).filter((id) => id !== null)),
    }
  }

  /** The grants that are not revoked yet; of a subject no more than `manyGrants`. */
  async findGrants(selector: GrantSelector, call?: Call): Promise<string[]> {
    const rows = await this.#database.query<{ id: string }>(findGrants[selector.by], valuesOf(selector), call)
    return rows.map(({ id }) => id)
  }

  /** Which of the tokens were revoked, in their order. */
  async areRevoked(questions: readonly RevocationQuestion[]): Promise<boolean[]> {
    const rows = await this.#database.query<{ place: string }>(check, [
      questions.map(({ tokenId }) => tokenId),
      questions.map(({ grantId }) => grantId),
      questions.map(({ clientId }) => clientId),
      questions.map(({ subject }) => subject),
      questions.map(({ issuedAtMs }) => issuedAtMs),
      questions.map(({ registrationId }) => registrationId),
    ])
    const places = new Set(rows.map(({ place }) => Number(place)))
    return questions.map((_, index) => places.has(index + 1))
  }

  /** Deletes what a registration of a client was granted, some rows at a time; returns how many rows it was this time. */
  async deleteGrantsOf(registrationId: string): Promise<number> {
    return (await this.#database.queryInBackground(deleteGrants, [registrationId, deleteBatch])).length
  }

  /** Where the feed of clients was left. */
  async loadClientPosition(): Promise<ClientFeedPosition> {
    const [row] = await this.#database.queryInBackground<ClientFeedRow>(loadPosition, [])
    return { position: row?.position ?? '', missingBeforeMs: row?.missing_before?.getTime() ?? 0 }
  }

  async saveClientPosition(position: string): Promise<void> {
    await this.#database.queryInBackground(savePosition, [position])
  }

  /** The feed cannot be followed from where it was left: clients deleted until now may never become known. */
  async loseClientPosition(): Promise<void> {
    await this.#database.queryInBackground(losePosition, [])
  }
}

function valuesOf(selector: GrantSelector): string[] {
  if (selector.by === 'loginSession') return [selector.loginSessionId]
  return selector.by === 'subject' ? [selector.subject] : [selector.subject, selector.clientId]
}
