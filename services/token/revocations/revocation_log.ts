// The log of revocations: what every path that ends tokens writes to, and every reader of the feed follows (RFC 7009).
import { ChangeLog } from '../../kit/change_log.js'
import type { LogMessage } from '../../kit/change_log_reader.js'
import { nowMs, nowSeconds } from '../../kit/clock.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import { isUuid } from '../../kit/random.js'
import { type Batches, inBatches, repeat, type Until, whileAwaited } from '../../kit/repeat.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from '../store/database.js'
import {
  clockMarginSeconds,
  entryColumns,
  type GrantSelector,
  manyGrants,
  type RevocationEntry,
  type RevocationQuestion,
  RevocationStore,
  revocationKinds,
  toEntry,
} from '../store/revocation_store.js'
import { deleteBatch, SubjectRevocationStore, type SubjectSelection } from '../store/subject_revocation_store.js'

export interface RevocationLogOptions {
  readonly database: TokenDatabase
  /** Seconds: no access token lives longer than that, whatever a client's own lifespans say. */
  readonly longestAccessTokenLifespan: number
}

export interface RevokedGrants {
  /** How many were ended. */
  readonly revoked: number
  /** There were too many: none counts any more, but some are to be deleted. */
  readonly pending: boolean
}

/** Grants of a subject, as the contract selects them. */
type Selected = Exclude<GrantSelector, { by: 'loginSession' }> & { readonly clientId?: string }

/** An entry to write, or a grant to end. */
type Revocation = RevocationEntry | { readonly grantId: string }

/** A reader that comes back later than that begins anew. */
const cursorLifetimeMs = 3_600_000

/** How long a call deletes grants before it leaves the rest to the background. */
const deleteForMs = 2_000
const deleteEveryMs = 60_000

export class RevocationLog {
  readonly #store: RevocationStore
  readonly #subjects: SubjectRevocationStore
  readonly #stopping = new AbortController()
  #background: Promise<void> | undefined
  #deletingLeft: Promise<void> | undefined
  readonly #log: ChangeLog<RevocationEntry>
  readonly #writes: GroupedWrites<Revocation, boolean>
  readonly #checks: GroupedWrites<RevocationQuestion, boolean>
  #asked = 0
  readonly #longestLifespan: number

  constructor({ database, longestAccessTokenLifespan }: RevocationLogOptions) {
    this.#store = new RevocationStore(database)
    this.#subjects = new SubjectRevocationStore(database)
    this.#longestLifespan = longestAccessTokenLifespan
    this.#log = new ChangeLog({
      database,
      entryTable: 'revocation',
      writerTable: 'revocation_writer',
      columns: entryColumns,
      fromRow: (row) => toEntry(row as Parameters<typeof toEntry>[0]),
      emptyCursor: 'beginning',
      cursorLifetimeMs,
    })
    // One at a time, as the log commits.
    this.#writes = new GroupedWrites({
      write: (items) => this.#write(items),
      keyOf: () => String(this.#asked++),
      concurrency: 1,
    })
    this.#checks = new GroupedWrites({
      write: (questions) => this.#store.areRevoked(questions),
      keyOf: () => String(this.#asked++),
    })
  }

  start(): void {
    this.#log.start()
    this.#background ??= repeat(
      { everyMs: deleteEveryMs, doing: 'deleting revoked grants', signal: this.#stopping.signal },
      () => this.#deleteLeft(),
    )
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([this.#background, this.#deletingLeft?.catch(() => undefined)])
    await this.#log.stop()
  }

  /** Revokes one access token by its `jti`; `expiresAt` is its own expiry in epoch seconds. */
  async revokeToken(tokenId: string, expiresAt: number): Promise<void> {
    if (expiresAt + clockMarginSeconds < nowSeconds()) return
    const entry = {
      kind: revocationKinds.token,
      key: tokenId,
      notBeforeMs: 0,
      expiresAt: expiresAt + clockMarginSeconds,
      clientId: '',
    }
    await this.#writes.add(entry)
  }

  /** Revokes a grant: its code or refresh token, and every access token issued under it. False where it was over already. */
  async revokeGrant(grantId: string): Promise<boolean> {
    return isUuid(grantId) && (await this.#writes.add({ grantId }))
  }

  /** Revokes the grants that are there now. */
  async revokeGrants(selector: GrantSelector, call?: Call): Promise<RevokedGrants> {
    if (selector.by === 'loginSession' && !isUuid(selector.loginSessionId)) return { revoked: 0, pending: false }
    const ids = await this.#store.findGrants(selector, call)
    if (selector.by !== 'loginSession' && ids.length >= manyGrants) return this.#revokeAtOnce(selector)
    const revoked = await Promise.all(ids.map((id) => this.revokeGrant(id)))
    return { revoked: revoked.filter(Boolean).length, pending: false }
  }

  async #revokeAtOnce({ subject, clientId = '' }: Selected): Promise<RevokedGrants> {
    const selection = { subject, clientId }
    const notBeforeMs = await this.#subjects.note(selection)
    const expiresAt = this.#latestExpiry()
    await this.#writes.add({ kind: revocationKinds.subject, key: subject, clientId, notBeforeMs, expiresAt })
    const { found: revoked, isAll } = await this.#delete(selection, whileAwaited(deleteForMs))
    // Should it fail, it is logged and done when it is due.
    if (!isAll) void this.#deleteLeft().catch(() => undefined)
    return { revoked, pending: !isAll }
  }

  /** Deletes grants until none is left or the signal ends it. */
  #delete(selection: SubjectSelection, until: Until): Promise<Batches> {
    const isAnyLeft = () => this.#subjects.isAnyLeft(selection)
    return inBatches({ ...until, size: deleteBatch, isAnyLeft }, async () => {
      let deleted = 0
      await this.#log.commit(async (writer, firstSeq) => {
        const batch = await this.#subjects.deleteSome(writer, firstSeq, selection)
        deleted = batch.deleted
        return batch.entries
      })
      return deleted
    })
  }

  /** Deletes what is left of the grants that were revoked at once, by whichever process. */
  #deleteLeft(): Promise<void> {
    this.#deletingLeft ??= this.#deleteAllNoted().finally(() => {
      this.#deletingLeft = undefined
    })
    return this.#deletingLeft
  }

  async #deleteAllNoted(): Promise<void> {
    const { signal } = this.#stopping
    for (const selection of await this.#subjects.list()) await this.#delete(selection, { signal })
    await this.#subjects.forget()
  }

  #latestExpiry(): number {
    return nowSeconds() + this.#longestLifespan + clockMarginSeconds
  }

  /** Revokes the access tokens that a client holds at this moment. Its grants stay. */
  async revokeClientTokens(clientId: string): Promise<void> {
    const expiresAt = this.#latestExpiry()
    await this.#writes.add({
      kind: revocationKinds.client,
      key: clientId,
      notBeforeMs: nowMs(),
      expiresAt,
      clientId: '',
    })
  }

  /** Revokes every access token of a registration that is no more. */
  async revokeRegistration(registrationId: string): Promise<void> {
    const [kind, key, expiresAt] = [revocationKinds.registration, registrationId, this.#latestExpiry()]
    await this.#writes.add({ kind, key, notBeforeMs: 0, expiresAt, clientId: '' })
  }

  /** Asks the database; questions that arrive together are one statement. */
  isRevoked(question: RevocationQuestion): Promise<boolean> {
    return this.#checks.add(question)
  }

  /** The log after a cursor, until the reader stops. Error: `position_lost`. */
  watch(cursor: Uint8Array, signal: AbortSignal): AsyncGenerator<LogMessage<RevocationEntry>, void, undefined> {
    return this.#log.watch(cursor, signal)
  }

  /** The same thing may be asked for several times at once: it is written once, and a grant is ended by the first. */
  async #write(items: readonly Revocation[]): Promise<boolean[]> {
    const entries = new Map<string, RevocationEntry>()
    const grantIds = new Set<string>()
    for (const item of items)
      if ('grantId' in item) grantIds.add(item.grantId)
      else entries.set(`${item.kind} ${item.clientId} ${item.key}`, item)
    let ended = new Set<string>()
    await this.#log.commit(async (writer, firstSeq) => {
      const result = await this.#store.revoke(writer, firstSeq, {
        entries: [...entries.values()],
        grantIds: [...grantIds],
      })
      ended = result.revokedGrants
      return result.entries
    })
    return items.map((item) => ('grantId' in item ? ended.delete(item.grantId) : true))
  }
}
