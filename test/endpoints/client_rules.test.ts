// Hydra's rules for clients, each by its wording, through the admin API; and what Tessera keeps where Hydra drops it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey } from '../support/assertions.js'
import { post } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson } from '../support/user_agent.js'

let suite: Suite
beforeAll(async () => {
  suite = await startSuite()
})
afterAll(() => suite.stop())

type Json = Record<string, unknown> & { readonly client_id: string; readonly client_secret: string }

async function send(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
  const answer = await adminJson(suite, method, path, body)
  const text = await answer.text()
  return { status: answer.status, body: text ? JSON.parse(text) : {} }
}
const create = (metadata: Record<string, unknown>) => send('POST', '/clients', metadata)

async function created(metadata: Record<string, unknown> = {}): Promise<Json> {
  const { status, body } = await create({ grant_types: ['client_credentials'], scope: 'read', ...metadata })
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}

/** Whether a client of this id and secret is given a token. */
const isGood = async (client_id: string, client_secret: string): Promise<boolean> =>
  (await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, { client_id, client_secret })).status ===
  200

const refusal = async (metadata: Record<string, unknown>, error = 'invalid_client_metadata') => {
  const { status, body } = await create(metadata)
  expect([status, body.error], JSON.stringify(metadata)).toEqual([400, error])
  return String(body.error_description)
}

describe('redirect_uris', () => {
  it.each(['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'blob:https://a.test/x'])(
    'RM-02: nothing is posted to %s, which cannot be registered',
    async (uri) => {
      await refusal({ redirect_uris: [uri] }, 'invalid_redirect_uri')
    },
  )
})

describe('client_id', () => {
  it('is chosen by the caller, or else a UUID', async () => {
    expect((await created({ client_id: 'my-app' })).client_id).toBe('my-app')
    expect((await created()).client_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect((await create({ client_id: 'my-app' })).status).toBe(409)
  })
})

describe('client_secret', () => {
  it('that is generated has 26 characters; one that is chosen at least 6', async () => {
    const generated = await created()
    expect(generated.client_secret).toHaveLength(26)
    expect(await isGood(generated.client_id, generated.client_secret)).toBe(true)
    const chosen = await created({ client_secret: 'six666' })
    expect(chosen.client_secret).toBe('six666')
    expect(await isGood(chosen.client_id, 'six666')).toBe(true)
    expect(await refusal({ client_secret: 'five5' })).toContain('client_secret')
  })

  it('is echoed when it is made, set or rotated, and at no other time', async () => {
    const { client_id, client_secret } = await created()
    const path = `/clients/${client_id}`
    const read = (await send('GET', path)).body
    const listed = (await send('GET', '/clients?page_size=500')).body as unknown as Json[]
    const set = (await send('PUT', path, read)).body
    const patched = (await send('PATCH', path, [{ op: 'replace', path: '/client_name', value: 'x' }])).body
    const lifespans = (await send('PUT', `${path}/lifespans`, {})).body
    const dropped = (await send('DELETE', `${path}/secrets/rotate`)).body
    for (const answer of [read, ...listed, set, patched, lifespans, dropped]) {
      expect(answer).not.toHaveProperty('client_secret')
      expect(JSON.stringify(answer)).not.toContain(client_secret)
    }
    expect((await send('PUT', path, { ...read, client_secret: 'another secret' })).body.client_secret).toBe(
      'another secret',
    )
    expect((await send('POST', `${path}/secrets/rotate`)).body.client_secret).toHaveLength(26)
  })

  it('is never one of a public client', async () => {
    const metadata = { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] }
    for (const more of [{}, { client_secret: 'a chosen secret' }])
      expect(await created({ ...metadata, ...more })).not.toHaveProperty('client_secret')
  })

  it('client_secret_expires_at is always 0', async () => {
    const client = await created({ client_secret_expires_at: 5 })
    expect(client.client_secret_expires_at).toBe(0)
    expect((await send('GET', `/clients/${client.client_id}`)).body.client_secret_expires_at).toBe(0)
  })

  it('PUT without one keeps the secret', async () => {
    const { client_id, client_secret } = await created()
    await send('PUT', `/clients/${client_id}`, { grant_types: ['client_credentials'], scope: 'read' })
    expect(await isGood(client_id, client_secret)).toBe(true)
  })

  it('PUT with one clears the rotated secrets', async () => {
    const { client_id, client_secret } = await created()
    const rotated = (await send('POST', `/clients/${client_id}/secrets/rotate`)).body.client_secret
    expect(await Promise.all([client_secret, rotated].map((secret) => isGood(client_id, secret)))).toEqual([true, true])
    const metadata = { grant_types: ['client_credentials'], scope: 'read', client_secret: 'the only one' }
    await send('PUT', `/clients/${client_id}`, metadata)
    const secrets = [client_secret, rotated, 'the only one']
    expect(await Promise.all(secrets.map((secret) => isGood(client_id, secret)))).toEqual([false, false, true])
  })

  it('rotating keeps five earlier ones good; DELETE drops them', async () => {
    const { client_id, client_secret } = await created()
    const path = `/clients/${client_id}/secrets/rotate`
    const secrets = [client_secret]
    for (let rotation = 0; rotation < 6; rotation++) secrets.push((await send('POST', path)).body.client_secret)
    const good = () => Promise.all(secrets.map((secret) => isGood(client_id, secret)))
    expect(await good()).toEqual([false, true, true, true, true, true, true])
    await send('DELETE', path)
    expect(await good()).toEqual([false, false, false, false, false, false, true])
  })
})

describe('jwks and jwks_uri', () => {
  const jwks = { keys: [newKey('RS256').jwk] }

  it('exclude each other', async () => {
    expect(await refusal({ jwks, jwks_uri: 'https://app.test/jwks' })).toContain('jwks')
    expect((await created({ jwks })).jwks).toEqual(jwks)
    expect((await created({ jwks_uri: 'https://app.test/jwks' })).jwks_uri).toBe('https://app.test/jwks')
  })

  it('one of them is needed for private_key_jwt, with RS, PS or ES 256, 384 or 512', async () => {
    const method = { token_endpoint_auth_method: 'private_key_jwt' }
    expect(await refusal(method)).toContain('jwks')
    const algorithms = ['RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((bits) => family + bits))
    for (const token_endpoint_auth_signing_alg of algorithms)
      expect(await created({ ...method, jwks, token_endpoint_auth_signing_alg })).not.toHaveProperty('client_secret')
    for (const token_endpoint_auth_signing_alg of ['none', 'HS256', 'rs256', 'x'])
      await refusal({ ...method, jwks, token_endpoint_auth_signing_alg })
  })
})

describe('addresses', () => {
  const redirect_uris = ['https://app.test/cb', 'http://127.0.0.1:5555/cb']

  it('redirect_uris have no fragment', async () => {
    for (const uri of ['https://app.test/cb#', 'https://app.test/cb#x'])
      expect(await refusal({ redirect_uris: [uri] }, 'invalid_redirect_uri')).toContain('fragment')
  })

  it('post_logout_redirect_uris have scheme, host and port of a redirect URI', async () => {
    const good = ['https://app.test/bye', 'https://app.test:443/bye', 'http://127.0.0.1:5555/bye']
    const client = await created({ redirect_uris, post_logout_redirect_uris: good })
    expect(client.post_logout_redirect_uris).toEqual(good)
    for (const uri of [
      'http://app.test/bye',
      'https://app.test:8443/bye',
      'https://www.app.test/bye',
      'http://127.0.0.1:5556/bye',
    ])
      expect(await refusal({ redirect_uris, post_logout_redirect_uris: [uri] })).toContain('post_logout_redirect_uris')
  })

  it('allowed_cors_origins are http or https, without path, query and user information', async () => {
    const good = ['https://app.test', 'http://localhost:3000']
    expect((await created({ allowed_cors_origins: good })).allowed_cors_origins).toEqual(good)
    for (const origin of [
      'https://app.test/path',
      'https://app.test?x=1',
      'https://user@app.test',
      'https://u:p@app.test',
      'ftp://app.test',
      'app.test',
      'null',
      '*',
    ])
      expect(await refusal({ allowed_cors_origins: [origin] })).toContain('allowed_cors_origins')
  })

  it('section 5: initiate_login_uri is kept, and uses https', async () => {
    const initiate_login_uri = 'https://app.test/start?tenant=1'
    const { client_id } = await created({ initiate_login_uri })
    const read = (await send('GET', `/clients/${client_id}`)).body
    expect(read.initiate_login_uri).toBe(initiate_login_uri)
    expect((await send('PUT', `/clients/${client_id}`, read)).body.initiate_login_uri).toBe(initiate_login_uri)
    for (const uri of [
      'http://app.test/start',
      'http://127.0.0.1/start',
      'com.example.app:/start',
      'javascript:alert(1)',
    ])
      expect(await refusal({ initiate_login_uri: uri })).toContain('initiate_login_uri')
  })
})

describe('other metadata', () => {
  it('an empty scope gets the default of dynamic client registration', async () => {
    expect((await created({ scope: '' })).scope).toBe('offline_access offline openid')
    const dynamic_client_registration = { default_scope: ['openid', 'photos'] }
    const other = await startSuite({ config: { oidc: { dynamic_client_registration } } })
    try {
      expect(await (await adminJson(other, 'POST', '/clients', {})).json()).toMatchObject({ scope: 'openid photos' })
    } finally {
      await other.stop()
    }
  })

  it('userinfo_signed_response_alg is none, RS256, or another that ID tokens are signed with', async () => {
    for (const userinfo_signed_response_alg of ['none', 'RS256', 'ES256', 'EdDSA'])
      expect(await created({ userinfo_signed_response_alg })).toMatchObject({ userinfo_signed_response_alg })
    expect((await created()).userinfo_signed_response_alg).toBe('none')
    for (const userinfo_signed_response_alg of ['HS256', 'NONE', 'x'])
      expect(await refusal({ userinfo_signed_response_alg })).toContain('userinfo_signed_response_alg')
  })

  it('token_endpoint_auth_method is client_secret_basic unless it is said', async () => {
    expect((await created()).token_endpoint_auth_method).toBe('client_secret_basic')
    for (const token_endpoint_auth_method of ['client_secret_post', 'none'])
      expect(await created({ token_endpoint_auth_method })).toMatchObject({ token_endpoint_auth_method })
    for (const token_endpoint_auth_method of ['tls_client_auth', 'basic', 'x'])
      expect(await refusal({ token_endpoint_auth_method })).toContain('token_endpoint_auth_method')
  })

  it('several redirect hosts with pairwise need a sector_identifier_uri', async () => {
    const subject_identifiers = { supported_types: ['public', 'pairwise'], pairwise: { salt: 'a salt for the test' } }
    const other = await startSuite({ config: { oidc: { subject_identifiers } } })
    const register = (...redirect_uris: string[]) =>
      adminJson(other, 'POST', '/clients', { subject_type: 'pairwise', redirect_uris })
    try {
      expect((await register('https://app.test/cb', 'https://app.test/other')).status).toBe(201)
      const refused = await register('https://app.test/cb', 'https://other.test/cb')
      expect(refused.status).toBe(400)
      expect(await refused.text()).toContain('sector_identifier_uri')
    } finally {
      await other.stop()
    }
  })
})
