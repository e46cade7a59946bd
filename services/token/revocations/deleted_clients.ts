// Follows the feed of clients: what was issued to a client that is deleted goes into the log of revocations, for whoever
// reads it, and its grants are deleted. The position is kept in the database, so that nothing that happens while no
// process runs is missed; done twice, by several processes or after a restart, it is the same.
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientChange, ClientServiceService } from '#proto/client/v1/client_service.js'
import { monotonicMs } from '../../kit/clock.js'
import { Transit } from '../../kit/feed.js'
import { log } from '../../kit/log.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Remote } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from '../store/database.js'
import { RevocationStore } from '../store/revocation_store.js'
import type { RevocationLog } from './revocation_log.js'

export interface DeletedClientsOptions {
  readonly database: TokenDatabase
  readonly clients: Remote<typeof ClientServiceService>
  readonly revocations: RevocationLog
}

const savePositionEveryMs = 60_000
const longestPauseMs = 5_000

export class DeletedClients {
  readonly #options: DeletedClientsOptions
  readonly #store: RevocationStore
  readonly #stopping = new AbortController()
  #freshAt = Number.NEGATIVE_INFINITY
  #missingBeforeMs = 0
  #running: Promise<void> | undefined

  constructor(options: DeletedClientsOptions) {
    this.#options = options
    this.#store = new RevocationStore(options.database)
  }

  /** Milliseconds since every client that had been deleted was in the log; infinite before it is known. */
  stalenessMs(): number {
    return monotonicMs() - this.#freshAt
  }

  /** Epoch milliseconds: of the clients deleted before, some may never come into the log; 0: none is missing. */
  get missingBeforeMs(): number {
    return this.#missingBeforeMs
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#follow(() => {
          failures = 0
        })
      } catch (err) {
        if (signal.aborted) return
        log.warn({ err }, 'the feed of clients broke off and is followed again')
        if (err instanceof OAuthError && err.code === 'position_lost') await this.#beginAnew()
      }
      await delay(Math.min(longestPauseMs, 100 * 2 ** failures), undefined, { signal }).catch(() => undefined)
    }
  }

  async #follow(succeeded: () => void): Promise<void> {
    const { position, missingBeforeMs } = await this.#store.loadClientPosition()
    this.#missingBeforeMs = missingBeforeMs
    const transit = new Transit()
    let savedAt = Number.NEGATIVE_INFINITY
    for await (const message of this.#options.clients.watchClients({ position }, { signal: this.#stopping.signal })) {
      const knownAt = transit.sentAt(message.sentAtMs) - message.ageMs
      const deleted = message.changes.filter((change) => change.deleted)
      for (const { registrationId } of deleted) await this.#options.revocations.revokeRegistration(registrationId)
      this.#freshAt = Math.max(this.#freshAt, knownAt)
      for (const change of deleted) await this.#deleteGrants(change)
      if (deleted.length > 0 || monotonicMs() - savedAt > savePositionEveryMs) {
        await this.#store.saveClientPosition(message.position)
        savedAt = monotonicMs()
      }
      succeeded()
    }
  }

  async #deleteGrants({ registrationId }: ClientChange): Promise<void> {
    while (!this.#stopping.signal.aborted && (await this.#store.deleteGrantsOf(registrationId)) > 0);
  }

  /**
   * What was deleted in between is as good as revoked for who knows the clients: tokens and grants name the registration
   * that they belong to. Who reads the log alone is told.
   */
  async #beginAnew(): Promise<void> {
    await this.#store.loseClientPosition().catch(() => undefined)
  }
}
