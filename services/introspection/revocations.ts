// Whether a token was revoked: from memory while that is fresh enough, else from the database by way of the token service.
import type { RevocationServiceService, WatchRevocationsResponse } from '#proto/token/v1/revocation_service.js'
import { FeedFollower } from '../kit/feed.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call, Remote } from '../kit/rpc/contract.js'
import { idBytes, type ReceivedToken } from './received_token.js'
import { RevocationIndex } from './revocation_index.js'

export interface RevocationsOptions {
  readonly service: Remote<typeof RevocationServiceService>
  readonly maxStalenessMs: number
  /** Told of the revision of the published keys. */
  readonly onKeysRevision: (revision: string) => void
}

export class Revocations {
  readonly #options: RevocationsOptions
  /** Beyond this staleness memory does not say that a token was not revoked. */
  maxStalenessMs: number
  readonly #index = new RevocationIndex()
  readonly #follower: FeedFollower<Buffer, WatchRevocationsResponse>

  constructor(options: RevocationsOptions) {
    this.#options = options
    this.maxStalenessMs = options.maxStalenessMs
    this.#follower = new FeedFollower({
      name: 'revocations',
      open: (cursor, signal) => options.service.watchRevocations({ cursor: cursor ?? Buffer.alloc(0) }, { signal }),
      take: (message) => this.#take(message),
      reset: () => this.#index.clear(),
    })
  }

  start(): void {
    this.#follower.start()
  }

  stop(): Promise<void> {
    return this.#follower.stop()
  }

  /** Milliseconds since all that had been revoked was known here. */
  stalenessMs(): number {
    return this.#follower.stalenessMs()
  }

  /** Whether memory may say that a token was not revoked. */
  isFresh(): boolean {
    return this.#follower.stalenessMs() <= this.maxStalenessMs
  }

  /** Whether memory knows that a token was revoked: for good, however stale memory is. */
  isKnown(token: ReceivedToken): boolean {
    return this.#index.has(token)
  }

  /** Asks the database. Error: `temporarily_unavailable`. */
  async check(token: ReceivedToken, call: Call): Promise<boolean> {
    const { id, clientId, subject, issuedAtMs } = token
    const toUuid = (compact: string) => compact && uuidFromBytes(idBytes(compact))
    const ids = { tokenId: toUuid(id), grantId: toUuid(token.grantId), registrationId: toUuid(token.registrationId) }
    const question = { ...ids, clientId, subject, issuedAtMs }
    return (await this.#options.service.checkRevocation(question, call)).revoked
  }

  #take({ revocations, cursor, ageMs, sentAtMs, keysRevision }: WatchRevocationsResponse) {
    for (const revocation of revocations) this.#index.add(revocation)
    this.#index.sweep()
    this.#options.onKeysRevision(keysRevision)
    return { position: cursor, ageMs, sentAtMs }
  }
}
