// The grants as rows. Concurrent writes of one kind travel in one statement, and every caller is answered after its commit.
import type { Grant as GrantRow } from '#prisma/token/client.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import { isUuid } from '../../kit/random.js'
import { inBatches, purgeBatch, type Until } from '../../kit/repeat.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from './database.js'
import {
  findGrant,
  insertGrants,
  purgeGrants,
  purgeOldGrants,
  redeemGrants,
  refreshGrants,
} from './grant_statements.js'

/** A grant as it is read. A row that names no login session has the one of its own id. */
export interface Grant extends Omit<GrantRow, 'loginSessionId'> {
  readonly loginSessionId: string
}

/** What tokens say of a grant. */
export type GrantContent = Pick<Grant, 'id' | 'clientId' | 'registrationId' | 'subject' | 'obfuscatedSubject'> &
  Pick<Grant, 'loginSessionId' | 'audience' | 'acr' | 'amr' | 'accessTokenClaims' | 'idTokenClaims'> &
  Pick<Grant, 'authenticatedAt' | 'requestedAt' | 'absoluteExpiresAt'>

export interface NewGrant
  extends Pick<Grant, 'id' | 'clientId' | 'registrationId' | 'subject' | 'obfuscatedSubject' | 'loginSessionId'>,
    Pick<Grant, 'scope' | 'audience' | 'nonce' | 'acr' | 'amr' | 'accessTokenClaims' | 'idTokenClaims'> {
  /** Epoch seconds; null if unknown. */
  readonly authenticatedAt: number | null
  readonly requestedAt: number | null
  /** Seconds; 0 where there is no code. */
  readonly codeLifespan: number
  /** Seconds after which the row is looked at. */
  readonly purgeAfter: number
  /** Seconds; null: no absolute end. */
  readonly absoluteLifespan: number | null
  /** Epoch seconds; null where the grant begins without an access token. */
  readonly accessExpiresAt: number | null
}

export interface Redemption {
  readonly grantId: string
  /** The client may use refresh tokens at all; the grant's scope decides the rest. */
  readonly mayRefresh: boolean
  /** Seconds; null: for ever. */
  readonly refreshLifespan: number | null
  /** Epoch seconds. */
  readonly accessExpiresAt: number
  /** Null where no refresh is to revoke the access token. */
  readonly accessTokenId: string | null
  /** Claims that take the place of the grant's own, as JSON; undefined: it keeps them. */
  readonly claims: { readonly accessToken: string | null; readonly idToken: string | null } | undefined
}

export interface Rotation extends Omit<Redemption, 'mayRefresh'> {
  /** The generation of the token that was presented. */
  readonly generation: number
  readonly clientId: string
  readonly registrationId: string
  /** The scope that is asked for, separated by spaces; empty: all that was granted. */
  readonly scope: string
}

export interface GraceOptions {
  /** Seconds that the refresh token before the present one can still be used. */
  readonly gracePeriod: number
  /** How often at most; 0: without limit. */
  readonly graceReuseCount: number
}

export class GrantStore {
  readonly #database: TokenDatabase
  #grace: GraceOptions
  readonly #inserts = new GroupedWrites<NewGrant, boolean>({
    keyOf: ({ id }) => id,
    write: (grants) => this.#insert(grants),
  })
  readonly #redemptions = new GroupedWrites<Redemption, Grant | undefined>({
    keyOf: ({ grantId }) => grantId,
    write: (redemptions) => this.#redeem(redemptions),
  })
  readonly #rotations = new GroupedWrites<Rotation, Grant | undefined>({
    keyOf: ({ grantId }) => grantId,
    write: (rotations) => this.#rotate(rotations),
  })

  readonly #redeeming = new UnderWay<Grant | undefined>()
  readonly #rotating = new UnderWay<Grant | undefined>()

  constructor(database: TokenDatabase, grace: GraceOptions) {
    this.#database = database
    this.#grace = grace
  }

  reconfigure(grace: GraceOptions): void {
    this.#grace = grace
  }

  /** False where there is a grant of this id. */
  insert(grant: NewGrant): Promise<boolean> {
    return this.#inserts.add(grant)
  }

  /**
   * The grant whose code this call, and no other, has redeemed; undefined if it did not. Whoever comes while another call
   * redeems the same code has lost already, and needs no statement to know it.
   */
  async redeem(redemption: Redemption): Promise<Grant | undefined> {
    const { grantId } = redemption
    for (let other = this.#redeeming.get(grantId); other; other = this.#redeeming.get(grantId))
      if (await wasWritten(other)) return undefined
    return this.#redeeming.keep(grantId, this.#redemptions.add(redemption))
  }

  /**
   * The grant in the generation after the token's; undefined where the token is not good for that. Where a grace period
   * gives a retry the same successor, calls that come at once with one token are one use of it.
   */
  rotate(rotation: Rotation): Promise<Grant | undefined> {
    const { grantId, generation, clientId, registrationId, scope, accessTokenId } = rotation
    if (this.#grace.gracePeriod === 0 || accessTokenId !== null) return this.#rotations.add(rotation)
    const use = JSON.stringify([grantId, generation, clientId, registrationId, scope])
    return this.#rotating.get(use) ?? this.#rotating.keep(use, this.#rotations.add(rotation))
  }

  async find(id: string, call?: Call): Promise<Grant | null> {
    if (!isUuid(id)) return null
    const [grant] = await this.#database.query<Grant>(findGrant, [id], call)
    return grant ?? null
  }

  /** Deletes grants that are over, but none that began after `notAfter`, in batches, until none is due; returns how many. */
  async purge(until: Until, notAfter?: Date): Promise<number> {
    if (notAfter) {
      const purgeOld = (size: number) => this.#database.query(purgeOldGrants, [size, notAfter])
      return (await inBatches({ ...until, size: purgeBatch }, async (size) => (await purgeOld(size)).length)).found
    }
    let purged = 0
    await inBatches({ ...until, size: purgeBatch }, async (size) => {
      const [row] = await this.#database.query<{ due: number; purged: number }>(purgeGrants, [size])
      purged += row?.purged ?? 0
      return row?.due ?? 0
    })
    return purged
  }

  async #insert(grants: readonly NewGrant[]): Promise<boolean[]> {
    const column = <K extends keyof NewGrant>(key: K) => grants.map((grant) => grant[key])
    const values = [
      ...[column('id'), column('clientId'), column('registrationId'), column('subject'), column('obfuscatedSubject')],
      ...[column('loginSessionId'), column('scope'), column('audience'), column('nonce'), column('acr'), column('amr')],
      ...[column('accessTokenClaims'), column('idTokenClaims'), column('authenticatedAt'), column('requestedAt')],
      ...[column('codeLifespan'), column('purgeAfter'), column('absoluteLifespan'), column('accessExpiresAt')],
    ]
    const rows = await this.#database.query<{ id: string }>(insertGrants, values)
    const inserted = new Set(rows.map(({ id }) => id))
    return grants.map(({ id }) => inserted.has(id))
  }

  async #redeem(redemptions: readonly Redemption[]): Promise<(Grant | undefined)[]> {
    const sorted = inOrderOfIds(redemptions)
    const rows = await this.#database.query<Grant>(redeemGrants, [
      sorted.map(({ grantId }) => grantId),
      sorted.map(({ mayRefresh }) => mayRefresh),
      sorted.map(({ refreshLifespan }) => refreshLifespan),
      sorted.map(({ accessExpiresAt }) => accessExpiresAt),
      sorted.map(({ accessTokenId }) => accessTokenId),
      ...claimColumns(sorted),
    ])
    return matchRows(redemptions, rows)
  }

  async #rotate(rotations: readonly Rotation[]): Promise<(Grant | undefined)[]> {
    const sorted = inOrderOfIds(rotations)
    const rows = await this.#database.query<Grant>(refreshGrants, [
      sorted.map(({ grantId }) => grantId),
      sorted.map(({ generation }) => generation),
      sorted.map(({ clientId }) => clientId),
      sorted.map(({ registrationId }) => registrationId),
      sorted.map(({ scope }) => scope),
      sorted.map(({ refreshLifespan }) => refreshLifespan),
      sorted.map(({ accessExpiresAt }) => accessExpiresAt),
      sorted.map(({ accessTokenId }) => accessTokenId),
      this.#grace.gracePeriod,
      this.#grace.graceReuseCount,
      ...claimColumns(sorted),
    ])
    return matchRows(rotations, rows)
  }
}

/** Writes that are not done yet, by what they write. */
class UnderWay<T> {
  readonly #promises = new Map<string, Promise<T>>()

  get(key: string): Promise<T> | undefined {
    return this.#promises.get(key)
  }

  keep(key: string, promise: Promise<T>): Promise<T> {
    this.#promises.set(key, promise)
    const forget = () => this.#promises.delete(key)
    promise.then(forget, forget)
    return promise
  }
}

/** Waits for a write; false if nobody can say what became of it. */
const wasWritten = (write: Promise<unknown>): Promise<boolean> =>
  write.then(
    () => true,
    () => false,
  )

/** Two processes that change the same rows take them in the same order, so that neither waits for the other. */
const inOrderOfIds = <T extends { readonly grantId: string }>(items: readonly T[]): T[] =>
  [...items].sort((one, other) => (one.grantId < other.grantId ? -1 : 1))

const claimColumns = (items: readonly Pick<Redemption, 'claims'>[]): unknown[][] => [
  items.map(({ claims }) => claims !== undefined),
  items.map(({ claims }) => claims?.accessToken ?? null),
  items.map(({ claims }) => claims?.idToken ?? null),
]

function matchRows(items: readonly { readonly grantId: string }[], rows: readonly Grant[]): (Grant | undefined)[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return items.map(({ grantId }) => byId.get(grantId))
}
