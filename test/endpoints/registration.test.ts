// Dynamic client registration (RFC 7591, RFC 7592, OpenID Connect Registration 1.0), end to end.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, showing, signJwt, signWithSecret } from '../support/assertions.js'
import { logIn, post } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient, UserAgent } from '../support/user_agent.js'

const dynamic = { enabled: true, max_requests_per_hour: 0 }

let suite: Suite
let off: Suite
beforeAll(async () => {
  suite = await startSuite({ config: { oidc: { dynamic_client_registration: dynamic } } })
  off = await startSuite()
})
afterAll(() => Promise.all([suite.stop(), off.stop()]))

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

async function send(
  method: string,
  url: string,
  body?: unknown,
  token?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} }
}

const metadata = { client_name: 'mine', redirect_uris: ['http://127.0.0.1:5555/callback'] }
const register = (more: Record<string, unknown> = {}, at = suite) =>
  send('POST', `${at.publicUrl}/oauth2/register`, { ...metadata, ...more })

interface Registered {
  readonly client_id: string
  readonly client_secret: string
  readonly registration_client_uri: string
  readonly registration_access_token: string
}

async function registered(more: Record<string, unknown> = {}): Promise<Registered & Record<string, unknown>> {
  const { status, body } = await register(more)
  if (status !== 201) throw new Error(`not registered: ${status} ${JSON.stringify(body)}`)
  return body as never
}
const manage = (
  method: string,
  { registration_client_uri: uri, registration_access_token: token }: Registered,
  body?: unknown,
) => send(method, uri, body, token)

describe('AD-07: switched off', () => {
  it('is the default: 404, and discovery does not name it', async () => {
    const { registration_access_token: token } = await createClient(off)
    for (const [method, path] of [
      ['POST', '/oauth2/register'],
      ['GET', '/oauth2/register/some-id'],
      ['PUT', '/oauth2/register/some-id'],
      ['DELETE', '/oauth2/register/some-id'],
    ] as const) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : metadata
      expect((await send(method, off.publicUrl + path, body, String(token))).status, method).toBe(404)
    }
    const discovered = await (await fetch(`${off.publicUrl}/.well-known/openid-configuration`)).json()
    expect(discovered).not.toHaveProperty('registration_endpoint')
  })

  it('switched on, discovery names it', async () => {
    const discovered = await (await fetch(`${suite.publicUrl}/.well-known/openid-configuration`)).json()
    expect(discovered).toMatchObject({ registration_endpoint: `${suite.publicUrl}/oauth2/register` })
  })
})

describe('POST /oauth2/register', () => {
  it('RFC 7591 3.2.1: 201 with everything that was registered, and where it is managed', async () => {
    const { status, headers, body } = await register({ contacts: ['a@a.test'], token_endpoint_auth_method: 'none' })
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('pragma')).toBe('no-cache')
    expect(body).toMatchObject({
      ...metadata,
      contacts: ['a@a.test'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      scope: 'offline_access offline openid',
      client_secret_expires_at: 0,
      registration_client_uri: `${suite.publicUrl}/oauth2/register/${body.client_id}`,
      registration_access_token: expect.stringMatching(/^tsr_rg_[\w-]{43}\.[\w-]{22}$/),
      self_registered: true,
    })
    expect(body).not.toHaveProperty('client_secret')
    expect(Math.abs(Number(body.client_id_issued_at) - Date.now() / 1_000)).toBeLessThan(60)
  })

  it('TK-21: the server chooses id and secret', async () => {
    const client = await registered({ client_id: 'alice' })
    expect(client.client_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    expect(client.client_secret).toHaveLength(26)
    const { status, body } = await register({ client_secret: 'a secret of my own' })
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  })

  it('what was registered works: a code flow, a refresh token, an ID token', async () => {
    const client = await registered({ grant_types: ['authorization_code', 'refresh_token'] })
    const tokens = await logIn(suite, client)
    expect(tokens.refresh_token).toMatch(/^tsr_rt_/)
    expect(tokens.id_token).toContain('.')
  })

  it.each([
    ['owner', 'me'],
    ['audience', ['https://api.test']],
    ['metadata', { level: 1 }],
    ['access_token_strategy', 'jwt'],
    ['skip_consent', true],
    ['skip_logout_consent', true],
    ['authorization_code_grant_access_token_lifespan', '8760h'],
  ])("AD-07: %s is the operator's, and refused by name", async (name, value) => {
    const { status, body } = await register({ [name]: value })
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(body.error_description).toContain(name.endsWith('_lifespan') ? 'lifespans' : name)
  })

  it('Hydra: what it answers for members that were not set can be sent', async () => {
    const empty = { owner: '', audience: [], metadata: {}, skip_consent: false, skip_logout_consent: false, jwks: {} }
    expect((await register(empty)).status).toBe(201)
  })

  it.each<Record<string, unknown>>([
    { grant_types: ['client_credentials'] },
    { grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:jwt-bearer'] },
    { grant_types: ['password'] },
    { request_object_signing_alg: 'none' },
    { id_token_signed_response_alg: 'none' },
    { token_endpoint_auth_signing_alg: 'none' },
    { token_endpoint_auth_method: 'tls_client_auth' },
    { redirect_uris: 'http://127.0.0.1/' },
    { jwks: { keys: [] }, jwks_uri: 'https://app.test/jwks', scope: 'a"b' },
  ])('AD-07, RFC 7591 3.2.2: %j is refused', async (more) => {
    const { status, body } = await register(more)
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
  })

  it.each(['http://evil.test/cb', 'javascript:alert(1)', 'https://a.test/cb#x', 'https://*.a.test/cb'])(
    'RFC 7591 3.2.2: the redirect URI %s is refused',
    async (uri) => {
      const { status, body } = await register({ redirect_uris: [uri] })
      expect([status, body.error]).toEqual([400, 'invalid_redirect_uri'])
    },
  )

  it('RFC 8252 7: redirect URIs of native apps are accepted', async () => {
    const redirect_uris = ['http://127.0.0.1/cb', 'http://[::1]:7000/cb', 'com.example.app:/cb']
    expect((await register({ redirect_uris, token_endpoint_auth_method: 'none' })).status).toBe(201)
  })

  const inside = [
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://10.1.2.3/x',
    'https://192.168.0.1/x',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/x',
    'https://[fd00::1]/x',
    'https://metadata.google.internal/x',
    'https://a.localhost/x',
  ]
  it.each(inside)('SS-01, AD-07: no address inside of networks: %s', async (address) => {
    for (const name of [
      'jwks_uri',
      'sector_identifier_uri',
      'backchannel_logout_uri',
      'frontchannel_logout_uri',
      'logo_uri',
      'policy_uri',
      'tos_uri',
      'client_uri',
      'initiate_login_uri',
    ]) {
      const { status, body } = await register({ [name]: address })
      expect([status, body.error], name).toEqual([400, 'invalid_client_metadata'])
      expect(body.error_description).toContain(name)
    }
    expect((await register({ request_uris: [address] })).status).toBe(400)
  })

  it('addresses of the world are accepted', async () => {
    const more = {
      logo_uri: 'https://app.test/logo.png',
      jwks_uri: 'https://app.test/jwks',
      policy_uri: 'https://a.test',
    }
    expect((await register({ ...more, request_uris: ['https://app.test/request'] })).status).toBe(201)
  })

  it('RFC 7591 2: what is not known is ignored', async () => {
    expect(
      (await register({ application_type: 'web', 'client_name#ja': 'x', software_statement: 'a.b.c' })).status,
    ).toBe(201)
  })

  it('HT-01, TK-08: at most 64 KiB, and JSON alone', async () => {
    const url = `${suite.publicUrl}/oauth2/register`
    expect((await send('POST', url, { client_name: 'x'.repeat(65_536) })).status).toBe(413)
    for (const body of ['{', '[]', '""', '{"client_name":1}']) expect((await send('POST', url, body)).status).toBe(400)
    expect((await send('POST', url, '{}', undefined, { 'content-type': 'text/plain' })).status).toBe(415)
  })
})

describe('AD-08: the registration access token', () => {
  it('RFC 7592 2.1: reads the client, and the answer has it again', async () => {
    const client = await registered()
    const { status, body } = await manage('GET', client)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...metadata,
      client_id: client.client_id,
      registration_access_token: client.registration_access_token,
      registration_client_uri: client.registration_client_uri,
    })
    expect(body).not.toHaveProperty('client_secret')
  })

  it('RFC 7592 2.2: replaces the metadata, rotates the token, and leaves the secret as it is', async () => {
    const client = await registered({ tos_uri: 'https://app.test/tos' })
    const read = (await manage('GET', client)).body
    const { status, body } = await manage('PUT', client, { ...read, client_name: 'renamed', tos_uri: undefined })
    expect(status).toBe(200)
    expect(body).toMatchObject({ client_id: client.client_id, client_name: 'renamed', tos_uri: '' })
    expect(body).not.toHaveProperty('client_secret')
    const rotated = { ...client, registration_access_token: String(body.registration_access_token) }
    expect(rotated.registration_access_token).not.toBe(client.registration_access_token)
    expect((await manage('GET', rotated)).body.client_name).toBe('renamed')
    expect((await manage('GET', client)).status).toBe(401)
    expect((await manage('PUT', client, read)).status).toBe(401)
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    expect((await post(suite, '/oauth2/token', form, client)).body.error).not.toBe('invalid_client')
  })

  it('OIDC Core 9: who changes to client_secret_jwt is given a secret for it; nobody needs to know one for private_key_jwt', async () => {
    const client = await registered()
    const read = (await manage('GET', client)).body
    const changed = await manage('PUT', client, { ...read, token_endpoint_auth_method: 'client_secret_jwt' })
    expect(changed.status).toBe(200)
    const secret = String(changed.body.client_secret)
    expect(secret).toHaveLength(43)
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    const authenticate = async (assertion: string) =>
      (await post(suite, '/oauth2/token', { ...form, ...showing(assertion) })).body.error
    const claims = () => clientClaims(client.client_id, suite.publicUrl)
    expect(await authenticate(signWithSecret(secret, claims()))).not.toBe('invalid_client')
    expect(await authenticate(signWithSecret(client.client_secret, claims()))).toBe('invalid_client')

    const key = newKey('ES256')
    const byKey = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } }
    const token = { ...client, registration_access_token: String(changed.body.registration_access_token) }
    const again = await manage('PUT', token, { ...read, ...byKey })
    expect([again.status, again.body.client_secret]).toEqual([200, undefined])
    expect(await authenticate(signJwt(key, claims()))).not.toBe('invalid_client')
  })

  it('of two updates with one token one is made', async () => {
    const client = await registered()
    const both = await Promise.all(['a', 'b'].map((client_name) => manage('PUT', client, { ...metadata, client_name })))
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 401])
    const winner = both.find(({ status }) => status === 200)?.body as never
    expect((await manage('GET', winner)).status).toBe(200)
  })

  it('Hydra: a secret in an update is 403, and nothing changes', async () => {
    const client = await registered()
    const { status, body } = await manage('PUT', client, { ...metadata, client_secret: client.client_secret })
    expect([status, body.error]).toEqual([403, 'request_forbidden'])
    expect((await manage('GET', client)).status).toBe(200)
  })

  it('RFC 7592 2.2: another client_id, and what POST refuses, are refused', async () => {
    const client = await registered()
    for (const more of [{ client_id: 'other' }, { skip_consent: true }, { grant_types: ['client_credentials'] }])
      expect((await manage('PUT', client, { ...metadata, ...more })).status).toBe(400)
    const { body } = await manage('PUT', client, { redirect_uris: ['http://evil.test/'] })
    expect(body.error).toBe('invalid_redirect_uri')
    expect((await manage('GET', client)).status).toBe(200)
  })

  it('RFC 7592 2.3: deletes the client; the token ends with it', async () => {
    const client = await registered()
    const { status, body } = await manage('DELETE', client)
    expect([status, body]).toEqual([204, {}])
    for (const method of ['GET', 'DELETE']) expect((await manage(method, client)).status).toBe(401)
    expect((await adminJson(suite, 'GET', `/clients/${client.client_id}`)).status).toBe(404)
  })

  it('is refused with 401 and WWW-Authenticate wherever it is not good', async () => {
    const [client, other] = [await registered(), await registered()]
    const token = client.registration_access_token
    const forged = token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))
    const requests: [string, string, string | undefined][] = [
      ['of another client', client.registration_client_uri, other.registration_access_token],
      ['forged', client.registration_client_uri, forged],
      ['made up', client.registration_client_uri, 'tsr_rg_x.y'],
      ['in the query', `${client.registration_client_uri}?access_token=${token}`, undefined],
      ['missing', client.registration_client_uri, undefined],
      ['of no client', `${suite.publicUrl}/oauth2/register/nobody`, token],
    ]
    for (const [why, url, shown] of requests)
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await send(method, url, method === 'PUT' ? metadata : undefined, shown)
        expect(answer.status, `${method} ${why}`).toBe(401)
        expect(answer.body.error).toBe('request_unauthorized')
        expect(answer.headers.get('www-authenticate')).toContain(
          shown === undefined ? 'Bearer realm=' : 'error="invalid_token"',
        )
      }
    expect((await manage('GET', client)).status).toBe(200)
  })

  it('is not an access token, and an access token is none', async () => {
    const client = await registered()
    const { access_token: accessToken } = await logIn(suite, client)
    expect((await send('GET', client.registration_client_uri, undefined, accessToken)).status).toBe(401)
    const headers = { authorization: `Bearer ${client.registration_access_token}` }
    expect((await fetch(`${suite.publicUrl}/userinfo`, { headers })).status).toBe(401)
  })

  it('is good after a restart', async () => {
    const client = await registered()
    await suite.restart()
    expect((await manage('GET', client)).status).toBe(200)
  })
})

describe('Hydra: clients of the admin API have a registration access token too', () => {
  it("POST answers it; its holder manages the client, but not what is the operator's", async () => {
    const client = (await createClient(suite, {
      grant_types: ['client_credentials'],
      scope: 'read',
      owner: 'team',
      skip_consent: true,
      metadata: { secret: 'note' },
      logo_uri: 'https://10.0.0.1/logo.png',
    })) as unknown as Registered & Record<string, unknown>
    expect(client.registration_client_uri).toBe(`${suite.publicUrl}/oauth2/register/${client.client_id}`)
    expect(client).not.toHaveProperty('self_registered')
    const read = (await manage('GET', client)).body
    expect(read).toMatchObject({ scope: 'read', owner: '', metadata: {}, skip_consent: false })
    const updated = await manage('PUT', client, { ...read, client_name: 'renamed' })
    expect(updated.status).toBe(200)
    const stored = await (await adminJson(suite, 'GET', `/clients/${client.client_id}`)).json()
    expect(stored).toMatchObject({
      client_name: 'renamed',
      owner: 'team',
      skip_consent: true,
      metadata: { secret: 'note' },
      scope: 'read',
    })
    const { body } = await manage('PUT', updated.body as never, { ...read, scope: 'read admin' })
    expect(body.error_description).toContain('scope')
  })

  it('an update by the operator leaves the token good', async () => {
    const client = await registered()
    const changed = await adminJson(suite, 'PUT', `/clients/${client.client_id}`, {
      ...metadata,
      client_name: 'by admin',
    })
    expect(await changed.json()).toMatchObject({ client_name: 'by admin', self_registered: true })
    expect((await manage('GET', client)).body.client_name).toBe('by admin')
  })
})

describe('what the operator allows', () => {
  let lenient: Suite
  beforeAll(async () => {
    const config = {
      enabled: true,
      default_scope: ['read'],
      allowed_grant_types: ['client_credentials'],
      max_requests_per_hour: 5,
    }
    lenient = await startSuite({ config: { oidc: { dynamic_client_registration: config } } })
  })
  afterAll(() => lenient.stop())

  it('AD-07: client_credentials where the configuration allows it, for the default scope alone', async () => {
    const grant_types = ['client_credentials']
    const { body } = await register({ grant_types }, lenient)
    expect(body.scope).toBe('read')
    const issued = await post(
      lenient,
      '/oauth2/token',
      { grant_type: 'client_credentials', scope: 'read' },
      body as never,
    )
    expect(issued.status).toBe(200)
    expect((await register({ grant_types, scope: 'admin' }, lenient)).body.error).toBe('invalid_client_metadata')
    expect((await register({ grant_types: ['authorization_code'] }, lenient)).status).toBe(400)
  })

  it('AD-07: who registers too often is slowed down', async () => {
    let answer = await register({}, lenient)
    for (let request = 0; request < 5 && answer.status !== 429; request++) answer = await register({}, lenient)
    expect(answer.status).toBe(429)
    expect(answer.body.error).toBe('too_many_requests')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('ER-06: a faulty request of a client that registered itself', () => {
  const urlOf = (client: { client_id: string }, more: Record<string, string>) =>
    `${suite.publicUrl}/oauth2/auth?${new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: 'http://127.0.0.1:5555/callback',
      response_type: 'code',
      scope: 'openid',
      state: 'the-state',
      ...more,
    })}`
  const faults: Record<string, string>[] = [
    { scope: 'not-mine' },
    { response_type: 'token' },
    { prompt: 'none login' },
    { max_age: 'x' },
    { request: 'x.y.z' },
  ]

  it('is answered by a page while the end-user has no session', async () => {
    const client = await registered()
    for (const fault of faults) {
      const answer = await fetch(urlOf(client, fault), { redirect: 'manual' })
      expect([answer.status, answer.headers.get('location')], JSON.stringify(fault)).toEqual([400, null])
      expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })

  it('goes back to a client that the operator registered', async () => {
    const client = await createClient(suite)
    for (const fault of faults) {
      const location = (await fetch(urlOf(client, fault), { redirect: 'manual' })).headers.get('location')
      expect(location, JSON.stringify(fault)).toMatch(/^http:\/\/127\.0\.0\.1:5555\/callback[?#]error=/)
    }
  })

  it('OIDC Core 3.1.2.6: a silent request without a session is no fault', async () => {
    const client = await registered()
    const answer = await fetch(urlOf(client, { prompt: 'none' }), { redirect: 'manual' })
    expect(answer.headers.get('location')).toContain('error=login_required')
  })

  it('goes back where the end-user has a session', async () => {
    const [client, agent] = [await registered(), new UserAgent()]
    await logIn(suite, client, { scope: 'openid' }, { login: { remember: true } }, agent)
    const location = await agent.redirectFrom(urlOf(client, { scope: 'not-mine' }))
    expect(location.searchParams.get('error')).toBe('invalid_scope')
  })
})
