// Authorization requests as JWTs by value (RFC 9101, OpenID Connect Core 6.1), end to end.
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyServer, startKeyServer } from '../support/key_server.js'
import { newPkce, redeem, redirectUri } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { authorize, createClient, UserAgent } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

let suite: Suite
let client: Registered
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let jwks: { keys: object[] }
let keyServer: KeyServer

beforeAll(async () => {
  const clients = { http: { disallow_private_ip_ranges: false } }
  suite = await startSuite({ config: { clients } })
  keys = await generateKeyPair('ES256', { extractable: true })
  jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  client = await createClient(suite, { jwks, request_object_signing_alg: 'ES256' })
  keyServer = await startKeyServer()
})
afterAll(async () => {
  await keyServer.close()
  await suite.stop()
})

const pkce = newPkce()
const claimsFor = (by: Registered, changes: Record<string, unknown> = {}) => ({
  iss: by.client_id,
  aud: suite.config.urls.self.issuer,
  client_id: by.client_id,
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid',
  state: 'state-inside',
  nonce: 'nonce-inside',
  code_challenge: pkce.challenge,
  code_challenge_method: 'S256',
  ...changes,
})

const sign = (claims: object, header: object = {}, key = keys.privateKey) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'oauth-authz-req+jwt', ...header })
    .sign(key)

const urlOf = (by: Registered, request: string, beside: Record<string, string> = {}) =>
  `${suite.publicUrl}/oauth2/auth?${new URLSearchParams({ client_id: by.client_id, request, ...beside })}`

/** Where a request that is refused leads to. */
async function refusalOf(request: string, beside: Record<string, string> = {}, by = client) {
  const outside = { redirect_uri: redirectUri, state: 'state-outside', ...beside }
  const to = await new UserAgent().redirectFrom(urlOf(by, request, outside))
  return Object.fromEntries(to.searchParams)
}

describe('RFC 9101 6.3: what counts is what the object says', () => {
  it('PK-08, JW-13: parameters beside it are ignored', async () => {
    const request = await sign(claimsFor(client))
    const beside = {
      response_type: 'code',
      redirect_uri: 'https://evil.example/',
      scope: 'openid offline_access',
      state: 'state-outside',
      code_challenge: newPkce().challenge,
      prompt: 'none',
    }
    const callback = await authorize(suite, urlOf(client, request, beside))
    expect(callback.href.startsWith(redirectUri)).toBe(true)
    expect(callback.searchParams.get('state')).toBe('state-inside')
    const code = callback.searchParams.get('code') ?? ''
    const { status, body } = await redeem(suite, client, { code, pkce })
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: 'openid' })
  })

  it('numbers and JSON stand for what they would be in a URL', async () => {
    const agent = new UserAgent()
    const request = await sign(claimsFor(client, { max_age: 60, claims: { id_token: {} } }))
    expect((await agent.redirectFrom(urlOf(client, request))).searchParams.has('login_challenge')).toBe(true)
  })

  it('errors of the request inside go where it says', async () => {
    const to = await new UserAgent().redirectFrom(urlOf(client, await sign(claimsFor(client, { prompt: 'none' }))))
    expect(Object.fromEntries(to.searchParams)).toMatchObject({ error: 'login_required', state: 'state-inside' })
  })

  it('keys at jwks_uri are fetched once', async () => {
    const jwks_uri = keyServer.serve('/keys', jwks.keys)
    const byUri = await createClient(suite, { jwks_uri })
    for (const state of ['one', 'two', 'three'])
      expect(
        (await authorize(suite, urlOf(byUri, await sign(claimsFor(byUri, { state }))))).searchParams.get('state'),
      ).toBe(state)
    expect(keyServer.count('/keys')).toBe(1)
    // SS-05: a key that is not there is looked for once, and not at each request.
    const unknown = await sign(claimsFor(byUri), { kid: 'k2' })
    for (let attempt = 0; attempt < 3; attempt++)
      expect((await refusalOf(unknown, {}, byUri)).error).toBe('invalid_request_object')
    expect(keyServer.count('/keys')).toBe(2)
    expect((await authorize(suite, urlOf(byUri, await sign(claimsFor(byUri))))).searchParams.has('code')).toBe(true)
    expect(keyServer.count('/keys')).toBe(2)
  })
})

describe('JW-13: an object that cannot be accepted', () => {
  it.each<[string, () => Promise<string>]>([
    ['it is no JWT', async () => 'x'],
    ['it has five parts', async () => 'a.b.c.d.e'],
    ['another key signed it', async () => sign(claimsFor(client), {}, (await generateKeyPair('ES256')).privateKey)],
    ['it is not signed, where it must be', async () => new UnsecuredJWT(claimsFor(client)).encode()],
    ['it was changed', async () => (await sign(claimsFor(client))).replace(/\.[^.]+\./, '.e30.')],
    ['it is another kind of JWT', () => sign(claimsFor(client), { typ: 'at+jwt' })],
    ['it is the assertion of a client', () => sign(claimsFor(client, { sub: client.client_id }))],
    ['another client issued it', () => sign(claimsFor(client, { iss: 'other' }))],
    ['it is for another server', () => sign(claimsFor(client, { aud: 'https://other.example' }))],
    ['it has expired', () => sign(claimsFor(client, { exp: 1 }))],
    ['it is not yet valid', () => sign(claimsFor(client, { nbf: 4_000_000_000 }))],
    ['it holds another', () => sign(claimsFor(client, { request: 'x' }))],
    ['it refers to another', () => sign(claimsFor(client, { request_uri: 'https://a.example/' }))],
    ['a value is no parameter', () => sign(claimsFor(client, { state: ['a'] }))],
  ])('%s', async (_, object) => {
    expect(await refusalOf(await object())).toMatchObject({ error: 'invalid_request_object', state: 'state-outside' })
  })

  it('has another algorithm than the client registered', async () => {
    const other = await createClient(suite, { jwks, request_object_signing_alg: 'RS256' })
    expect((await refusalOf(await sign(claimsFor(other)), {}, other)).error).toBe('invalid_request_object')
  })

  it('OIDC Core 6.1: says another client_id or response_type than the request around it', async () => {
    expect((await refusalOf(await sign(claimsFor(client, { client_id: 'other' })))).error).toBe('invalid_request')
    const outside = new URLSearchParams(
      (
        await new UserAgent().redirectFrom(
          urlOf(client, await sign(claimsFor(client)), { redirect_uri: redirectUri, response_type: 'token' }),
        )
      ).hash.slice(1),
    )
    expect(outside.get('error')).toBe('invalid_request')
  })

  it('request and request_uri together', async () => {
    const refused = await refusalOf(await sign(claimsFor(client)), { request_uri: 'https://a.example/' })
    expect(refused.error).toBe('invalid_request')
  })

  it('is answered by the server itself where no redirect URI is to be trusted', async () => {
    const answer = await new UserAgent().fetch(urlOf(client, 'x', { redirect_uri: 'https://evil.example/' }))
    expect(answer.status).toBe(400)
  })
})

describe('OIDC Registration 2: request_object_signing_alg', () => {
  it('none: only where the client registered it', async () => {
    const unsigned = await createClient(suite, { request_object_signing_alg: 'none' })
    const request = new UnsecuredJWT(claimsFor(unsigned)).encode()
    const callback = await authorize(suite, urlOf(unsigned, request))
    expect(callback.searchParams.get('state')).toBe('state-inside')
    const anything = await createClient(suite, { jwks })
    const refused = await refusalOf(new UnsecuredJWT(claimsFor(anything)).encode(), {}, anything)
    expect(refused.error).toBe('invalid_request_object')
  })

  it('discovery says so', async () => {
    const metadata = await (await fetch(`${suite.publicUrl}/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: true,
      require_request_uri_registration: true,
      request_object_signing_alg_values_supported: expect.arrayContaining(['none', 'RS256', 'ES256', 'EdDSA']),
    })
  })
})
