// Keeps login sessions that are remembered, what came of authorization requests, and large payloads of decisions.
import { PrismaClient } from '#prisma/consent/client.js'
import { Database, type DatabaseOptions, type HasSignal } from '../../kit/database.js'
import { GroupedReads } from '../../kit/grouped_reads.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import { inBatches, purgeBatch, type Until, whileAwaited } from '../../kit/repeat.js'
import type { Call } from '../../kit/rpc/contract.js'
import { endFlows, type FlowEnd, type FlowOutcome, valuesOf } from './flow_end.js'
import { endLoginSession, LogoutQueue } from './logout_queue.js'
import { purgeStatements } from './purge.js'
import * as statements from './statements.js'

export interface LoginSession {
  readonly id: string
  readonly subject: string
  readonly authenticatedAtMs: number
  readonly acr: string
  readonly amr: readonly string[]
}

export interface RememberedConsent {
  readonly id: string
  readonly grantedScope: string
  readonly grantedAudience: string
}

export interface StoredConsent extends RememberedConsent {
  readonly clientId: string
  readonly registrationId: string
  readonly loginSessionId: string
  readonly handledAt: Date
  readonly rememberedUntil: Date | null
  readonly record: Buffer
}

/** Where a page of consent sessions ends. */
export interface ConsentPosition {
  readonly handledAtMs: number
  readonly id: string
}

export interface ConsentFilter {
  readonly subject: string
  /** Empty: any. */
  readonly loginSessionId: string
}

export interface ConsentQuery extends ConsentFilter {
  readonly size: number
  readonly after: ConsentPosition | undefined
  /** How many to leave out. */
  readonly offset: number | undefined
}

export interface PayloadKey {
  readonly flowId: string
  readonly stage: 'login' | 'consent'
}

/** Which consent sessions: all of a subject, or what it gave one client. */
export interface ConsentSelection {
  readonly subject: string
  /** Empty: all clients. */
  readonly clientId: string
}

/** Whose remembered consents for which client. */
export interface RememberedSelection extends ConsentSelection {
  readonly registrationId: string
}

export interface Lifespans {
  /** Seconds that a flow may take. */
  readonly flowLifespan: number
  /** Seconds that a login is remembered at most. */
  readonly sessionLifespan: number
}

/** How long a call deletes what does not count any more. */
const deleteForMs = 1_000

export type ConsentStoreOptions = Omit<DatabaseOptions, 'schema'> & Lifespans

export class ConsentStore {
  readonly logoutQueue: LogoutQueue
  readonly #database: Database<PrismaClient>
  #lifespans: Lifespans
  readonly #ends: GroupedWrites<FlowEnd, FlowOutcome>
  readonly #logins = new GroupedReads<string, LoginSession | undefined>((ids, call) => this.#findLogins(ids, call))
  readonly #consents = new GroupedReads<RememberedSelection, RememberedConsent[]>((selections, call) =>
    this.#findConsents(selections, call),
  )

  constructor(options: ConsentStoreOptions) {
    this.#lifespans = options
    this.#database = new Database(
      { ...options, schema: 'consent' },
      (adapter) => new PrismaClient({ adapter, errorFormat: 'minimal' }),
    )
    this.logoutQueue = new LogoutQueue(this.#database)
    this.#ends = new GroupedWrites({
      keyOf: (end) => end.id,
      write: async (ends) => {
        const rows = await this.#database.query<{ outcome: FlowOutcome }>(endFlows, valuesOf(ends))
        return rows.map((row) => row.outcome)
      },
    })
  }

  reconfigure(lifespans: Lifespans): void {
    this.#lifespans = lifespans
  }

  /** Ends a flow, once. */
  endFlow(end: FlowEnd): Promise<FlowOutcome> {
    return this.#ends.add(end)
  }

  /** A login session that is remembered now. */
  findLoginSession(id: string, call: Call): Promise<LoginSession | undefined> {
    return this.#logins.ask(id, call)
  }

  /** What a subject has allowed a client for longer, newest first; at most a hundred. */
  findRememberedConsents(selection: RememberedSelection, call: Call): Promise<RememberedConsent[]> {
    return this.#consents.ask(selection, call)
  }

  /** What a subject has allowed, newest first; what rests on a remembered consent is left out. */
  listConsents(
    { subject, loginSessionId, size, after, offset = 0 }: ConsentQuery,
    call: Call,
  ): Promise<StoredConsent[]> {
    const position = [after ? after.handledAtMs / 1_000 : null, after?.id ?? null]
    const values = [subject, loginSessionId || null, size, ...position, offset]
    return this.#database.query(statements.listConsents[loginSessionId ? 'ofSession' : 'ofSubject'], values, call)
  }

  /** How many `listConsents` lists on all pages. */
  async countConsents({ subject, loginSessionId }: ConsentFilter, call: Call): Promise<number> {
    const statement = statements.countConsents[loginSessionId ? 'ofSession' : 'ofSubject']
    const values = [subject, loginSessionId || null]
    const [row] = await this.#database.query<{ count: number }>(statement, values, call)
    return row?.count ?? 0
  }

  /** Which grants were given in a login session, and to whom. */
  findGrantsOfSession(loginSessionId: string, call: Call): Promise<{ id: string; clientId: string }[]> {
    return this.#database.query(statements.findGrantsOfSession, [loginSessionId], call)
  }

  /** Ends a login session, and notes that its clients have to be told; whether it was there. */
  async endLoginSession(id: string, call: Call): Promise<boolean> {
    return (await this.#database.query(endLoginSession, [id], call)).length > 0
  }

  /** Notes that every login of a subject until now is revoked: from now on none of them counts. */
  async revokeLogins(subject: string, call: Call): Promise<void> {
    const { sessionLifespan, flowLifespan } = this.#lifespans
    await this.#database.query(statements.revoke, ['login', subject, '', sessionLifespan + flowLifespan], call)
  }

  /** Notes that every consent of a selection until now is revoked: from now on none of them counts. */
  async revokeConsents({ subject, clientId }: ConsentSelection, call: Call): Promise<void> {
    await this.#database.query(
      statements.revoke,
      ['consent', subject, clientId, 2 * this.#lifespans.flowLifespan],
      call,
    )
  }

  /** Deletes some of what `revokeLogins` revoked, and leaves the rest to `purge`; returns how many. */
  deleteRevokedLogins(subject: string, call: Call): Promise<number> {
    return this.#deleteInBatches(statements.deleteRevokedLogins, [subject], call)
  }

  /** Deletes some of what `revokeConsents` revoked, and leaves the rest to `purge`; returns how many. */
  deleteRevokedConsents({ subject, clientId }: ConsentSelection, call: Call): Promise<number> {
    return this.#deleteInBatches(statements.deleteRevokedConsents, [subject, clientId], call)
  }

  /** Deletes one consent session; whether it was there. */
  async deleteConsent(id: string, call: Call): Promise<boolean> {
    const where = { id, rejected: false }
    const { count } = await this.#database.prisma(call, (prisma) => prisma.consentSession.deleteMany({ where }))
    return count > 0
  }

  /** The flows that rested on a remembered consent. */
  async findConsentsBasedOn(basedOn: string, call: Call): Promise<string[]> {
    const rows = await this.#database.prisma(call, (prisma) =>
      prisma.consentSession.findMany({ where: { basedOn }, select: { id: true } }),
    )
    return rows.map((row) => row.id)
  }

  async deleteConsentsBasedOn(basedOn: string, call: Call): Promise<void> {
    await this.#database.prisma(call, (prisma) => prisma.consentSession.deleteMany({ where: { basedOn } }))
  }

  /** Keeps a payload; false if there is one with this key. */
  async createPayload(key: PayloadKey, payload: Buffer, call: Call): Promise<boolean> {
    const values = [key.flowId, key.stage, payload, this.#lifespans.flowLifespan]
    return (await this.#database.query(statements.createPayload, values, call)).length > 0
  }

  async findPayload(key: PayloadKey, call: Call): Promise<Buffer | undefined> {
    const row = await this.#database.prisma(call, (prisma) =>
      prisma.acceptedPayload.findUnique({ where: { flowId_stage: key }, select: { payload: true } }),
    )
    return row ? Buffer.from(row.payload) : undefined
  }

  /** Deletes what has expired, but nothing that did after `notAfter`, and what was revoked as a whole; returns how many. */
  async purge(until: Until, notAfter?: Date): Promise<number> {
    let purged = 0
    for (const statement of purgeStatements) {
      const { found } = await inBatches({ ...until, size: purgeBatch }, async (size) => {
        const [row] = await this.#database.query<{ deleted: number }>(statement, [size, notAfter ?? null])
        return row?.deleted ?? 0
      })
      purged += found
    }
    return purged
  }

  ping(): Promise<boolean> {
    return this.#database.ping()
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #findLogins(ids: readonly string[], call: HasSignal | undefined): Promise<(LoginSession | undefined)[]> {
    const rows = await this.#database.query<LoginSession>(statements.findLoginSessions, [[...new Set(ids)]], call)
    const byId = new Map(rows.map((row) => [row.id, { ...row, authenticatedAtMs: Number(row.authenticatedAtMs) }]))
    return ids.map((id) => byId.get(id))
  }

  async #findConsents(
    selections: readonly RememberedSelection[],
    call: HasSignal | undefined,
  ): Promise<RememberedConsent[][]> {
    const rows = await this.#database.query<RememberedConsent & { ordinal: number }>(
      statements.findRememberedConsents,
      [
        selections.map(({ subject }) => subject),
        selections.map(({ clientId }) => clientId),
        selections.map(({ registrationId }) => registrationId),
      ],
      call,
    )
    const found = selections.map((): RememberedConsent[] => [])
    for (const { ordinal, ...consent } of rows) found[ordinal - 1]?.push(consent)
    return found
  }

  async #deleteInBatches(statement: statements.BatchedDelete, values: unknown[], call: Call): Promise<number> {
    let counted = 0
    await inBatches({ ...whileAwaited(deleteForMs), size: statements.deleteBatch }, async (size) => {
      const rows = await this.#database.query<{ deleted: number; counted: number }>(statement, [...values, size], call)
      counted += rows[0]?.counted ?? 0
      return rows[0]?.deleted ?? 0
    })
    return counted
  }
}
