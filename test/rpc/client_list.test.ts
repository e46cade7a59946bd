// ClientService/ListClients: pages that stay true (security.md AD-04).
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Clients,
  refusalOf,
  register,
  type StartedClientService,
  startClientService,
} from '../support/client_service.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

let database: FreshDatabase
let started: StartedClientService
let clients: Clients
let admin: pg.Client

beforeAll(async () => {
  database = await freshDatabase()
  started = await startClientService(database.dsn)
  clients = started.clients
  admin = new pg.Client({ connectionString: database.dsn })
  await admin.connect()
  // All at the same moment, so that only the id tells them apart.
  for (let index = 0; index < 12; index++)
    await register(clients, {
      clientId: `c${String(index).padStart(2, '0')}`,
      owner: index % 3 ? 'a' : 'b',
      clientName: `n${index % 2}`,
    })
  await admin.query(`UPDATE client.client SET created_at = '2026-01-01' WHERE client_id < 'c06'`)
  await admin.query(`UPDATE client.client SET created_at = '2026-01-02' WHERE client_id >= 'c06'`)
})
afterAll(async () => {
  await admin.end()
  await started.running.stop()
  await database.drop()
})

const list = (request: Partial<Parameters<Clients['listClients']>[0]> = {}) =>
  clients.listClients({ pageSize: 0, pageToken: '', clientName: '', owner: '', ...request })

/** The ids on each page. */
async function pages(
  pageSize: number,
  between: (page: number) => Promise<unknown> = async () => undefined,
): Promise<string[][]> {
  const found: string[][] = []
  for (let pageToken = '', more = true; more; more = pageToken !== '') {
    const page = await list({ pageSize, pageToken })
    found.push(page.clients.map(({ clientId }) => clientId))
    pageToken = page.nextPageToken
    await between(found.length)
  }
  return found
}

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `c${String(from + index).padStart(2, '0')}`)

describe('ListClients', () => {
  it.each([1, 5, 6, 12, 13, 500, 4_294_967_295])(
    'AD-04: pages of %d hold every client once, oldest first',
    async (size) => {
      const found = await pages(size)
      expect(found.flat()).toEqual(ids(0, 12))
      for (const page of found.slice(0, -1)) expect(page).toHaveLength(size)
      expect(found.at(-1)?.length).toBeGreaterThan(0)
    },
  )

  it('AD-04: a page is bounded however much is asked for', async () => {
    await admin.query(`INSERT INTO client.client SELECT 'many' || n, registration_id, revision, secret_hashes, created_at + n * interval '1 ms', updated_at, 'many', owner
      ${`, ${await restOfColumns()}`} FROM client.client, generate_series(1, 600) n WHERE client_id = 'c00'`)
    expect((await list({ clientName: 'many' })).clients).toHaveLength(100)
    expect((await list({ clientName: 'many', pageSize: 10 ** 9 })).clients).toHaveLength(500)
    await admin.query(`DELETE FROM client.client WHERE client_name = 'many'`)
  })

  it('name and owner are matched exactly, together and over pages', async () => {
    const idsOf = async (request: object) => (await list(request)).clients.map(({ clientId }) => clientId)
    expect(await idsOf({ owner: 'b' })).toEqual(['c00', 'c03', 'c06', 'c09'])
    expect(await idsOf({ owner: 'b', clientName: 'n1' })).toEqual(['c03', 'c09'])
    for (const owner of ['B', 'b%', '%', 'b ', "b' OR ''='"]) expect(await idsOf({ owner }), owner).toEqual([])
    const first = await list({ owner: 'b', pageSize: 3 })
    expect(await idsOf({ owner: 'b', pageSize: 3, pageToken: first.nextPageToken })).toEqual(['c09'])
  })

  it('a page token stays good whatever is created or deleted meanwhile', async () => {
    const found = await pages(4, async (page) => {
      if (page !== 1) return
      await clients.deleteClient({ clientId: 'c03' })
      await clients.deleteClient({ clientId: 'c05' })
      await register(clients, { clientId: 'new' })
    })
    expect(found).toEqual([ids(0, 4), ['c04', 'c06', 'c07', 'c08'], ['c09', 'c10', 'c11', 'new']])
  })

  it('AD-04: a page token that the server did not give is refused', async () => {
    const { nextPageToken } = await list({ pageSize: 1 })
    const changed = `${nextPageToken.slice(0, -2)}${nextPageToken.endsWith('AA') ? 'BB' : 'AA'}`
    const made = Buffer.from(JSON.stringify([0, 'c00'])).toString('base64url')
    for (const pageToken of [changed, made, 'x', `${nextPageToken}=`, '\0', 'x'.repeat(3_000)])
      expect((await refusalOf(list({ pageToken }))).code, pageToken).toBe('invalid_request')
  })

  it('HT-10: a filter that no client could match as text is refused', async () => {
    expect((await refusalOf(list({ owner: 'a\0' }))).code).toBe('invalid_request')
    expect((await refusalOf(list({ clientName: '\ud800' }))).code).toBe('invalid_request')
  })
})

/** The columns after the ones that the copies have their own values for. */
async function restOfColumns(): Promise<string> {
  const { rows } = await admin.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns
      WHERE table_schema = 'client' AND table_name = 'client' AND ordinal_position > 8 ORDER BY ordinal_position`,
  )
  return rows.map(({ column_name }) => column_name).join(', ')
}
