// What each request costs the database, counted by PostgreSQL itself (pg_stat_statements): statements and rows written.
// Feeds, purges and health checks mark themselves as background and are left out.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Consistency, IntrospectionServiceService } from '#proto/introspection/v1/introspection_service.js'
import { introspect, logIn, obtainCode, post, redeem, refresh, type Tokens, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, createClient, UserAgent } from '../support/user_agent.js'

interface Cost {
  /** Each with how often it ran. */
  readonly statements: readonly string[]
  readonly rowsWritten: number
}

let suite: Suite
let client: Awaited<ReturnType<typeof createClient>>
let database: pg.Client

beforeAll(async () => {
  suite = await startSuite()
  client = await createClient(suite)
  database = new pg.Client({ connectionString: suite.dsn })
  await database.connect()
  await database.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
  await warmUp()
})
afterAll(async () => {
  await database.end()
  await suite.stop()
})

/** Whatever is read once and kept is in memory after this, and every statement is prepared on some connection. */
async function warmUp() {
  const tokens = await logIn(suite, client)
  await refresh(suite, client, tokens.refresh_token)
  await introspect(suite, tokens.access_token)
  await post(suite, '/oauth2/revoke', { token: tokens.access_token }, client)
}

async function waitingStatements(): Promise<number> {
  const { rows } = await database.query<{ waiting: string }>(
    'SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
  )
  return Number(rows[0]?.waiting)
}

const written = /^\s*(insert|update|delete|with)/i

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  await database.query(
    'SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)',
  )
  await work()
  const { rows } = await database.query<{ query: string; calls: string; rows: string }>(
    `SELECT query, calls, rows FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND query NOT LIKE '%/* background%' AND query NOT LIKE '%pg_stat_statements%'
        AND query !~* '^(begin|commit|rollback|deallocate|set|show)'`,
  )
  return {
    statements: rows.flatMap(({ query, calls }) => Array.from({ length: Number(calls) }, () => query)),
    rowsWritten: rows.filter(({ query }) => written.test(query)).reduce((sum, row) => sum + Number(row.rows), 0),
  }
}

describe('statements and rows', () => {
  it('introspection: none', async () => {
    const { access_token } = await logIn(suite, client)
    const introspection = suite.remote(IntrospectionServiceService)
    const request = {
      token: access_token,
      tokenTypeHint: '',
      scope: '',
      callerClientId: '',
      consistency: Consistency.BOUNDED,
    }
    const cost = await costOf(async () => {
      for (let count = 0; count < 20; count++) {
        expect((await introspect(suite, access_token)).active).toBe(true)
        expect((await introspection.introspect(request)).active).toBe(true)
      }
    })
    expect(cost.statements).toEqual([])
  })

  it('client credentials: none once the client is known', async () => {
    const machine = await createClient(suite, { grant_types: ['client_credentials'] })
    const issue = () => post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, machine)
    for (let count = 0; count < 2; count++) await issue()
    const cost = await costOf(async () => {
      for (let count = 0; count < 20; count++) expect((await issue()).status).toBe(200)
    })
    expect(cost.statements).toEqual([])
  })

  it('refresh: one statement, one row', async () => {
    const tokens = await logIn(suite, client)
    const cost = await costOf(() => refresh(suite, client, tokens.refresh_token))
    expect(cost.statements).toHaveLength(1)
    expect(cost.rowsWritten).toBe(1)
  })

  it('code exchange: one statement, one row', async () => {
    const flow = await obtainCode(suite, client)
    const cost = await costOf(() => redeem(suite, client, flow))
    expect(cost.statements).toHaveLength(1)
    expect(cost.rowsWritten).toBe(1)
  })

  it('authorize: nothing is written before consent is given, then one insert in each service', async () => {
    const agent = new UserAgent()
    const url = new URL(`${suite.publicUrl}/oauth2/auth`)
    const parameters = { client_id: client.client_id, response_type: 'code', scope: 'openid offline_access' }
    url.search = `${new URLSearchParams({ ...parameters, redirect_uri: 'http://127.0.0.1:5555/callback' })}`
    let end = ''
    const before = await costOf(async () => {
      const login = await agent.redirectFrom(url)
      const consent = await agent.redirectFrom(await acceptLogin(suite, login, { login: { remember: true } }))
      end = await acceptConsent(suite, consent, { consent: { remember: true } })
    })
    expect(before.rowsWritten).toBe(0)
    expect(before.statements.length).toBeLessThanOrEqual(1)

    const after = await costOf(() => agent.redirectFrom(end))
    expect(after.statements.filter((statement) => !written.test(statement))).toEqual([])
    expect(after.statements).toHaveLength(2)
    expect(after.rowsWritten).toBeLessThanOrEqual(3)
  })

  it('userinfo: at most one read, none when warm', async () => {
    const { access_token } = await logIn(suite, client)
    const cold = await costOf(() => userinfo(suite, access_token))
    expect(cold.statements.length).toBeLessThanOrEqual(1)
    const warm = await costOf(() => userinfo(suite, access_token))
    expect(warm.statements).toEqual([])
  })

  it('revocation: one statement', async () => {
    const tokens = await logIn(suite, client)
    const cost = await costOf(() => post(suite, '/oauth2/revoke', { token: tokens.access_token }, client))
    expect(cost.statements).toHaveLength(1)
  })

  it('concurrent refreshes travel grouped', async () => {
    const all: Tokens[] = []
    for (let count = 0; count < 40; count++) all.push(await logIn(suite, client))
    const locker = new pg.Client({ connectionString: suite.dsn })
    await locker.connect()
    const cost = await costOf(async () => {
      // The first statements wait for the lock, and the others for the first statements.
      await locker.query('BEGIN')
      await locker.query('LOCK TABLE token."grant" IN EXCLUSIVE MODE')
      const refreshes = all.map(({ refresh_token }) => refresh(suite, client, refresh_token))
      await expect.poll(() => waitingStatements()).toBeGreaterThan(0)
      for (let count = 0; count < 20; count++) await fetch(`${suite.publicUrl}/health/alive`)
      await locker.query('COMMIT')
      for (const { status } of await Promise.all(refreshes)) expect(status).toBe(200)
    })
    await locker.end()
    expect(cost.rowsWritten).toBe(40)
    expect(cost.statements.filter((statement) => statement.includes('UPDATE "grant"')).length).toBeLessThan(20)
  })

  it('a forged code, refresh token or access token costs nothing', async () => {
    const forged = Buffer.alloc(24, 7).toString('base64url')
    const mac = Buffer.alloc(16, 7).toString('base64url')
    const cost = await costOf(async () => {
      await post(suite, '/oauth2/token', { grant_type: 'authorization_code', code: `tsr_ac_${forged}.${mac}` }, client)
      await refresh(suite, client, `tsr_rt_${forged}.${mac}`)
      await introspect(suite, `tsr_at_${Buffer.alloc(200, 7).toString('base64url')}`)
      await userinfo(suite, 'tsr_at_AAAA')
    })
    expect(cost.statements).toEqual([])
  })
})
