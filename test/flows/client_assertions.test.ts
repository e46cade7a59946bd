// Clients that authenticate with assertions, end to end (RFC 7521 4.2, RFC 7523 2.2 and 3, OpenID Connect Core 9).
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  assertionType,
  clientClaims,
  newKey,
  secondsFromNow,
  showing,
  signJwt,
  signWithSecret,
  type TestKey,
} from '../support/assertions.js'
import { deviceGrant } from '../support/device.js'
import { hostileAssertions, hostileJwts } from '../support/hostile_jwts.js'
import { publicSecretsOf } from '../support/hostile_parts.js'
import { basicOf, isActive, post } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
let suite: Suite
let issuer: string
let key: TestKey
let stranger: TestKey
let client: Registered

beforeAll(async () => {
  suite = await startSuite()
  issuer = suite.config.urls.self.issuer
  key = newKey('ES256', 'of-the-client')
  stranger = newKey('ES256', 'of-a-stranger')
  client = await byKey(key)
})
afterAll(() => suite.stop())

const grants = { redirect_uris: [], grant_types: ['client_credentials', deviceGrant], scope: 'read' }

const byKey = (one: TestKey, metadata: Record<string, unknown> = {}): Promise<Registered> =>
  createClient(suite, {
    ...grants,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [one.jwk] },
    ...metadata,
  })

const bySecret = (metadata: Record<string, unknown> = {}): Promise<Registered> =>
  createClient(suite, { ...grants, token_endpoint_auth_method: 'client_secret_jwt', ...metadata })

const claimsOf = ({ client_id }: Registered, changes: Record<string, unknown> = {}) =>
  clientClaims(client_id, issuer, changes)

const requestToken = (parameters: Record<string, string>) =>
  post(suite, '/oauth2/token', { grant_type: 'client_credentials', ...parameters })

const authenticate = (assertion: string) => requestToken(showing(assertion))

const jsonOf = async (response: Response): Promise<Record<string, string>> =>
  (await response.json()) as Record<string, string>

/** Status and error of what is refused. */
async function refusalOf(parameters: Record<string, string>) {
  const { status, body } = await requestToken(parameters)
  return { status, error: body.error }
}

const invalidClient = { status: 401, error: 'invalid_client' }

describe('OIDC Core 9: private_key_jwt', () => {
  it.each(algorithms)('%s', async (alg) => {
    const own = newKey(alg)
    const registered = await byKey(own)
    expect((await authenticate(signJwt(own, claimsOf(registered)))).status).toBe(200)
    const strict = await byKey(own, { token_endpoint_auth_signing_alg: alg })
    expect((await authenticate(signJwt(own, claimsOf(strict)))).status).toBe(200)
  })

  it('JW-03: an algorithm that is not the one that the client registered', async () => {
    const own = newKey('RS256', 'rsa', { alg: undefined })
    const strict = await byKey(own, { token_endpoint_auth_signing_alg: 'PS256' })
    expect((await authenticate(signJwt({ ...own, alg: 'PS256' }, claimsOf(strict)))).status).toBe(200)
    expect(await refusalOf(showing(signJwt(own, claimsOf(strict))))).toEqual(invalidClient)
  })

  it('JW-04: keys are told apart by their kid; one alone needs none', async () => {
    const other = newKey('ES256')
    const two = await byKey(key, { jwks: { keys: [key.jwk, other.jwk] } })
    for (const one of [key, other]) expect((await authenticate(signJwt(one, claimsOf(two)))).status).toBe(200)
    const nameless = { ...key, kid: '' }
    expect(await refusalOf(showing(signJwt(nameless, claimsOf(two))))).toEqual(invalidClient)
    expect((await authenticate(signJwt(nameless, claimsOf(client)))).status).toBe(200)
    // A key for encryption, or for another algorithm, is none to sign with.
    for (const more of [{ use: 'enc' }, { alg: 'ES384' }, { key_ops: ['encrypt'] }]) {
      const unfit = await byKey(key, { jwks: { keys: [{ ...key.jwk, ...more }] } })
      expect(await refusalOf(showing(signJwt(key, claimsOf(unfit))))).toEqual(invalidClient)
    }
  })

  it('JW-08: for the issuer, the token endpoint, or a list of these alone', async () => {
    const endpoint = `${suite.publicUrl}/oauth2/token`
    for (const aud of [issuer, endpoint, [issuer], [endpoint], [issuer, endpoint]])
      expect((await authenticate(signJwt(key, claimsOf(client, { aud })))).status, String(aud)).toBe(200)
  })

  it('JW-07: clocks may differ by some seconds', async () => {
    for (const changes of [
      { iat: secondsFromNow(10) },
      { nbf: secondsFromNow(10) },
      { iat: undefined },
      { exp: secondsFromNow(3_590) },
      { exp: secondsFromNow(60) + 0.5 },
    ])
      expect((await authenticate(signJwt(key, claimsOf(client, changes)))).status, JSON.stringify(changes)).toBe(200)
  })

  it.each(['JWT', 'jwt', 'client-authentication+jwt'])('RFC 8725 3.11: typ %s', async (typ) => {
    expect((await authenticate(signJwt(key, claimsOf(client), { typ }))).status).toBe(200)
  })

  it('JW-10: a jti of 256 bytes is not too long', async () => {
    const jti = randomUUID().padEnd(256, 'x')
    expect((await authenticate(signJwt(key, claimsOf(client, { jti })))).status).toBe(200)
    expect(await refusalOf(showing(signJwt(key, claimsOf(client, { jti: `${jti}x` }))))).toEqual(invalidClient)
  })

  it('says what is wrong', async () => {
    const { body } = await authenticate(signJwt(key, claimsOf(client, { exp: secondsFromNow(-1) })))
    expect(body.error_description).toContain('It has expired.')
  })
})

describe('every endpoint that authenticates clients', () => {
  it('RFC 7009, RFC 7662, RFC 8628: revocation, introspection, device authorization', async () => {
    const fresh = () => showing(signJwt(key, claimsOf(client)))
    const token = String((await requestToken(fresh())).body.access_token)
    const introspected = await post(suite, '/oauth2/introspect', { token, ...fresh() })
    expect(introspected.body).toMatchObject({ active: true, client_id: client.client_id })
    const started = await post(suite, '/oauth2/device/auth', { scope: 'read', ...fresh() })
    expect(started.body).toHaveProperty('device_code')
    expect((await post(suite, '/oauth2/revoke', { token, ...fresh() })).status).toBe(200)
    expect(await isActive(suite, token)).toBe(false)
  })

  it('JW-10: an assertion that was good at one is good at none', async () => {
    const used = showing(signJwt(key, claimsOf(client)))
    expect((await requestToken(used)).status).toBe(200)
    for (const path of ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect', '/oauth2/device/auth']) {
      const answer = await post(suite, path, { grant_type: 'client_credentials', token: 'x', scope: 'read', ...used })
      expect({ path, status: answer.status, error: answer.body.error }).toEqual({ path, ...invalidClient })
      expect(answer.body.error).not.toBe('jti_known')
    }
  })
})

describe('JW-09, TK-01 to TK-03: what does not go together', () => {
  const good = () => signJwt(key, claimsOf(client))

  it('TK-02: client_id is another than the one that the assertion is of', async () => {
    const other = await byKey(key)
    expect(await refusalOf({ ...showing(good()), client_id: other.client_id })).toEqual(invalidClient)
    expect((await requestToken({ ...showing(good()), client_id: client.client_id })).status).toBe(200)
  })

  it('JW-09: the type of assertion is missing, another, or there twice', async () => {
    const client_assertion = good()
    expect(await refusalOf({ client_assertion })).toEqual(invalidClient)
    expect(await refusalOf({ client_assertion_type: assertionType })).toEqual(invalidClient)
    for (const type of [
      'jwt-bearer',
      `${assertionType} `,
      assertionType.toUpperCase(),
      'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
    ])
      expect(await refusalOf({ client_assertion, client_assertion_type: type })).toEqual(invalidClient)
    const twice = new URLSearchParams({ grant_type: 'client_credentials', ...showing(client_assertion) })
    twice.append('client_assertion_type', assertionType)
    const answer = await fetch(`${suite.publicUrl}/oauth2/token`, { method: 'POST', body: twice })
    // RFC 6749 3.2: whatever came twice is a bad request.
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, 'invalid_request'])
    expect((await authenticate(client_assertion)).status).toBe(200)
  })

  it('TK-01: with a secret, or with Basic', async () => {
    const { client_id, client_secret } = await createClient(suite, grants)
    const both = await refusalOf({ ...showing(good()), client_id, client_secret })
    expect(both).toEqual({ status: 400, error: 'invalid_request' })
    const response = await fetch(`${suite.publicUrl}/oauth2/token`, {
      method: 'POST',
      headers: basicOf({ client_id, client_secret }),
      body: new URLSearchParams({ grant_type: 'client_credentials', ...showing(good()) }),
    })
    expect([response.status, (await jsonOf(response)).error]).toEqual([400, 'invalid_request'])
  })

  it('TK-03: another method than the registered one', async () => {
    const withKeys = await createClient(suite, { ...grants, jwks: { keys: [key.jwk] } })
    expect(await refusalOf(showing(signJwt(key, claimsOf(withKeys))))).toEqual(invalidClient)
    expect(await refusalOf({ client_id: client.client_id })).toEqual(invalidClient)
    expect(await refusalOf({ client_id: client.client_id, client_secret: 'x'.repeat(26) })).toEqual(invalidClient)
    const secret = await bySecret()
    expect(await refusalOf({ client_id: secret.client_id, client_secret: secret.client_secret })).toEqual(invalidClient)
  })

  it('JW-09: somebody else, or nobody', async () => {
    const other = await byKey(stranger)
    expect(await refusalOf(showing(signJwt(key, claimsOf(other))))).toEqual(invalidClient)
    expect(await refusalOf(showing(signJwt(key, clientClaims('nobody', issuer))))).toEqual(invalidClient)
    expect(await refusalOf(showing(signJwt(key, clientClaims('a/../b', issuer))))).toEqual(invalidClient)
  })
})

describe('OIDC Core 9: client_secret_jwt', () => {
  it.each(['HS256', 'HS384', 'HS512'])('%s', async (alg) => {
    const registered = await bySecret({ token_endpoint_auth_signing_alg: alg })
    expect(registered.client_secret.length).toBeGreaterThanOrEqual({ HS256: 43, HS384: 48, HS512: 64 }[alg] ?? 0)
    const assertion = signWithSecret(registered.client_secret, claimsOf(registered), alg)
    expect((await authenticate(assertion)).status).toBe(200)
    expect(await refusalOf(showing(assertion))).toEqual(invalidClient)
    const wrong = signWithSecret(`${registered.client_secret}x`, claimsOf(registered), alg)
    expect(await refusalOf(showing(wrong))).toEqual(invalidClient)
  })

  it('the generated secret has 43 characters', async () => {
    const registered = await bySecret()
    expect(registered.client_secret).toHaveLength(43)
    for (const alg of ['HS256', 'HS384', 'HS512'])
      expect((await authenticate(signWithSecret(registered.client_secret, claimsOf(registered), alg))).status).toBe(200)
  })

  it('JW-12: a chosen secret has 32 bytes at least', async () => {
    const metadata = { ...grants, token_endpoint_auth_method: 'client_secret_jwt' }
    const short = await adminJson(suite, 'POST', '/clients', { ...metadata, client_secret: 'x'.repeat(31) })
    expect(short.status).toBe(400)
    const client_secret = 'a secret of 32 bytes, with an ü'
    const chosen = await bySecret({ client_secret })
    expect((await authenticate(signWithSecret(client_secret, claimsOf(chosen)))).status).toBe(200)
  })

  it('rotated secrets, a secret that is set later, and dropped ones', async () => {
    const registered = await bySecret()
    const path = `/clients/${registered.client_id}`
    const rotation = await adminJson(suite, 'POST', `${path}/secrets/rotate`)
    const { client_secret: rotated = '' } = await jsonOf(rotation)
    expect(rotated).toHaveLength(43)
    const isGood = async (secret: string) =>
      (await authenticate(signWithSecret(secret, claimsOf(registered)))).status === 200
    expect([await isGood(registered.client_secret), await isGood(rotated)]).toEqual([true, true])
    await adminJson(suite, 'DELETE', `${path}/secrets/rotate`)
    expect([await isGood(registered.client_secret), await isGood(rotated)]).toEqual([false, true])
    const client_secret = 'y'.repeat(40)
    const set = await adminJson(suite, 'PUT', path, {
      ...grants,
      token_endpoint_auth_method: 'client_secret_jwt',
      client_secret,
    })
    expect(set.status).toBe(200)
    expect([await isGood(rotated), await isGood(client_secret)]).toEqual([false, true])
  })

  it('a client that changes to it needs a secret that is known, and keeps it when it changes back', async () => {
    const registered = await createClient(suite, grants)
    const path = `/clients/${registered.client_id}`
    const set = (method: string, more: object = {}) =>
      adminJson(suite, 'PUT', path, { ...grants, token_endpoint_auth_method: method, ...more })
    const refused = await set('client_secret_jwt')
    expect([refused.status, (await jsonOf(refused)).error_description]).toEqual([
      400,
      expect.stringContaining('Send a new client_secret'),
    ])
    const client_secret = 'z'.repeat(40)
    expect((await set('client_secret_jwt', { client_secret })).status).toBe(200)
    expect((await authenticate(signWithSecret(client_secret, claimsOf(registered)))).status).toBe(200)
    expect((await set('client_secret_basic')).status).toBe(200)
    const { client_id } = registered
    expect(
      (await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, { client_id, client_secret })).status,
    ).toBe(200)
    const wrong = { client_id, client_secret: `${client_secret}z` }
    expect((await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, wrong)).status).toBe(401)
    expect((await set('client_secret_jwt')).status).toBe(200)
  })

  it('JW-02: a public key is no secret, in whatever form', async () => {
    const rsa = newKey('RS256')
    for (const [own, registered] of [
      [key, client],
      [rsa, await byKey(rsa)],
    ] as const)
      for (const [form, secret] of Object.entries(publicSecretsOf(own.publicKey)))
        for (const alg of ['HS256', 'HS384', 'HS512'])
          expect(await refusalOf(showing(signWithSecret(secret, claimsOf(registered), alg))), form).toEqual(
            invalidClient,
          )
  })
})

describe('JW-12: keys at registration', () => {
  const register = async (metadata: object) =>
    (
      await adminJson(suite, 'POST', '/clients', {
        ...grants,
        token_endpoint_auth_method: 'private_key_jwt',
        ...metadata,
      })
    ).status

  it('one of jwks and jwks_uri', async () => {
    expect(await register({})).toBe(400)
    expect(await register({ jwks: { keys: [] } })).toBe(400)
    expect(await register({ jwks: { keys: [key.jwk] }, jwks_uri: 'https://a.example/keys' })).toBe(400)
    expect(await register({ jwks: { keys: [key.jwk] } })).toBe(201)
    expect(await register({ jwks_uri: 'https://a.example/keys' })).toBe(201)
  })

  it('a secret is neither made nor taken', async () => {
    const registered = await byKey(key, { client_secret: 'x'.repeat(40) })
    expect(registered).not.toHaveProperty('client_secret')
  })

  it.each(['HS256', 'none', 'ES256K'])('token_endpoint_auth_signing_alg %s', async (alg) => {
    expect(await register({ jwks: { keys: [key.jwk] }, token_endpoint_auth_signing_alg: alg })).toBe(400)
  })
})

describe('security.md 2.9: hostile JWTs as client assertions', () => {
  const hostile = () => {
    const victim = { key, claims: () => claimsOf(client) }
    const others = [
      `${issuer}/`,
      `${suite.publicUrl}/oauth2/revoke`,
      `${suite.publicUrl}/oauth2/introspect`,
      `${suite.publicUrl}/oauth2/token/`,
      `${suite.publicUrl}/oauth2/token?x`,
      suite.adminUrl,
      issuer.slice(0, -1),
      issuer.toUpperCase(),
      client.client_id,
      'https://evil.example/oauth2/token',
    ]
    return [...hostileJwts(victim, stranger), ...hostileAssertions(victim, others)]
  }

  it('JW-01 to JW-11: none is taken, and each is a refusal of the client', async () => {
    const jwts = hostile()
    expect(jwts.length).toBeGreaterThanOrEqual(300)
    expect(new Set(jwts.map(({ jwt }) => jwt)).size).toBe(jwts.length)
    for (const { id, what, jwt } of jwts) expect(await refusalOf(showing(jwt)), `${id}: ${what}`).toEqual(invalidClient)
    expect((await authenticate(signJwt(key, claimsOf(client)))).status).toBe(200)
  })

  it('JW-11: a token of a megabyte', async () => {
    expect((await authenticate(`${'x'.repeat(1_000_000)}.y.z`)).status).toBe(413)
  })

  it('JW-14: tokens of this server are no assertions', async () => {
    const strategy = { access_token_strategy: 'jwt' }
    const own = await byKey(key, strategy)
    const { body } = await requestToken(showing(signJwt(key, claimsOf(own))))
    expect(await refusalOf(showing(String(body.access_token)))).toEqual(invalidClient)
  })
})
