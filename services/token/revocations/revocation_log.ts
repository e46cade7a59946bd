// The log of revocations: what every path that ends tokens writes to, and every reader of the feed follows (RFC 7009).
import { ChangeLog } from '../../kit/change_log.js'
import type { LogMessage } from '../../kit/change_log_reader.js'
import { nowMs, nowSeconds } from '../../kit/clock.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import { isUuid } from '../../kit/random.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from '../store/database.js'
import {
  clockMarginSeconds,
  entryColumns,
  type GrantSelector,
  type RevocationEntry,
  type RevocationQuestion,
  RevocationStore,
  revocationKinds,
  toEntry,
} from '../store/revocation_store.js'

export interface RevocationLogOptions {
  readonly database: TokenDatabase
  /** Seconds: no access token lives longer than that, whatever a client's own lifespans say. */
  readonly longestAccessTokenLifespan: number
}

/** An entry to write, or a grant to end. */
type Revocation = RevocationEntry | { readonly grantId: string }

/** A reader that comes back later than that begins anew. */
const cursorLifetimeMs = 3_600_000

export class RevocationLog {
  readonly #store: RevocationStore
  readonly #log: ChangeLog<RevocationEntry>
  readonly #writes: GroupedWrites<Revocation, boolean>
  readonly #checks: GroupedWrites<RevocationQuestion, boolean>
  #asked = 0
  readonly #longestLifespan: number

  constructor({ database, longestAccessTokenLifespan }: RevocationLogOptions) {
    this.#store = new RevocationStore(database)
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
  }

  stop(): Promise<void> {
    return this.#log.stop()
  }

  /** Revokes one access token by its `jti`; `expiresAt` is its own expiry in epoch seconds. */
  async revokeToken(tokenId: string, expiresAt: number): Promise<void> {
    if (expiresAt + clockMarginSeconds < nowSeconds()) return
    const entry = {
      kind: revocationKinds.token,
      key: tokenId,
      notBeforeMs: 0,
      expiresAt: expiresAt + clockMarginSeconds,
    }
    await this.#writes.add(entry)
  }

  /** Revokes a grant: its code or refresh token, and every access token issued under it. False where it was over already. */
  async revokeGrant(grantId: string): Promise<boolean> {
    return isUuid(grantId) && (await this.#writes.add({ grantId }))
  }

  /** Revokes the grants that are there now; returns how many. */
  async revokeGrants(selector: GrantSelector, call?: Call): Promise<number> {
    if (selector.by === 'loginSession' && !isUuid(selector.loginSessionId)) return 0
    const ids = await this.#store.findGrants(selector, call)
    const revoked = await Promise.all(ids.map((id) => this.revokeGrant(id)))
    return revoked.filter(Boolean).length
  }

  /** Revokes the access tokens that a client holds at this moment. Its grants stay. */
  async revokeClientTokens(clientId: string): Promise<void> {
    const expiresAt = nowSeconds() + this.#longestLifespan + clockMarginSeconds
    await this.#writes.add({ kind: revocationKinds.client, key: clientId, notBeforeMs: nowMs(), expiresAt })
  }

  /** Revokes every access token of a registration that is no more. */
  async revokeRegistration(registrationId: string): Promise<void> {
    const expiresAt = nowSeconds() + this.#longestLifespan + clockMarginSeconds
    await this.#writes.add({ kind: revocationKinds.registration, key: registrationId, notBeforeMs: 0, expiresAt })
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
      else entries.set(`${item.kind} ${item.key}`, item)
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
