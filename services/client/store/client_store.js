import { PrismaClient } from '#prisma/client/client.js'
import { ChangeLog } from '../../kit/change_log.js'
import { Database } from '../../kit/database.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { fromRow, toRow } from './client_row.js'

const findCandidate = {
  name: 'find_candidate',
  text: `SELECT c.client_id IS NOT NULL AS "isRegistered",
                coalesce(c.registration_id, $2::uuid) AS "registrationId",
                coalesce(c.revision, $3::integer) AS revision,
                coalesce(c.token_endpoint_auth_method, $4::text) AS method,
                coalesce(c.secret_hashes, $5::text[]) AS "secretHashes"
           FROM (VALUES ($1::text)) AS shown (client_id) LEFT JOIN client c ON c.client_id = shown.client_id`,
}
/** Entries stay for an hour (prisma/client/schema.prisma); a reader that was away for longer than this begins anew. */
const cursorLifetimeMs = 10 * 60_000
export class ClientStore {
  #database
  changes
  constructor(options) {
    this.#database = new Database(
      { ...options, schema: 'client' },
      (adapter) => new PrismaClient({ adapter, errorFormat: 'minimal' }),
    )
    this.changes = new ChangeLog({
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
  }
  async find(clientId, call) {
    const row = await this.#database.prisma(call, (prisma) => prisma.client.findUnique({ where: { clientId } }))
    return row ? fromRow(row) : undefined
  }
  /** The client to authenticate, or the decoy: it takes the same statement, row and time. */
  async findCandidate(clientId, decoy, call) {
    const { registrationId, revision, method, secretHashes } = decoy
    const values = [clientId, registrationId, revision, method, secretHashes]
    const [candidate] = await this.#database.query(findCandidate, values, call)
    return candidate ?? decoy
  }
  /** Clients in the order of their registration. */
  async list({ size, after, clientName, owner }, call) {
    const beyond = after && {
      createdAt: { gte: after.createdAt },
      OR: [{ createdAt: { gt: after.createdAt } }, { clientId: { gt: after.clientId } }],
    }
    const rows = await this.#database.prisma(call, (prisma) =>
      prisma.client.findMany({
        where: { ...(clientName && { clientName }), ...(owner && { owner }), ...beyond },
        orderBy: [{ createdAt: 'asc' }, { clientId: 'asc' }],
        take: size,
      }),
    )
    return rows.map(fromRow)
  }
  /** Error: `conflict` if there is a client with this id. */
  async create(created) {
    const isCreated = await this.#write(changeOf(created, false), (prisma) =>
      prisma.client.create({ data: toRow(created) }),
    )
    if (!isCreated) throw new OAuthError('conflict', 'A client with this client_id exists already.')
  }
  /** Puts `after` in the place of `before`; false if that is no longer what is there. */
  replace(before, after) {
    return this.#write(changeOf(after, false), (prisma) =>
      prisma.client.update({ where: stateOf(before), data: toRow(after) }),
    )
  }
  /** Deletes the client; false if `before` is no longer what is there. */
  delete(before) {
    return this.#write(changeOf(before, true), (prisma) => prisma.client.delete({ where: stateOf(before) }))
  }
  ping() {
    return this.#database.ping()
  }
  close() {
    return this.#database.close()
  }
  /** The change and its entry in one transaction; false if the row was not as expected. */
  async #write(change, statement) {
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
    return isWritten
  }
}
/** The row is there already (P2002), or no longer as it was read (P2025). */
const isNotAsExpected = (thrown) => ['P2002', 'P2025'].includes(String(thrown?.code))
function stateOf({ client: { clientId, registrationId, revision } }) {
  return { clientId, registrationId, revision }
}
function changeOf({ client }, deleted) {
  const { clientId, registrationId, revision } = client
  return { clientId, registrationId, revision: deleted ? revision + 1 : revision, deleted }
}
//# sourceMappingURL=client_store.js.map
