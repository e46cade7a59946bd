// The JWT bearer grant, end to end (RFC 7521 4.1, RFC 7523 2.1 and 3; TK-23, JW-01 to JW-14).
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, secondsFromNow, showing, signJwt, type TestKey } from '../support/assertions.js'
import { hostileAssertions, hostileJwts } from '../support/hostile_jwts.js'
import { type Answer, introspect, isActive, post, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const issuers = '/trust/grants/jwt-bearer/issuers'
const idp = 'https://idp.example'

let suite: Suite
let second: Suite
let self: string
let key: TestKey
let stranger: TestKey
let client: Registered
let database: pg.Pool

beforeAll(async () => {
  suite = await startSuite()
  second = await startSuite({ config: { dsn: suite.dsn, urls: { self: suite.config.urls.self } } })
  self = suite.config.urls.self.issuer
  database = new pg.Pool({ connectionString: suite.dsn, options: '-c search_path=token', max: 2 })
  key = newKey('ES256', 'of-the-idp')
  stranger = newKey('ES256', 'of-a-stranger')
  client = await register()
  await trust(key)
})
afterAll(async () => {
  await database.end()
  await second.stop()
  await suite.stop()
})

const register = (metadata: Record<string, unknown> = {}): Promise<Registered> =>
  createClient(suite, {
    redirect_uris: [],
    grant_types: [grant_type],
    scope: 'read write admin openid offline_access',
    audience: ['https://api.example'],
    ...metadata,
  })

async function trust(by: TestKey, changes: Record<string, unknown> = {}): Promise<string> {
  const body = {
    issuer: idp,
    subject: 'mike@example.com',
    scope: ['read', 'write', 'openid', 'offline_access'],
    jwk: by.jwk,
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    ...changes,
  }
  const response = await adminJson(suite, 'POST', issuers, body)
  if (response.status !== 201) throw new Error(await response.text())
  return ((await response.json()) as { id: string }).id
}

const claims = (changes: Record<string, unknown> = {}) => ({
  iss: idp,
  sub: 'mike@example.com',
  aud: self,
  jti: randomUUID(),
  iat: secondsFromNow(0),
  exp: secondsFromNow(300),
  ...changes,
})

const exchange = (
  assertion: string,
  parameters: Record<string, string> = {},
  by: Registered = client,
  on: Pick<Suite, 'publicUrl'> = suite,
): Promise<Answer> => post(on, '/oauth2/token', { grant_type, assertion, ...parameters }, by)

async function outcome(...args: Parameters<typeof exchange>): Promise<string> {
  const { status, body } = await exchange(...args)
  return status === 200 ? 'good' : `${status} ${body.error}`
}

const refused = '400 invalid_grant'

describe('RFC 7523 2.1: an assertion for an access token', () => {
  it('is of its subject, for its scope and audience, without a refresh token', async () => {
    const parameters = { scope: 'read offline_access', audience: 'https://api.example' }
    const { status, headers, body } = await exchange(signJwt(key, claims()), parameters)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      access_token: expect.stringMatching(/^tsr_at_/),
      token_type: 'bearer',
      expires_in: 3_600,
      scope: 'read offline_access',
    })
    expect(await introspect(suite, String(body.access_token))).toMatchObject({
      active: true,
      sub: 'mike@example.com',
      client_id: client.client_id,
      scope: 'read offline_access',
      aud: ['https://api.example'],
      token_use: 'access_token',
    })
  })

  it('RFC 9068: as a JWT where the client has it so', async () => {
    const jwtClient = await register({ access_token_strategy: 'jwt' })
    const { body } = await exchange(signJwt(key, claims()), { scope: 'read' }, jwtClient)
    expect(String(body.access_token).split('.')).toHaveLength(3)
    expect(await introspect(suite, String(body.access_token))).toMatchObject({ active: true, sub: 'mike@example.com' })
  })

  it('RFC 7009: is revoked like any other', async () => {
    for (const by of [client, await register({ access_token_strategy: 'jwt' })]) {
      const token = String((await exchange(signJwt(key, claims()), {}, by)).body.access_token)
      expect(await isActive(suite, token)).toBe(true)
      expect((await post(suite, '/oauth2/revoke', { token }, by)).status).toBe(200)
      expect(await isActive(suite, token)).toBe(false)
    }
  })

  it('without a scope it is good for none; the audience of the assertion is not that of the token', async () => {
    const { body } = await exchange(signJwt(key, claims()))
    expect(body.scope).toBe('')
    expect(await introspect(suite, String(body.access_token))).toMatchObject({ active: true, aud: [] })
  })

  it('opens no userinfo: there is no login behind it', async () => {
    const { body } = await exchange(signJwt(key, claims()), { scope: 'openid' })
    expect(body).not.toHaveProperty('id_token')
    expect([401, 403]).toContain((await userinfo(suite, String(body.access_token))).status)
  })

  it('lives as long as the client says', async () => {
    const short = await register({ jwt_bearer_grant_access_token_lifespan: '10m' })
    expect((await exchange(signJwt(key, claims()), {}, short)).body.expires_in).toBe(600)
  })

  it('the client may authenticate with an assertion of its own', async () => {
    const own = newKey('ES256')
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [own.jwk] } }
    const { client_id } = await register(metadata)
    const parameters = {
      grant_type,
      assertion: signJwt(key, claims()),
      ...showing(signJwt(own, clientClaims(client_id, self))),
    }
    expect((await post(suite, '/oauth2/token', parameters)).status).toBe(200)
  })

  it.each(['RS256', 'PS384', 'ES512', 'EdDSA'])('signed with %s', async (alg) => {
    const own = newKey(alg)
    await trust(own)
    expect(await outcome(signJwt(own, claims()))).toBe('good')
  })

  it('JW-08: for the issuer, the token endpoint, or a list of these alone', async () => {
    const endpoint = `${suite.publicUrl}/oauth2/token`
    for (const aud of [self, endpoint, [self], [endpoint, self]])
      expect(await outcome(signJwt(key, claims({ aud })))).toBe('good')
  })

  it('JW-07: clocks may differ by some seconds', async () => {
    for (const changes of [{ iat: secondsFromNow(10) }, { nbf: secondsFromNow(10) }])
      expect(await outcome(signJwt(key, claims(changes)))).toBe('good')
  })
})

describe('who may', () => {
  it('TK-06: no public client', async () => {
    const { client_id } = await register({ token_endpoint_auth_method: 'none' })
    expect(await outcome(signJwt(key, claims()), {}, { client_id } as Registered)).toBe('400 unauthorized_client')
  })

  it('TK-07: no client that is not registered for the grant', async () => {
    const other = await register({ grant_types: ['client_credentials'] })
    expect(await outcome(signJwt(key, claims()), {}, other)).toBe('400 unauthorized_client')
  })

  it('nobody without client authentication', async () => {
    const { status, body } = await post(suite, '/oauth2/token', { grant_type, assertion: signJwt(key, claims()) })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
    const wrong = { ...client, client_secret: 'x'.repeat(26) }
    expect(await outcome(signJwt(key, claims()), {}, wrong)).toBe('401 invalid_client')
  })

  it('RFC 6749 5.2: no assertion at all is a bad request', async () => {
    expect(await outcome('')).toBe('400 invalid_request')
  })

  it('RFC 6749 5.2: not for scopes or audiences that the client may not have', async () => {
    expect(await outcome(signJwt(key, claims()), { scope: 'other' })).toBe('400 invalid_scope')
    expect(await outcome(signJwt(key, claims()), { audience: 'https://other.example' })).toBe('400 invalid_request')
  })
})

describe('TK-23: whom the operator does not trust', () => {
  it('scopes beyond those of the issuer', async () => {
    expect(await outcome(signJwt(key, claims()), { scope: 'read admin' })).toBe(refused)
    expect(await outcome(signJwt(key, claims()), { scope: 'read write' })).toBe('good')
  })

  it('another subject; any subject where any is allowed', async () => {
    expect(await outcome(signJwt(key, claims({ sub: 'eve@example.com' })))).toBe(refused)
    const any = newKey('ES256')
    await trust(any, { subject: undefined, allow_any_subject: true, scope: ['read'] })
    expect(await outcome(signJwt(any, claims({ sub: 'eve@example.com' })), { scope: 'read' })).toBe('good')
    // The key that is trusted for one subject says nothing of another.
    expect(await outcome(signJwt(key, claims({ sub: 'eve@example.com' })))).toBe(refused)
    expect(await outcome(signJwt(any, claims()), { scope: 'write' })).toBe(refused)
  })

  it('another issuer with the same key', async () => {
    expect(await outcome(signJwt(key, claims({ iss: 'https://other.example' })))).toBe(refused)
  })

  it('an issuer that is trusted no more: others of the same name and key stay', async () => {
    const own = newKey('ES256')
    const id = await trust(own)
    const kept = await trust(own, { subject: 'kept@example.com' })
    expect(await outcome(signJwt(own, claims()))).toBe('good')
    await adminJson(suite, 'DELETE', `${issuers}/${id}`)
    expect(await outcome(signJwt(own, claims()))).toBe(refused)
    expect(await outcome(signJwt(own, claims({ sub: 'kept@example.com' })))).toBe('good')
    expect(await outcome(signJwt(key, claims()))).toBe('good')
    await adminJson(suite, 'DELETE', `${issuers}/${kept}`)
    expect(await outcome(signJwt(own, claims({ sub: 'kept@example.com' })))).toBe(refused)
  })

  it('a trust that has expired, with a kid and without', async () => {
    const own = newKey('ES256')
    const id = await trust(own, { issuer: 'https://expired.example' })
    const assertion = (kid: string) => signJwt({ ...own, kid }, claims({ iss: 'https://expired.example' }))
    for (const kid of [own.kid, '']) expect(await outcome(assertion(kid))).toBe('good')
    await database.query("UPDATE trusted_issuer SET expires_at = now() - interval '1 second' WHERE id = $1", [id])
    for (const kid of [own.kid, '']) expect(await outcome(assertion(kid))).toBe(refused)
  })

  it('JW-04: without a kid each key is tried, with one only that', async () => {
    const [one, other] = [newKey('ES256'), newKey('ES256')]
    for (const each of [one, other]) await trust(each, { issuer: 'https://two.example' })
    const of = (each: TestKey, kid: string) => signJwt({ ...each, kid }, claims({ iss: 'https://two.example' }))
    expect(await outcome(of(one, ''))).toBe('good')
    expect(await outcome(of(other, ''))).toBe('good')
    expect(await outcome(of(one, other.kid))).toBe(refused)
  })
})

describe('JW-10, I9: an assertion is good once', () => {
  it.each([
    ['one instance', () => [suite]],
    ['two instances on one database', () => [suite, second]],
  ])('50 at once, %s: one winner, no 5xx', async (_, instances) => {
    for (let round = 0; round < 3; round++) {
      const assertion = signJwt(key, claims())
      const on = instances()
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => outcome(assertion, {}, client, on[index % on.length])),
      )
      expect(outcomes.filter((each) => each === 'good')).toHaveLength(1)
      expect(new Set(outcomes)).toEqual(new Set(['good', refused]))
    }
  })

  it('by its jti, whoever sends it; what was refused for another reason is not used up', async () => {
    const other = await register()
    const jti = randomUUID()
    expect(await outcome(signJwt(key, claims({ jti })), { scope: 'admin' })).toBe(refused)
    expect(await outcome(signJwt(key, claims({ jti })))).toBe('good')
    expect(await outcome(signJwt(key, claims({ jti, exp: secondsFromNow(200) })), {}, other)).toBe(refused)
  })

  it('what is kept of it goes when it has expired', async () => {
    const exp = secondsFromNow(30)
    expect(await outcome(signJwt(key, claims({ exp })))).toBe('good')
    const { rows } = await database.query('SELECT extract(epoch FROM expires_at)::int AS until FROM used_assertion')
    expect(rows.map(({ until }) => until)).toContain(exp + 300)
  })
})

describe('security.md 2.9: hostile JWTs as assertions', () => {
  it('JW-01 to JW-11: none is taken', async () => {
    const victim = { key, claims }
    const others = [
      `${self}/`,
      `${suite.publicUrl}/oauth2/revoke`,
      suite.adminUrl,
      client.client_id,
      'https://evil.example',
    ]
    const jwts = [...hostileJwts(victim, stranger), ...hostileAssertions(victim, others)].filter(
      ({ jwt }) => jwt !== '',
    )
    expect(jwts.length).toBeGreaterThanOrEqual(300)
    for (const { id, what, jwt } of jwts) expect(await outcome(jwt), `${id}: ${what}`).toBe(refused)
    expect(await outcome(signJwt(key, claims()))).toBe('good')
  })

  it('JW-07: iat is needed, and an assertion is good for 720 hours at most', async () => {
    expect(await outcome(signJwt(key, claims({ iat: undefined })))).toBe(refused)
    expect(await outcome(signJwt(key, claims({ exp: secondsFromNow(720 * 3_600 + 60) })))).toBe(refused)
    expect(await outcome(signJwt(key, claims({ exp: secondsFromNow(720 * 3_600 - 60) })))).toBe('good')
  })

  it('JW-14: an assertion that authenticates a client is no grant, and the other way round', async () => {
    expect(await outcome(signJwt(key, claims(), { typ: 'client-authentication+jwt' }))).toBe(refused)
    expect(await outcome(signJwt(key, claims(), { typ: 'authorization-grant+jwt' }))).toBe('good')
    const parameters = { grant_type: 'client_credentials', ...showing(signJwt(key, claims())) }
    expect((await post(suite, '/oauth2/token', parameters)).status).toBe(401)
  })
})
