// The trusted issuers as rows.
import type { TrustedIssuer as Row } from '#prisma/token/client.js'
import { isUuid } from '../../kit/random.js'
import { inBatches, purgeBatch, type Until } from '../../kit/repeat.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { TokenDatabase } from './database.js'
import * as statements from './trusted_issuer_statements.js'

export type StoredIssuer = Omit<Row, 'kid'>

export type NewIssuer = Omit<Row, 'createdAt'>

export interface IssuerQuery {
  readonly size: number
  /** The last of the page before. */
  readonly after: { readonly createdAtMs: number; readonly id: string } | undefined
  readonly offset: number | undefined
  /** Empty: any. */
  readonly issuer: string
}

export class TrustedIssuerStore {
  readonly #database: TokenDatabase

  constructor(database: TokenDatabase) {
    this.#database = database
  }

  /** Undefined where the issuer is trusted with this key for this subject already. */
  async insert(row: NewIssuer, call: Call): Promise<StoredIssuer | undefined> {
    const { id, issuer, subject, allowAnySubject, kid, scope, publicJwk, expiresAt } = row
    const values = [id, issuer, subject, allowAnySubject, kid, scope, publicJwk, expiresAt]
    const [inserted] = await this.#database.query<StoredIssuer>(statements.insertTrustedIssuer, values, call)
    return inserted
  }

  async find(id: string, call: Call): Promise<StoredIssuer | undefined> {
    if (!isUuid(id)) return undefined
    const [found] = await this.#database.query<StoredIssuer>(statements.findTrustedIssuer, [id], call)
    return found
  }

  /** What an issuer is trusted with for a subject: with the key of this name, or with any. */
  findTrusts(issuer: string, subject: string, kid: string | undefined, call: Call): Promise<StoredIssuer[]> {
    return this.#database.query(statements.findTrusts, [issuer, subject, kid ?? null], call)
  }

  /** In the order of their creation. */
  list({ size, after, offset = 0, issuer }: IssuerQuery, call: Call): Promise<StoredIssuer[]> {
    const position = after ? [new Date(after.createdAtMs), after.id] : [null, null]
    return this.#database.query(statements.listTrustedIssuers, [issuer, size, ...position, offset], call)
  }

  /** How many `list` lists on all pages. */
  async count({ issuer }: Pick<IssuerQuery, 'issuer'>, call: Call): Promise<number> {
    const [row] = await this.#database.query<{ count: number }>(statements.countTrustedIssuers, [issuer], call)
    return row?.count ?? 0
  }

  /** Whether it was there. */
  async delete(id: string, call: Call): Promise<boolean> {
    return isUuid(id) && (await this.#database.query(statements.deleteTrustedIssuer, [id], call)).length > 0
  }

  /** Deletes what has expired, in batches. */
  async purge(until: Until): Promise<void> {
    const purge = (size: number) => this.#database.queryInBackground(statements.purgeTrustedIssuers, [size])
    await inBatches({ ...until, size: purgeBatch }, async (size) => (await purge(size)).length)
  }
}
