// Which origins clients have registered for their pages (`allowed_cors_origins`), in memory: a preflight, which anybody can
// send as often as they like, costs no statement. What has changed is read when it is next asked for.
import type { ClientChange } from '#proto/client/v1/client_service.js'
import type { LogMessage } from '../kit/change_log_reader.js'
import { FeedFollower } from '../kit/feed.js'
import type { ClientStore } from './store/client_store.js'

/** Beyond so many changed clients all are read, which is one statement too. */
const maxChanged = 10_000

export class CorsOrigins {
  readonly #store: Pick<ClientStore, 'changes' | 'corsOrigins'>
  readonly #follower: FeedFollower<Uint8Array, LogMessage<ClientChange>>
  /** Of clients that have some. */
  readonly #byClient = new Map<string, readonly string[]>()
  /** How many clients have an origin. */
  readonly #counts = new Map<string, number>()
  /** Clients that were changed since they were read. */
  #changed = new Set<string>()
  #isComplete = false
  #reading: Promise<void> | undefined

  constructor(store: Pick<ClientStore, 'changes' | 'corsOrigins'>) {
    this.#store = store
    this.#follower = new FeedFollower<Uint8Array, LogMessage<ClientChange>>({
      name: 'origins of clients',
      open: (position, signal) => this.#watch(position, signal),
      take: ({ entries, cursor, ageMs, sentAtMs }) => {
        for (const { clientId } of entries) this.#changed.add(clientId)
        if (this.#changed.size > maxChanged) this.#forget()
        return { position: cursor, ageMs, sentAtMs }
      },
      reset: () => this.#forget(),
    })
  }

  stop(): Promise<void> {
    return this.#follower.stop()
  }

  /** Whether pages of an origin may read what a client is answered; without a client: what some client is. */
  async allows(origin: string, clientId: string): Promise<boolean> {
    // Where nobody asks, nothing is followed.
    this.#follower.start()
    // A reading that is under way may have begun before the last change; one that begins after it has not.
    await this.#reading
    if (this.#reading || !this.#isComplete || this.#changed.size > 0) await this.#readTogether()
    return clientId === '' ? this.#counts.has(origin) : (this.#byClient.get(clientId)?.includes(origin) ?? false)
  }

  async *#watch(position: Uint8Array | undefined, signal: AbortSignal): AsyncGenerator<LogMessage<ClientChange>> {
    let isNew = position === undefined
    for await (const message of this.#store.changes.watch(position ?? new Uint8Array(), signal)) {
      // What was read before the feed began may have changed before it, too.
      if (isNew) this.#forget()
      isNew = false
      yield message
    }
  }

  #forget(): void {
    this.#isComplete = false
    this.#changed.clear()
  }

  #readTogether(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const all = !this.#isComplete
    const changed = this.#changed
    this.#changed = new Set()
    this.#isComplete = true
    try {
      const found = await this.#store.corsOrigins(all ? undefined : [...changed])
      for (const clientId of all ? [...this.#byClient.keys()] : changed) this.#set(clientId, [])
      for (const { clientId, origins } of found) this.#set(clientId, origins)
    } catch (thrown) {
      this.#forget()
      throw thrown
    }
  }

  #set(clientId: string, origins: readonly string[]): void {
    for (const origin of new Set(this.#byClient.get(clientId))) {
      const count = (this.#counts.get(origin) ?? 0) - 1
      if (count > 0) this.#counts.set(origin, count)
      else this.#counts.delete(origin)
    }
    for (const origin of new Set(origins)) this.#counts.set(origin, (this.#counts.get(origin) ?? 0) + 1)
    if (origins.length > 0) this.#byClient.set(clientId, origins)
    else this.#byClient.delete(clientId)
  }
}
