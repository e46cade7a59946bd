// Keeps clients: reads by key, lists by pages, and writes together with the log of changes that readers follow.
import type { QueryResultRow } from 'pg'
import { PrismaClient, type Client as Row } from '#prisma/client/client.js'
import type { ClientChange } from '#proto/client/v1/client_service.js'
import { ChangeLog } from '../../kit/change_log.js'
import { Database, type DatabaseOptions, type HasSignal } from '../../kit/database.js'
import { GroupedReads } from '../../kit/grouped_reads.js'
import { GroupedWrites } from '../../kit/grouped_writes.js'
import { log } from '../../kit/log.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Call } from '../../kit/rpc/contract.js'
import { UsedIds } from '../../kit/used_ids.js'
import { fromRow, type StoredClient, toColumns, toRow } from './client_row.js'
import { createClients, findClients } from './client_statements.js'

export type { StoredClient } from './client_row.js'

/** What a client is authenticated against. There may be no such client: then it is a decoy of the same form. */
export interface Candidate {
  readonly isRegistered: boolean
  readonly registrationId: string
  readonly revision: number
  readonly method: string
  readonly secretHashes: readonly string[]
  /** The algorithm that it registered for assertions; empty: none in particular. */
  readonly signingAlg: string
  /** JSON; null where there is none or none was asked for. */
  readonly jwks: string | null
  readonly jwksUri: string
}

export interface ClientFilter {
  readonly clientName: string | undefined
  readonly owner: string | undefined
}

export interface ClientQuery extends ClientFilter {
  readonly size: number
  /** The last client of the page before. */
  readonly after: { readonly createdAt: Date; readonly clientId: string } | undefined
  /** How many to leave out. */
  readonly offset: number | undefined
}

export const findCandidate = {
  name: 'find_candidate',
  text: `SELECT c.client_id IS NOT NULL AS "isRegistered",
                coalesce(c.registration_id, $2::uuid) AS "registrationId",
                coalesce(c.revision, $3::integer) AS revision,
                coalesce(c.token_endpoint_auth_method, $4::text) AS method,
                coalesce(c.secret_hashes, $5::text[]) AS "secretHashes",
                coalesce(c.token_endpoint_auth_signing_alg, '') AS "signingAlg",
                CASE WHEN $6::boolean THEN c.jwks END AS jwks, coalesce(c.jwks_uri, '') AS "jwksUri"
           FROM (VALUES ($1::text)) AS shown (client_id) LEFT JOIN client c ON c.client_id = shown.client_id`,
}

export const corsOrigins = {
  name: 'cors_origins',
  text: `SELECT client_id AS "clientId", allowed_cors_origins AS origins FROM client
          WHERE cardinality(allowed_cors_origins) > 0 AND ($1::text[] IS NULL OR client_id = ANY($1)) /* background */`,
}

/** Entries stay for an hour (prisma/client/schema.prisma); a reader that was away for longer than this begins anew. */
const cursorLifetimeMs = 10 * 60_000

export class ClientStore {
  readonly #database: Database<PrismaClient>
  readonly changes: ChangeLog<ClientChange>
  /** The assertions that clients have authenticated with. */
  readonly usedAssertions: UsedIds
  readonly #lookups = new GroupedReads<string, StoredClient | undefined>((clientIds, call) =>
    this.#find(clientIds, call),
  )
  /** One at a time, as the log takes them. */
  readonly #creations = new GroupedWrites<StoredClient, boolean>({
    keyOf: ({ client }) => client.clientId,
    write: (clients) => this.#create(clients),
    maxBatch: 64,
    concurrency: 1,
  })

  constructor(options: Omit<DatabaseOptions, 'schema'>) {
    this.#database = new Database(
      { ...options, schema: 'client' },
      (adapter) => new PrismaClient({ adapter, errorFormat: 'minimal' }),
    )
    this.changes = new ChangeLog<ClientChange>({
      database: this.#database,
      entryTable: 'client_change',
      writerTable: 'client_change_writer',
      columns: ['client_id', 'revision', 'deleted', 'registration_id'],
      fromRow: ({ client_id: clientId, revision, deleted, registration_id: registrationId }) => ({
        clientId,
        revision,
        deleted,
        registrationId,
      }),
      emptyCursor: 'now',
      cursorLifetimeMs,
    })
    this.usedAssertions = new UsedIds(this.#database, 'used_assertion')
  }

  find(clientId: string, call: Call): Promise<StoredClient | undefined> {
    return this.#lookups.ask(clientId, call)
  }

  /** The client to authenticate, or the decoy: it takes the same statement, row and time. */
  async findCandidate(clientId: string, decoy: Candidate, withKeys: boolean, call: Call): Promise<Candidate> {
    const { registrationId, revision, method, secretHashes } = decoy
    const values = [clientId, registrationId, revision, method, secretHashes, withKeys]
    const [candidate] = await this.#database.query<Candidate & QueryResultRow>(findCandidate, values, call)
    return candidate ?? decoy
  }

  /** Clients in the order of their registration. */
  async list({ size, after, offset = 0, ...filter }: ClientQuery, call: Call): Promise<StoredClient[]> {
    const beyond = after && {
      createdAt: { gte: after.createdAt },
      OR: [{ createdAt: { gt: after.createdAt } }, { clientId: { gt: after.clientId } }],
    }
    const rows = await this.#database.prisma(call, (prisma) =>
      prisma.client.findMany({
        where: { ...conditionOf(filter), ...beyond },
        orderBy: [{ createdAt: 'asc' }, { clientId: 'asc' }],
        take: size,
        skip: offset,
      }),
    )
    return rows.map(fromRow)
  }

  count(filter: ClientFilter, call: Call): Promise<number> {
    return this.#database.prisma(call, (prisma) => prisma.client.count({ where: conditionOf(filter) }))
  }

  /** The origins of those of the clients that have some; of all without a list. */
  corsOrigins(clientIds: readonly string[] | undefined): Promise<{ clientId: string; origins: string[] }[]> {
    return this.#database.queryInBackground(corsOrigins, [clientIds ?? null])
  }

  /** Error: `conflict` if there is a client with this id. */
  async create(created: StoredClient): Promise<void> {
    if (!(await this.#creations.add(created)))
      throw new OAuthError('conflict', 'A client with this client_id exists already.')
  }

  /** Puts `after` in the place of `before`; false if that is no longer what is there. */
  replace(before: StoredClient, after: StoredClient): Promise<boolean> {
    return this.#write(changeOf(after, false), (prisma) =>
      prisma.client.update({ where: stateOf(before), data: toRow(after) }),
    )
  }

  /** Deletes the client; false if `before` is no longer what is there. */
  delete(before: StoredClient): Promise<boolean> {
    return this.#write(changeOf(before, true), (prisma) => prisma.client.delete({ where: stateOf(before) }))
  }

  ping(): Promise<boolean> {
    return this.#database.ping()
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #find(clientIds: readonly string[], call: HasSignal | undefined): Promise<(StoredClient | undefined)[]> {
    const rows = await this.#database.query<Row>(findClients, [[...new Set(clientIds)]], call)
    const byId = new Map(rows.map((row) => [row.clientId, row]))
    return clientIds.map((clientId) => {
      const row = byId.get(clientId)
      return row && fromRow(row)
    })
  }

  /** Which of the clients are new and were written, in their order. */
  async #create(clients: readonly StoredClient[]): Promise<boolean[]> {
    const changes = new Map(clients.map((stored) => [stored.client.clientId, changeOf(stored, false)]))
    let created: ClientChange[] = []
    await this.changes.commit(async (writer, seq) => {
      const values = [writer, seq, JSON.stringify(clients.map(toColumns))]
      const rows = await this.#database.query<{ seq: string; clientId: string }>(createClients, values)
      rows.sort((one, other) => Number(one.seq) - Number(other.seq))
      created = rows.flatMap(({ clientId }) => changes.get(clientId) ?? [])
      return created
    })
    for (const change of created) log.info(change, 'a client changed')
    const ids = new Set(created.map(({ clientId }) => clientId))
    return clients.map(({ client }) => ids.has(client.clientId))
  }

  /** The change and its entry in one transaction; false if the row was not as expected. */
  async #write(change: ClientChange, statement: (prisma: PrismaClient) => Statement): Promise<boolean> {
    let isWritten = false
    await this.changes.commit(async (writer, seq) => {
      isWritten = await this.#database.prisma(undefined, async (prisma) => {
        const entry = prisma.clientChange.create({ data: { ...change, writer, seq } })
        return prisma.$transaction([statement(prisma), entry]).then(
          () => true,
          (thrown) => {
            if (isNotAsExpected(thrown)) return false
            throw thrown
          },
        )
      })
      return isWritten ? [change] : []
    })
    if (isWritten) log.info(change, 'a client changed')
    return isWritten
  }
}

const conditionOf = ({ clientName, owner }: ClientFilter) => ({
  ...(clientName && { clientName }),
  ...(owner && { owner }),
})

type Statement = ReturnType<PrismaClient['client']['update' | 'delete']>

/** The row is no longer as it was read. */
const isNotAsExpected = (thrown: unknown): boolean => (thrown as { code?: unknown } | null)?.code === 'P2025'

function stateOf({ client: { clientId, registrationId, revision } }: StoredClient) {
  return { clientId, registrationId, revision }
}

function changeOf({ client }: StoredClient, deleted: boolean): ClientChange {
  const { clientId, registrationId, revision } = client
  return { clientId, registrationId, revision: deleted ? revision + 1 : revision, deleted }
}
