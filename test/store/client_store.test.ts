// Clients that are looked up at once are one statement, and each caller's own limits hold.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import { ClientStore } from '../../services/client/store/client_store.js'
import { newUuid } from '../../services/kit/random.js'
import type { Call } from '../../services/kit/rpc/contract.js'
import { eventually } from '../support/eventually.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'
import { countStatements } from '../support/token_service.js'

const ids = Array.from({ length: 20 }, (_, index) => `client-${index}`)
let fresh: FreshDatabase
let database: pg.Pool
let store: ClientStore

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new pg.Pool({ connectionString: fresh.dsn, options: '-c search_path=client,public' })
  await database.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public')
  store = new ClientStore({ dsn: fresh.dsn, maxConnections: 4 })
  const times = { createdAt: new Date(), updatedAt: new Date(), revision: 1 }
  for (const clientId of ids) {
    const client = Client.fromPartial({ clientId, registrationId: newUuid(), ...times })
    await store.create({ client, secretHashes: [`hash of ${clientId}`], registrationTokenHash: '' })
  }
})
afterAll(async () => {
  await store.close()
  await database.end()
  await fresh.drop()
})

const callWith = (signal: AbortSignal): Call => ({ caller: 'consent', requestId: 'x', deadline: 0, signal })
const patient = callWith(new AbortController().signal)

async function statementsThatWait(): Promise<number> {
  const { rows } = await database.query(
    `SELECT count(*)::int AS waiting FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0].waiting
}

/** Lets every lookup wait until the work is done. */
async function whileTheyWait(work: () => Promise<void>): Promise<void> {
  const locker = await database.connect()
  await locker.query('BEGIN; LOCK TABLE client IN ACCESS EXCLUSIVE MODE')
  try {
    await work()
  } finally {
    await locker.query('ROLLBACK')
    locker.release()
  }
}

describe('clients that are looked up at once', () => {
  it('cost one statement, and each is answered for itself', async () => {
    const asked = [...ids, 'nobody', 'client-0']
    let found: (string | undefined)[] = []
    const { statements } = await countStatements(database, async () => {
      const stored = await Promise.all(asked.map((id) => store.find(id, patient)))
      found = stored.map((client) => client && `${client.client.clientId}: ${client.secretHashes}`)
    })
    expect(found).toEqual(asked.map((id) => (id === 'nobody' ? undefined : `${id}: hash of ${id}`)))
    expect(statements).toBe(1)
  })

  it('GR-06: are found for those who still wait when another gave up', async () => {
    const controller = new AbortController()
    let lookups: ReturnType<ClientStore['find']>[] = []
    await whileTheyWait(async () => {
      lookups = [store.find('client-1', callWith(controller.signal)), store.find('client-2', patient)]
      await eventually(async () => (await statementsThatWait()) > 0)
      controller.abort()
    })
    expect((await lookups[1])?.client.clientId).toBe('client-2')
  })

  it('GR-06: are no longer looked up when all gave up: an outage, and no verdict', async () => {
    const controllers = [new AbortController(), new AbortController()]
    await whileTheyWait(async () => {
      const lookups = controllers.map(({ signal }, index) => store.find(`client-${index}`, callWith(signal)))
      const outcomes = Promise.allSettled(lookups)
      await eventually(async () => (await statementsThatWait()) > 0)
      for (const controller of controllers) controller.abort()
      for (const outcome of await outcomes)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'temporarily_unavailable' } })
      expect(await statementsThatWait()).toBe(0)
    })
  })
})
