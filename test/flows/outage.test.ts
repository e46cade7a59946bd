// I11: while the database is down every answer is 503 with Retry-After, never a verdict; and service resumes by itself.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, signJwt } from '../support/assertions.js'
import { type DatabaseLine, openLine } from '../support/database_line.js'
import { askForDevice, createDeviceClient, poll, type StartedDevice, startDevice } from '../support/device.js'
import { authorizationUrl, introspect, logIn, post, refresh, type Tokens } from '../support/oauth.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
let line: DatabaseLine
let database: FreshDatabase
let client: Awaited<ReturnType<typeof createClient>>
let tokens: Tokens
let television: Awaited<ReturnType<typeof createClient>>
let device: StartedDevice
let vouched: Awaited<ReturnType<typeof createClient>>

beforeAll(async () => {
  database = await freshDatabase()
  line = await openLine(database.dsn)
  suite = await startSuite({ config: { dsn: line.dsn } })
  client = await createClient(suite)
  tokens = await logIn(suite, client)
  television = await createDeviceClient(suite)
  device = await startDevice(suite, television)
  vouched = await createClient(suite, { redirect_uris: [], grant_types: [jwtBearer], scope: 'read' })
  const trusted = { issuer: 'idp', subject: 'mike', jwk: key.jwk, expires_at: '2099-01-01T00:00:00Z' }
  await adminJson(suite, 'POST', issuers, trusted)
  expect((await exchange()).status).toBe(200)
})
afterAll(async () => {
  line.mend()
  await suite.stop()
  await line.close()
  await database.drop()
})

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const issuers = '/trust/grants/jwt-bearer/issuers'
const key = newKey('ES256')

/** An assertion of a trusted issuer for a token. */
const exchange = (jti: string = randomUUID()) => {
  const claims = clientClaims('mike', suite.config.urls.self.issuer, { iss: 'idp', jti })
  return post(suite, '/oauth2/token', { grant_type: jwtBearer, assertion: signJwt(key, claims) }, vouched)
}

const statusOf = async (path: string) => (await fetch(`${suite.publicUrl}${path}`)).status

describe('a database that is down', () => {
  it('I11: every endpoint answers 503 with Retry-After, none with a verdict; afterwards all works again', async () => {
    line.cut()
    await expect.poll(() => statusOf('/health/ready'), { timeout: 10_000 }).toBe(503)
    expect(await statusOf('/health/alive')).toBe(200)

    const answers = await Promise.all([
      refresh(suite, client, tokens.refresh_token),
      post(suite, '/oauth2/revoke', { token: tokens.refresh_token }, client),
      post(suite, '/oauth2/introspect', { token: tokens.access_token }, client),
      poll(suite, television, device),
      askForDevice(suite, television),
      exchange('meanwhile'),
      post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, { client_id: 'unknown', client_secret: 'x' }),
    ])
    for (const { status, headers, body } of answers) {
      expect(status).toBe(503)
      expect(headers.get('retry-after')).toBeTruthy()
      expect(body.error).toBe('temporarily_unavailable')
    }
    for (const path of ['/clients/unknown', issuers]) expect((await adminJson(suite, 'GET', path)).status).toBe(503)
    const page = await new UserAgent().fetch(authorizationUrl(suite, { client_id: 'unknown' }))
    expect(page.status).toBe(503)

    line.mend()
    await expect.poll(() => statusOf('/health/ready'), { timeout: 10_000 }).toBe(200)
    expect((await introspect(suite, tokens.access_token)).active).toBe(true)
    expect((await refresh(suite, client, tokens.refresh_token)).status).toBe(200)
    expect((await poll(suite, television, device)).body.error).toBe('authorization_pending')
    expect((await exchange('meanwhile')).status).toBe(200)
  })
})
