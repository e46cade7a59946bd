// The signing keys of this process: loaded once, kept, and refreshed in the background. A key is published before it signs,
// and stays published until the last token that it signed has expired.
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs, nowMs } from '../../kit/clock.js'
import { log } from '../../kit/log.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { newUuid } from '../../kit/random.js'
import { repeat } from '../../kit/repeat.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { Sealer } from '../../kit/sealing.js'
import { StartupError } from '../../kit/startup_error.js'
import type { KeyRow, KeyStore, NewKeyRow } from '../store/key_store.js'
import { type Algorithm, findAlgorithm } from './algorithms.js'
import type { ImportedKey } from './imported_key.js'
import { generateKey, planKeyChange } from './key_change.js'
import { accessTokenKeySet, firstKeys, signsTokens } from './key_sets.js'

const refreshEveryMs = 500
const maxBeginnings = 10
/** What the clocks of the processes may differ by, and more. */
const clockMarginMs = 60_000
const purpose = 'signing key'

export interface SigningKey {
  readonly set: string
  readonly kid: string
  readonly alg: string
  readonly algorithm: Algorithm
  readonly ordinal: number
  readonly publicJwk: Readonly<Record<string, unknown>>
  /** Undefined for a public key, and where it was sealed with a secret that this process does not have. */
  readonly privateKey: KeyObject | undefined
  readonly createdAt: Date
  readonly signsFrom: Date
  /** Seconds. */
  readonly longestLifespan: number
  /** When the last token that it signed has expired; undefined while it has no successor. */
  readonly retiresAt: Date | undefined
  /** When it stops signing though it has no successor: it was deleted. */
  readonly retiredAt: Date | null
}

/** What the configuration says of keys. */
export interface KeySettings {
  /** Seconds. */
  readonly publishBeforeUse: number
  readonly publishedSets: readonly string[]
  /** Seconds that tokens live by the configuration; a client's own lifespans are noted when they are met. */
  readonly longestLifespan: number
}

export interface KeyRingOptions extends KeySettings {
  readonly store: KeyStore
  readonly sealer: Sealer
}

export class KeyRing {
  #options: KeyRingOptions
  /** By what they are sealed as. */
  #privateKeys = new Map<string, KeyObject>()
  readonly #stopping = new AbortController()
  /** By set, each algorithm's newest first. */
  #sets = new Map<string, readonly SigningKey[]>()
  #refreshedAt = Number.NEGATIVE_INFINITY
  #revision = ''
  #running: Promise<void> | undefined

  constructor(options: KeyRingOptions) {
    this.#options = options
  }

  reconfigure(settings: KeySettings): void {
    this.#options = { ...this.#options, ...settings }
    this.#revision = this.#computeRevision()
    this.#warnOfLostKeys()
  }

  /** What is in memory goes on signing, and is lost when this process ends. */
  #warnOfLostKeys(): void {
    const sealed = [...this.#privateKeys.keys()].map((name) => Buffer.from(name, 'base64'))
    const lost = sealed.filter((bytes) => !this.#options.sealer.open(purpose, bytes)).length
    if (lost > 0)
      log.error(
        { lost },
        'signing keys are sealed with a secret that secrets.system no longer has: put it back, and rotate the key sets before it goes',
      )
  }

  /** However short the operator wants it: every process sees a key before another signs with it. */
  get #leadMs(): number {
    return Math.max(this.#options.publishBeforeUse * 1_000, 2 * refreshEveryMs)
  }

  /** Makes the first keys where there are none, loads all, and keeps them fresh. Waits for a database that is not there yet. */
  async start(): Promise<void> {
    const { signal } = this.#stopping
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#begin()
        break
      } catch (thrown) {
        const isOutage = thrown instanceof OAuthError && thrown.code === 'temporarily_unavailable'
        if (!isOutage || attempt === maxBeginnings) throw thrown
        await delay(refreshEveryMs, undefined, { signal })
      }
    }
    this.#running ??= repeat({ everyMs: refreshEveryMs, doing: 'refreshing the signing keys', signal }, async () => {
      await this.refresh()
      await this.#deleteRetired()
    })
  }

  async #begin(): Promise<void> {
    await this.refresh()
    const missing = Object.entries(firstKeys).flatMap(([set, algs]) =>
      algs.filter((alg) => !this.keysOf(set).some((key) => key.alg === alg)).map((alg) => ({ set, alg })),
    )
    // Two processes that start at once both make number 1; one of the two is kept, and both use that.
    await Promise.all(missing.map(({ set, alg }) => this.#add(set, alg, { signsFrom: nowMs(), ordinal: 1 })))
    if (missing.length > 0) await this.refresh()
    for (const set of Object.keys(firstKeys))
      if (!this.keysOf(set).some(({ privateKey }) => privateKey))
        throw new StartupError(`the keys of ${set} were sealed with a secret that secrets.system no longer has`)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Changes whenever a published key does. */
  get revision(): string {
    return this.#revision
  }

  get setNames(): readonly string[] {
    return [...this.#sets.keys()].sort()
  }

  get publishedSets(): readonly string[] {
    return [...new Set([...this.#options.publishedSets, accessTokenKeySet])]
  }

  /** The keys of a set, each algorithm's newest first; none for a set that is not there. */
  keysOf(set: string): readonly SigningKey[] {
    return this.#sets.get(set) ?? []
  }

  /** The key that signs now. Where the algorithm is open: the one that the operator added keys to, or else ES256. */
  signingKey(set: string, alg?: string): SigningKey {
    // A process that lost sight of the store may not know of a successor, and its key may have been retired meanwhile.
    if (monotonicMs() - this.#refreshedAt > this.#leadMs + clockMarginMs / 2)
      throw new OAuthError('temporarily_unavailable', 'The signing keys are out of date.')
    const now = nowMs()
    const active = this.keysOf(set).filter(
      ({ privateKey, signsFrom, retiredAt }) =>
        privateKey && signsFrom.getTime() <= now && !(retiredAt && retiredAt.getTime() <= now),
    )
    const found = alg ? active.find((key) => key.alg === alg) : active.sort(byNumberThenEs256)[0]
    if (!found)
      throw new OAuthError('server_error', 'The server has no key for the algorithm that the client registered.', {
        cause: new Error(`no key of ${set} can sign ${alg ?? ''}`),
      })
    return found
  }

  /** To be called before a key signs a token: a retired key stays published until its longest-lived token has expired. */
  async noteLifespan(key: SigningKey, lifespan: number): Promise<void> {
    if (lifespan <= key.longestLifespan) return
    await this.#options.store.noteLifespan(key.set, key.kid, lifespan)
    await this.refresh()
  }

  /** Adds a key, which is published at once and signs later. Errors: `invalid_request`, `conflict`. */
  async create(set: string, alg: string, kid: string, use: string, call: Call): Promise<SigningKey> {
    const wanted = kid || newUuid()
    for (let attempt = 1; attempt <= 5; attempt++) {
      const isAdded = await this.#add(set, alg, { kid: wanted, use, signsFrom: nowMs() + this.#leadMs, call })
      await this.refresh()
      const key = this.keysOf(set).find((candidate) => candidate.kid === wanted)
      if (key && isAdded) return key
      if (key) throw new OAuthError('conflict', 'The set has a key with this kid.')
      // Another process took the number in the same moment.
    }
    throw new OAuthError('temporarily_unavailable')
  }

  /** Gives each algorithm of a set a successor. Two who do so at once add one successor. */
  async rotate(set: string, call: Call): Promise<void> {
    await this.refresh()
    const newest = new Map<string, SigningKey>()
    for (const key of this.keysOf(set)) if (!newest.has(key.alg)) newest.set(key.alg, key)
    const left = new Set(this.keysOf(set).flatMap(({ alg, retiredAt }) => (retiredAt ? [] : [alg])))
    for (const alg of newest.keys()) if (!left.has(alg)) newest.delete(alg)
    if (newest.size === 0) throw new OAuthError('not_found', 'There is no such key set.')
    const signsFrom = nowMs() + this.#leadMs
    await Promise.all(
      [...newest.values()].map(({ alg, ordinal }) => this.#add(set, alg, { signsFrom, ordinal: ordinal + 1, call })),
    )
    await this.refresh()
  }

  /** Whether the key was added: its number or name may be taken. */
  async #add(
    set: string,
    alg: string,
    {
      kid = newUuid(),
      use = 'sig',
      signsFrom,
      ordinal,
      call,
    }: { kid?: string; use?: string; signsFrom: number; ordinal?: number; call?: Call },
  ): Promise<boolean> {
    const algorithm = findAlgorithm(alg)
    if (!algorithm) throw new OAuthError('invalid_request', 'The algorithm is not supported.')
    const row = this.#toRow(set, { ...(await algorithm.generate()), kid, alg, use }, signsFrom)
    return this.#options.store.add(row, ordinal, call)
  }

  #toRow(set: string, { kid, alg, use, publicKey, privateKey }: ImportedKey, signsFrom: number): NewKeyRow {
    return {
      set,
      kid,
      alg,
      publicJwk: JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid, alg, use }),
      privateKey: privateKey
        ? this.#options.sealer.seal(purpose, privateKey.export({ format: 'der', type: 'pkcs8' }))
        : Buffer.alloc(0),
      signsFrom: new Date(signsFrom),
      longestLifespan: this.#options.longestLifespan,
    }
  }

  /**
   * Imports keys and, where it is to have no others, deletes those that the set had. What signs tokens is not taken away:
   * it gets a successor where the server needs one, signs until then, and is published until its last token has expired.
   * Errors: `conflict`, `temporarily_unavailable`.
   */
  async change(set: string, imported: readonly ImportedKey[], isGone: (kid: string) => boolean, call: Call) {
    for (let attempt = 1; attempt <= 5; attempt++) {
      await this.refresh()
      const plan = planKeyChange(set, this.keysOf(set), imported, isGone)
      const made = await Promise.all(plan.missing.map((alg) => generateKey(alg)))
      const retiredAt = new Date(nowMs() + this.#leadMs)
      const { deletions, retirements, added } = plan
      const isDone = await this.#options.store.change(
        set,
        {
          deletions,
          retirements: retirements.map((kid) => ({ kid, retiredAt })),
          additions: this.#numbered(set, [...added, ...made]),
        },
        call,
      )
      await this.refresh()
      if (isDone) return
    }
    throw new OAuthError('temporarily_unavailable', 'The key set is being changed by others at the same time.')
  }

  /** Each key as the next of its algorithm. */
  #numbered(set: string, keys: readonly ImportedKey[]) {
    const numbers = new Map<string, number>()
    for (const { alg, ordinal } of this.keysOf(set)) numbers.set(alg, Math.max(ordinal, numbers.get(alg) ?? 0))
    const signsFrom = nowMs() + (signsTokens(set) ? this.#leadMs : 0)
    return keys.map((key) => {
      const ordinal = (numbers.get(key.alg) ?? 0) + 1
      numbers.set(key.alg, ordinal)
      return { ...this.#toRow(set, key, signsFrom), ordinal }
    })
  }

  async refresh(): Promise<void> {
    const beganAt = monotonicMs()
    const rows = await this.#options.store.list()
    if (beganAt < this.#refreshedAt) return
    const sets = new Map<string, SigningKey[]>()
    const privateKeys = new Map<string, KeyObject>()
    for (const row of rows) {
      const successor = rows.find(
        (o) => o.set === row.set && o.alg === row.alg && o.ordinal > row.ordinal && !o.retiredAt,
      )
      const key = this.#open(row, successor, privateKeys)
      if (key) sets.set(row.set, [key, ...(sets.get(row.set) ?? [])])
    }
    this.#sets = sets
    this.#privateKeys = privateKeys
    this.#refreshedAt = beganAt
    this.#revision = this.#computeRevision()
  }

  #open(row: KeyRow, successor: KeyRow | undefined, opened: Map<string, KeyObject>): SigningKey | undefined {
    const algorithm = findAlgorithm(row.alg)
    if (!algorithm) return undefined
    const privateKey = row.privateKey.length > 0 ? this.#privateKeyOf(row, opened) : undefined
    // Where it has no successor that everybody knows by then, some may learn later that it is not to sign.
    const ends = [successor?.signsFrom.getTime(), row.retiredAt && row.retiredAt.getTime() + this.#leadMs]
    const end = signsTokens(row.set)
      ? Math.min(...ends.map((each) => each ?? Number.POSITIVE_INFINITY))
      : Number.POSITIVE_INFINITY
    const retiresAt = Number.isFinite(end) ? new Date(end + row.longestLifespan * 1_000 + clockMarginMs) : undefined
    return { ...row, algorithm, privateKey, publicJwk: JSON.parse(row.publicJwk), retiresAt }
  }

  #privateKeyOf({ privateKey }: KeyRow, opened: Map<string, KeyObject>): KeyObject | undefined {
    const name = privateKey.toString('base64')
    const der = this.#privateKeys.has(name) ? undefined : this.#options.sealer.open(purpose, privateKey)
    const key = der ? createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) : this.#privateKeys.get(name)
    if (key) opened.set(name, key)
    return key
  }

  #computeRevision(): string {
    const published = this.publishedSets.flatMap((set) =>
      this.keysOf(set).map(({ publicJwk }) => `${set}\0${JSON.stringify(publicJwk)}`),
    )
    return createHash('sha256').update(published.sort().join('\n')).digest('base64url').slice(0, 16)
  }

  async #deleteRetired(): Promise<void> {
    const now = nowMs()
    for (const key of [...this.#sets.values()].flat())
      if (key.retiresAt && key.retiresAt.getTime() < now && signsTokens(key.set))
        await this.#options.store.delete(key.set, key.kid)
  }
}

const byNumberThenEs256 = (one: SigningKey, other: SigningKey): number =>
  other.ordinal - one.ordinal || Number(other.alg === 'ES256') - Number(one.alg === 'ES256')
