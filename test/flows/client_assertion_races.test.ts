// Client assertions are good once (JW-10, I9): at the same time, in several processes, after a restart, and while the
// database is down (I11).
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientStore } from '../../services/client/store/client_store.js'
import { clientClaims, newKey, secondsFromNow, showing, signJwt, type TestKey } from '../support/assertions.js'
import { type DatabaseLine, openLine } from '../support/database_line.js'
import { eventually } from '../support/eventually.js'
import { post } from '../support/oauth.js'
import { freePorts } from '../support/ports.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'
import { type Program, startProgram } from '../support/program.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

let fresh: FreshDatabase
let line: DatabaseLine
let suite: Suite
let second: Program
let other: Pick<Suite, 'publicUrl'>
let key: TestKey
let clientId: string
let database: pg.Pool

beforeAll(async () => {
  fresh = await freshDatabase()
  line = await openLine(fresh.dsn)
  const system = ['Zr4u7x-A-D-G-KaPdSgVkYp3s6v9yB']
  suite = await startSuite({ config: { dsn: line.dsn, secrets: { system } } })
  const [publicPort, adminPort, grpcPort] = await freePorts(3)
  second = await startProgram(['serve', 'all', '--dev'], {
    DSN: fresh.dsn,
    SECRETS_SYSTEM: String(system),
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpcPort}`,
    URLS_SELF_ISSUER: suite.config.urls.self.issuer,
  })
  other = { publicUrl: `http://127.0.0.1:${publicPort}` }
  await second.until(/^ready/m)
  database = new pg.Pool({ connectionString: fresh.dsn, options: '-c search_path=client', max: 2 })
  key = newKey('ES256')
  const metadata = { redirect_uris: [], grant_types: ['client_credentials'], jwks: { keys: [key.jwk] } }
  clientId = (await createClient(suite, { ...metadata, token_endpoint_auth_method: 'private_key_jwt' })).client_id
})
afterAll(async () => {
  second.child.kill('SIGTERM')
  await second.ended
  await database.end()
  line.mend()
  await suite.stop()
  await line.close()
  await fresh.drop()
})

const newAssertion = (changes: Record<string, unknown> = {}) =>
  signJwt(key, clientClaims(clientId, suite.config.urls.self.issuer, changes))

const authenticate = (assertion: string, on: Pick<Suite, 'publicUrl'> = suite) =>
  post(on, '/oauth2/token', { grant_type: 'client_credentials', ...showing(assertion) })

const outcome = async (assertion: string, on?: Pick<Suite, 'publicUrl'>) => {
  const { status, body } = await authenticate(assertion, on)
  return status === 200 ? 'good' : `${status} ${body.error}`
}

describe('JW-10, I9: an assertion is good once', () => {
  it.each([
    ['one process', () => [suite]],
    ['two processes on one database', () => [suite, other]],
  ])('50 at once, %s: one winner, no 5xx', async (_, instances) => {
    for (let round = 0; round < 4; round++) {
      const assertion = newAssertion()
      const on = instances()
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => outcome(assertion, on[index % on.length])),
      )
      expect(outcomes.filter((each) => each === 'good')).toHaveLength(1)
      expect(new Set(outcomes)).toEqual(new Set(['good', '401 invalid_client']))
    }
  })

  it('one after the other, here and there', async () => {
    const assertion = newAssertion()
    expect(await outcome(assertion, other)).toBe('good')
    for (const on of [suite, other]) expect(await outcome(assertion, on)).toBe('401 invalid_client')
  })

  it('another assertion with the same jti is the same; another client may have one like it', async () => {
    const claims = { jti: 'the same for all' }
    expect(await outcome(newAssertion(claims))).toBe('good')
    expect(await outcome(newAssertion({ ...claims, exp: secondsFromNow(100) }))).toBe('401 invalid_client')
    expect(await outcome(newAssertion({ jti: 'The same for all' }))).toBe('good')
    const metadata = { redirect_uris: [], grant_types: ['client_credentials'], jwks: { keys: [key.jwk] } }
    const { client_id } = await createClient(suite, { ...metadata, token_endpoint_auth_method: 'private_key_jwt' })
    expect(await outcome(signJwt(key, clientClaims(client_id, suite.config.urls.self.issuer, claims)))).toBe('good')
  })

  it('what was refused for another reason was not used up', async () => {
    const claims = clientClaims(clientId, suite.config.urls.self.issuer)
    expect(await outcome(signJwt(newKey('ES256', key.kid), claims))).toBe('401 invalid_client')
    expect(await outcome(signJwt(key, claims))).toBe('good')
  })

  it('a second before it ends, and it is remembered for longer than that', async () => {
    const exp = secondsFromNow(20)
    const assertion = newAssertion({ exp })
    expect(await outcome(assertion)).toBe('good')
    expect(await outcome(assertion)).toBe('401 invalid_client')
    const { rows } = await database.query(
      'SELECT max(extract(epoch FROM expires_at)::int) AS until FROM used_assertion WHERE expires_at < to_timestamp($1)',
      [exp + 301],
    )
    expect(rows[0].until).toBe(exp + 300)
  })

  it('I11: while the database is down nothing is decided', async () => {
    const [before, meanwhile] = [newAssertion(), newAssertion()]
    expect(await outcome(before)).toBe('good')
    line.cut()
    for (let attempt = 0; attempt < 3; attempt++) expect((await authenticate(meanwhile)).status).toBe(503)
    line.mend()
    await eventually(async () => (await authenticate(newAssertion())).status === 200)
    expect(await outcome(meanwhile)).toBe('good')
    expect(await outcome(before)).toBe('401 invalid_client')
  })

  it('after a restart', async () => {
    const assertion = newAssertion()
    expect(await outcome(assertion)).toBe('good')
    await suite.restart()
    expect(await outcome(assertion)).toBe('401 invalid_client')
    expect(await outcome(newAssertion())).toBe('good')
  })
})

describe('what is kept', () => {
  it('goes when it has expired, and nothing else goes', async () => {
    await database.query('DELETE FROM used_assertion')
    await database.query(
      `INSERT INTO used_assertion SELECT sha256(n::text::bytea), now() - interval '1 second' FROM generate_series(1, 4500) AS n`,
    )
    expect(await outcome(newAssertion())).toBe('good')
    const store = new ClientStore({ dsn: fresh.dsn, maxConnections: 2 })
    await store.usedAssertions.purge({ signal: new AbortController().signal })
    await store.close()
    const { rows } = await database.query('SELECT count(*)::int AS count FROM used_assertion')
    expect(rows).toEqual([{ count: 1 }])
  })
})
