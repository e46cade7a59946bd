// The chassis of every store: cancellation and deadlines reach PostgreSQL, and an outage is told as an outage.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, outageOf } from '../../services/kit/database.js'
import type { Call } from '../../services/kit/rpc/contract.js'
import { openLine } from '../support/database_line.js'
import { freshDatabase } from '../support/postgres.js'

type Fresh = Awaited<ReturnType<typeof freshDatabase>>

const noPrisma = { $disconnect: async () => undefined }
let fresh: Fresh
let database: Database<typeof noPrisma>

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new Database({ dsn: fresh.dsn, schema: 'public', maxConnections: 4 }, () => noPrisma)
})
afterAll(async () => {
  await database.close()
  await fresh.drop()
})

const callWith = (signal: AbortSignal): Call => ({ caller: 'operator', requestId: 'x', deadline: 0, signal })
const sleeping = { name: 'sleep', text: 'SELECT pg_sleep($1) /* a long statement */' }
const running = async () =>
  database.query<{ count: string }>(
    {
      name: 'running',
      text: `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%a long statement%'
             AND pid <> pg_backend_pid()`,
    },
    [],
  )

describe('Database', () => {
  it('GR-06: a caller that gives up cancels its statement at the server', async () => {
    const controller = new AbortController()
    const outcome = database.query(sleeping, [60], callWith(controller.signal)).catch((error: unknown) => error)
    await expect.poll(async () => (await running())[0]?.count).toBe('1')
    controller.abort()
    expect(await outcome).toMatchObject({ code: 'temporarily_unavailable' })
    expect((await running())[0]?.count).toBe('0')
  })

  it('GR-07: a statement that outlives every deadline is ended by the server', async () => {
    await expect(database.query(sleeping, [60])).rejects.toMatchObject({ code: 'temporarily_unavailable' })
  })

  it('a call that was given up does not reach the server', async () => {
    const aborted = callWith(AbortSignal.abort())
    await expect(database.query({ name: 'one', text: 'SELECT 1' }, [], aborted)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
  })

  it("a statement's own error is no outage", async () => {
    await expect(database.query({ name: 'zero', text: 'SELECT 1 / $1::int' }, [0])).rejects.toMatchObject({
      code: '22012',
    })
  })

  it('I11: connections that the server cuts are an outage, and the next call works', async () => {
    const cut = { name: 'cut', text: 'SELECT pg_terminate_backend(pg_backend_pid())' }
    await expect(database.query(cut, [])).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    expect(await database.query({ name: 'works', text: 'SELECT 1 AS works' }, [])).toEqual([{ works: 1 }])
  })

  it('I11: a line that breaks while statements are under way is an outage, and nothing else ends', async () => {
    const line = await openLine(fresh.dsn)
    const beyond = new Database({ dsn: line.dsn, schema: 'public', maxConnections: 4 }, () => noPrisma)
    // An error of a connection that nobody hears ends the process, and with it this test.
    const outcomes = Array.from({ length: 4 }, () => beyond.query(sleeping, [60]).catch((error: unknown) => error))
    await expect.poll(async () => (await running())[0]?.count).toBe('4')
    line.cut()
    for (const outcome of await Promise.all(outcomes))
      expect(outcome).toMatchObject({ code: 'temporarily_unavailable' })
    line.mend()
    expect(await beyond.query({ name: 'works', text: 'SELECT 1 AS works' }, [])).toEqual([{ works: 1 }])
    await beyond.close()
    await line.close()
  })

  it('I11: a server that is not there is an outage', async () => {
    const nowhere = { dsn: 'postgres://x:x@127.0.0.1:1/x', schema: 'public', maxConnections: 1 }
    const absent = new Database(nowhere, () => noPrisma)
    await expect(absent.query({ name: 'x', text: 'SELECT 1' }, [])).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      retryAfter: 1,
    })
    expect(await absent.ping()).toBe(false)
    await absent.close()
  })

  it('RL-12: when every connection is taken the caller waits a second at most', async () => {
    const small = new Database({ dsn: fresh.dsn, schema: 'public', maxConnections: 1 }, () => noPrisma)
    const controller = new AbortController()
    const first = small.query(sleeping, [60], callWith(controller.signal)).catch(() => undefined)
    await expect(small.query({ name: 'x', text: 'SELECT 1' }, [])).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
    controller.abort()
    await first
    await small.close()
  })
})

describe('outageOf', () => {
  it.each([
    '08006',
    '57P01',
    '57014',
    '53300',
    '53100',
    '25006',
    'ECONNREFUSED',
    'ECONNRESET',
    'P1001',
    'P2024',
    'P2028',
  ])('%s is an outage', (code) => {
    expect(outageOf(Object.assign(new Error('x'), { code }))?.code).toBe('temporarily_unavailable')
  })

  it.each(['23505', '22P02', '42601', 'P2002', 'P2025'])('%s is none', (code) => {
    expect(outageOf(Object.assign(new Error('x'), { code }))).toBeUndefined()
  })
})
