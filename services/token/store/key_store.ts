// The signing keys as rows. Private keys are sealed before they come here.
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from './database.js'

export interface KeyRow {
  readonly set: string
  readonly kid: string
  readonly alg: string
  readonly ordinal: number
  readonly publicJwk: string
  readonly privateKey: Buffer
  readonly createdAt: Date
  readonly signsFrom: Date
  readonly longestLifespan: number
  /** When it stops signing though it has no successor; null: it was not deleted. */
  readonly retiredAt: Date | null
}

export type NewKeyRow = Omit<KeyRow, 'ordinal' | 'createdAt' | 'retiredAt'>

/** What is done to a set at once. */
export interface KeyChanges {
  readonly deletions: readonly string[]
  readonly retirements: readonly { readonly kid: string; readonly retiredAt: Date }[]
  readonly additions: readonly (NewKeyRow & { readonly ordinal: number })[]
}

const columns = `set_name AS "set", kid, alg, ordinal, public_jwk AS "publicJwk", private_key AS "privateKey",
  created_at AS "createdAt", signs_from AS "signsFrom", longest_lifespan AS "longestLifespan",
  retired_at AS "retiredAt"`

export const listAll = {
  name: 'list_keys',
  text: `SELECT ${columns} FROM signing_key ORDER BY ordinal /* background */`,
}

export const insertNext = {
  name: 'insert_key',
  text: `INSERT INTO signing_key (set_name, kid, alg, ordinal, public_jwk, private_key, signs_from, longest_lifespan)
    SELECT $1, $2, $3, coalesce($8, (SELECT max(ordinal) + 1 FROM signing_key WHERE set_name = $1 AND alg = $3), 1),
      $4, $5, $6, $7
    ON CONFLICT DO NOTHING RETURNING kid`,
}

export const deleteOne = {
  name: 'delete_key',
  text: 'DELETE FROM signing_key WHERE set_name = $1 AND kid = $2 /* background */',
}

export class KeyStore {
  readonly #database: TokenDatabase

  constructor(database: TokenDatabase) {
    this.#database = database
  }

  /** Every key, each algorithm's oldest first. */
  list(): Promise<KeyRow[]> {
    return this.#database.query(listAll, [])
  }

  /**
   * Adds a key as number `ordinal` of its algorithm, or as the next one. False where there is one of this number or name
   * already.
   */
  async add(row: NewKeyRow, ordinal: number | undefined, call?: Call): Promise<boolean> {
    const { set, kid, alg, publicJwk, privateKey, signsFrom, longestLifespan } = row
    const values = [set, kid, alg, publicJwk, privateKey, signsFrom, longestLifespan, ordinal ?? null]
    return (await this.#database.query(insertNext, values, call)).length > 0
  }

  /** Notes that a key is to sign for tokens that live that long, in seconds. */
  async noteLifespan(set: string, kid: string, lifespan: number): Promise<void> {
    await this.#database.prisma(undefined, (prisma) =>
      prisma.signingKey.updateMany({
        where: { set, kid, longestLifespan: { lt: lifespan } },
        data: { longestLifespan: lifespan },
      }),
    )
  }

  /** All of the changes or none. False where a number or kid was taken meanwhile. */
  async change(set: string, { deletions, retirements, additions }: KeyChanges, call: Call): Promise<boolean> {
    const data = additions.map((row) => ({ ...row, privateKey: new Uint8Array(row.privateKey) }))
    return this.#database.prisma(call, (prisma) =>
      prisma
        .$transaction([
          prisma.signingKey.deleteMany({ where: { set, kid: { in: [...deletions] } } }),
          ...retirements.map(({ kid, retiredAt }) =>
            prisma.signingKey.updateMany({ where: { set, kid, retiredAt: null }, data: { retiredAt } }),
          ),
          prisma.signingKey.createMany({ data }),
        ])
        .then(
          () => true,
          (thrown) => {
            if ((thrown as { code?: unknown } | null)?.code === 'P2002') return false
            throw thrown
          },
        ),
    )
  }

  async delete(set: string, kid: string): Promise<void> {
    await this.#database.query(deleteOne, [set, kid])
  }
}
