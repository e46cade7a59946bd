// CORS (TK-10; RFC 9700 section 2.6): origins of the configuration and those that a client has registered for itself.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, showing, signJwt } from '../support/assertions.js'
import { deviceGrant } from '../support/device.js'
import { basicOf, logIn, type Tokens } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

const own = 'https://app.test'
const others = 'https://other.test'
const listed = ['https://global.test', 'https://a.apps.test', 'https://a.b.apps.test']
const strangers = [
  'null',
  'https://evil.test',
  'http://app.test',
  'https://app.test:8443',
  'https://app.test.evil.test',
  'https://evilapp.test',
  'https://sub.app.test',
  'https://apps.test',
  'https://global.test.evil.test',
  'https://APP.test',
  'https://app.test/',
]

let suite: Suite
let client: Registered
let tokens: Tokens
beforeAll(async () => {
  const cors = { enabled: true, allowed_origins: ['https://global.test', 'https://*.apps.test'] }
  const dynamic_client_registration = { enabled: true, max_requests_per_hour: 0 }
  suite = await startSuite({ config: { serve: { public: { cors } }, oidc: { dynamic_client_registration } } })
  client = await createClient(suite, {
    allowed_cors_origins: [own],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', deviceGrant],
  })
  await createClient(suite, { allowed_cors_origins: [others] })
  tokens = await logIn(suite, client, { scope: 'openid' })
})
afterAll(() => suite.stop())

interface Request {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Record<string, string>
}

const send = (path: string, origin: string, { method = 'POST', headers = {}, body }: Request = {}) =>
  fetch(`${suite.publicUrl}${path}`, {
    method,
    headers: { origin, ...headers },
    ...(body && { body: new URLSearchParams(body) }),
  })

const preflight = (path: string, origin: string, method = 'POST') =>
  send(path, origin, { method: 'OPTIONS', headers: { 'access-control-request-method': method } })

/** The origin that may read an answer; null: none but the server's own. */
const readerOf = ({ headers }: Response) => headers.get('access-control-allow-origin')

const openPaths = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/.well-known/jwks.json',
]
const paths = ['/oauth2/token', '/oauth2/revoke', '/userinfo', '/oauth2/device/auth', '/oauth2/register', ...openPaths]

/** Requests that show which client asks, by each way to do so. */
function requestsOf({ client_id, client_secret }: Registered): [string, string, Request][] {
  const basic = basicOf({ client_id, client_secret })
  const posted = { client_id, client_secret }
  return [
    ['token, Basic', '/oauth2/token', { headers: basic, body: { grant_type: 'client_credentials', scope: 'read' } }],
    [
      'token, Basic with a wrong secret',
      '/oauth2/token',
      { headers: basicOf({ client_id, client_secret: 'wrong-secret' }), body: { grant_type: 'client_credentials' } },
    ],
    ['token, a secret in the form', '/oauth2/token', { body: { grant_type: 'client_credentials', ...posted } }],
    ['token, an id alone', '/oauth2/token', { body: { grant_type: 'refresh_token', client_id } }],
    ['revoke', '/oauth2/revoke', { headers: basic, body: { token: 'x' } }],
    ['device auth', '/oauth2/device/auth', { headers: basic, body: { scope: 'openid' } }],
    ['userinfo', '/userinfo', { method: 'GET', headers: { authorization: `Bearer ${tokens.access_token}` } }],
    ['userinfo, in the form', '/userinfo', { body: { access_token: tokens.access_token } }],
    ['its registration', `/oauth2/register/${client_id}`, { method: 'GET' }],
  ]
}

describe("Hydra: a client's own origins, beside those of the configuration", () => {
  it('may read all that the client is answered, errors too, with credentials', async () => {
    for (const [name, path, request] of requestsOf(client))
      for (const origin of [own, ...listed]) {
        const answer = await send(path, origin, request)
        expect(readerOf(answer), `${name} from ${origin}`).toBe(origin)
        expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
        expect(answer.headers.get('vary')).toBe('Origin')
      }
  })

  it('TK-10: the origin of another client may not, nor any other', async () => {
    for (const [name, path, request] of requestsOf(client))
      for (const origin of [others, ...strangers]) {
        const answer = await send(path, origin, request)
        expect(readerOf(answer), `${name} from ${origin}`).toBeNull()
        expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      }
  })

  it('OIDC Core 9: an assertion shows which client asks', async () => {
    const key = newKey('ES256')
    const by = await createClient(suite, {
      allowed_cors_origins: [own],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.jwk] },
      grant_types: ['client_credentials'],
    })
    const assertion = () => showing(signJwt(key, clientClaims(by.client_id, suite.config.urls.self.issuer)))
    const form = { grant_type: 'client_credentials', scope: 'read' }
    const answer = await send('/oauth2/token', own, { body: { ...form, ...assertion() } })
    expect([answer.status, readerOf(answer)]).toEqual([200, own])
    expect(readerOf(await send('/oauth2/token', others, { body: { ...form, ...assertion() } }))).toBeNull()
  })

  it('where no client is known, the origin of any client may', async () => {
    for (const path of openPaths)
      for (const origin of [own, others, ...listed])
        expect(readerOf(await send(path, origin, { method: 'GET' }))).toBe(origin)
    const unknown = await send('/userinfo', own, { method: 'GET', headers: { authorization: 'Bearer of-nobody' } })
    expect([unknown.status, readerOf(unknown)]).toEqual([401, own])
    for (const path of openPaths)
      for (const origin of strangers) expect(readerOf(await send(path, origin, { method: 'GET' }))).toBeNull()
  })
})

describe('preflights', () => {
  it('are let through for the origins of the configuration and of all clients', async () => {
    for (const path of [...paths, '/oauth2/register/some-id'])
      for (const origin of [own, others, ...listed]) {
        const answer = await preflight(path, origin)
        expect([answer.status, readerOf(answer)], `${path} from ${origin}`).toEqual([204, origin])
        expect(answer.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type')
      }
    const answer = await preflight('/oauth2/register/some-id', own, 'PUT')
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, PUT, DELETE')
  })

  it('TK-10: are not for any other', async () => {
    for (const path of paths)
      for (const origin of strangers) {
        const { headers } = await preflight(path, origin)
        const names = [...headers.keys()].filter((name) => name.startsWith('access-control-'))
        expect(names, `${path} from ${origin}`).toEqual([])
      }
  })

  it('follow what clients register, change and delete, at once', async () => {
    const origin = 'https://short-lived.test'
    const allowed = async () => readerOf(await preflight('/oauth2/token', origin)) !== null
    expect(await allowed()).toBe(false)
    const [first, second] = [await createClient(suite, { allowed_cors_origins: [origin] }), await createClient(suite)]
    expect(await allowed()).toBe(true)
    const add = [{ op: 'add', path: '/allowed_cors_origins/-', value: origin }]
    await adminJson(suite, 'PATCH', `/clients/${second.client_id}`, add)
    await adminJson(suite, 'DELETE', `/clients/${first.client_id}`)
    expect(await allowed()).toBe(true)
    await adminJson(suite, 'PATCH', `/clients/${second.client_id}`, [{ op: 'remove', path: '/allowed_cors_origins/0' }])
    expect(await allowed()).toBe(false)
  })

  it('cost no statement', async () => {
    const database = new pg.Client({ connectionString: suite.dsn })
    await database.connect()
    await preflight('/oauth2/token', own)
    const count = async () => {
      const { rows } = await database.query(
        "SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query LIKE '%allowed_cors_origins%'",
      )
      return Number(rows[0]?.calls)
    }
    await database.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
    const before = await count()
    for (let request = 0; request < 20; request++) await preflight('/oauth2/token', `https://${request}.evil.test`)
    expect(await count()).toBe(before)
    await database.end()
  })

  it('BR-10: never where a browser navigates to', async () => {
    for (const path of ['/oauth2/auth', '/oauth2/sessions/logout', '/oauth2/device/verify', '/oauth2/fallbacks/error'])
      for (const origin of [own, ...listed]) {
        const answer = await preflight(path, origin)
        expect([answer.status, readerOf(answer)]).toEqual([405, null])
        expect(readerOf(await send(path, origin, { method: 'GET' }))).toBeNull()
      }
  })
})

describe('serve.admin.cors', () => {
  const page = 'https://console.test'
  let operated: Suite
  beforeAll(async () => {
    const cors = { enabled: true, allowed_origins: [page] }
    operated = await startSuite({ config: { serve: { admin: { cors, tokens: ['a-token-of-the-admin-api'] } } } })
  })
  afterAll(() => operated.stop())

  const ask = (method: string, path: string, origin: string, headers: Record<string, string> = {}) =>
    fetch(`${operated.adminUrl}/admin${path}`, { method, headers: { origin, ...headers } })
  const token = { authorization: 'Bearer a-token-of-the-admin-api' }

  it('a page that is listed uses the admin API, with its token', async () => {
    const before = await ask('OPTIONS', '/clients/x', page)
    expect([before.status, readerOf(before)]).toEqual([204, page])
    expect(before.headers.get('access-control-allow-methods')).toBe('GET, PUT, PATCH, DELETE')
    const answer = await ask('GET', '/clients', page, token)
    expect([answer.status, readerOf(answer)]).toEqual([200, page])
    expect((await ask('DELETE', '/clients/x', page, token)).status).toBe(404)
    const refused = await ask('GET', '/clients', page)
    expect(refused.status).toBe(401)
  })

  it('AD-03: no other page does', async () => {
    for (const origin of ['null', 'https://evil.test', 'https://console.test.evil.test']) {
      const before = await ask('OPTIONS', '/clients/x', origin)
      expect([before.status, readerOf(before)]).toEqual([401, null])
      expect((await ask('DELETE', '/clients/x', origin, token)).status).toBe(415)
      expect(readerOf(await ask('GET', '/clients', origin, token))).toBeNull()
    }
  })

  it('AD-03: is off by default', async () => {
    const answer = await fetch(`${suite.adminUrl}/admin/clients`, { headers: { origin: own } })
    expect(readerOf(answer)).toBeNull()
  })
})
