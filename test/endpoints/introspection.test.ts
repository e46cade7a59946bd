// Introspection on both ports and userinfo, as their callers meet them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import { IntrospectResponse } from '#proto/introspection/v1/introspection_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { lastRequest, startGateway, type TestGateway } from '../support/fake_services.js'

const active = IntrospectResponse.fromPartial({
  active: true,
  scope: 'openid read',
  clientId: 'app',
  sub: 'alice',
  exp: 2_000,
  iat: 1_000,
  nbf: 1_000,
  aud: ['https://api.test'],
  iss: 'https://issuer.test',
  tokenType: 'Bearer',
  tokenUse: 'access_token',
  grantId: 'g1',
  jti: 'j1',
})

/** Tokens by their text; all others are not active. */
const tokens: Record<string, IntrospectResponse> = {
  good: active,
  plain: { ...active, scope: 'read' },
  machine: { ...active, grantId: '', sub: 'app' },
  refresh: { ...active, tokenUse: 'refresh_token', exp: 0 },
  rich: { ...active, obfuscatedSubject: 'pair', extJson: Buffer.from('{"tier":"gold"}') },
}

let method = 'client_secret_basic'
let outage = false
let claims: Record<string, unknown> | Error = { sub: 'alice', name: 'Alice' }
let server: TestGateway

beforeAll(async () => {
  server = await startGateway({
    introspection: {
      introspect: async ({ token }) => {
        if (outage) throw new OAuthError('temporarily_unavailable')
        return tokens[token] ?? IntrospectResponse.create()
      },
    },
    clients: {
      authenticateClient: async ({ credentials }) => {
        if (!credentials?.authorization && !credentials?.clientId) throw new OAuthError('invalid_client')
        return { client: Client.fromPartial({ clientId: 'rs' }), method, reusable: true }
      },
    },
    tokens: {
      getUserClaims: async () => {
        if (claims instanceof Error) throw claims
        return { claims, signedClaims: '' }
      },
    },
  })
})
afterAll(() => server.close())

const introspect = (url: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body: new URLSearchParams(form), headers })
const onAdmin = (form: Record<string, string>) => introspect(`${server.adminUrl}/admin/oauth2/introspect`, form)
const onPublic = (
  form: Record<string, string>,
  headers: Record<string, string> = { authorization: 'Basic cnM6cw==' },
) => introspect(`${server.publicUrl}/oauth2/introspect`, form, headers)

describe('RFC 7662 2.2: the answer', () => {
  it('has what is known of a good token', async () => {
    const answer = await onAdmin({ token: 'good', scope: 'read', token_type_hint: 'access_token' })
    expect(await answer.json()).toEqual({
      active: true,
      scope: 'openid read',
      client_id: 'app',
      sub: 'alice',
      exp: 2_000,
      iat: 1_000,
      nbf: 1_000,
      aud: ['https://api.test'],
      iss: 'https://issuer.test',
      token_type: 'Bearer',
      token_use: 'access_token',
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(lastRequest(server.calls, 'introspect')).toMatchObject({
      token: 'good',
      scope: 'read',
      tokenTypeHint: 'access_token',
      callerClientId: '',
    })
  })

  it('has `ext` and `obfuscated_subject` where there are any, and no `exp` where there is none', async () => {
    expect(await (await onAdmin({ token: 'rich' })).json()).toMatchObject({
      ext: { tier: 'gold' },
      obfuscated_subject: 'pair',
    })
    expect(await (await onAdmin({ token: 'refresh' })).json()).not.toHaveProperty('exp')
  })

  it('TK-12: for a bad one it is exactly {"active":false}, for a token of 1 MB too', async () => {
    for (const token of ['bad', 'x'.repeat(1024 * 1024)]) {
      const answer = await onAdmin({ token })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toBe('{"active":false}')
    }
  })

  it('TK-14: a token in the query is none, and a token is needed', async () => {
    expect((await introspect(`${server.adminUrl}/admin/oauth2/introspect?token=good`, {})).status).toBe(400)
    expect((await fetch(`${server.adminUrl}/admin/oauth2/introspect?token=good`)).status).toBe(405)
  })

  it('I11: an outage is 503, never a verdict', async () => {
    outage = true
    const answer = await onAdmin({ token: 'good' })
    outage = false
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  })
})

describe('RFC 7662 2.1: who may ask on the public port', () => {
  it('a confidential client, which is told of by its id', async () => {
    method = 'client_secret_basic'
    expect(await (await onPublic({ token: 'good' })).json()).toMatchObject({ active: true })
    expect(lastRequest(server.calls, 'introspect').callerClientId).toBe('rs')
  })

  it('TK-11: not a public client, and nobody without credentials', async () => {
    method = 'none'
    for (const [form, headers] of [
      [{ token: 'good', client_id: 'rs' }, {}],
      [{ token: 'good' }, {}],
    ] as const) {
      const answer = await onPublic(form, headers)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
      expect(await answer.json()).toMatchObject({ error: 'invalid_client' })
    }
    method = 'client_secret_basic'
  })

  it('the holder of an access token, as its client', async () => {
    expect(await (await onPublic({ token: 'rich' }, { authorization: 'Bearer good' })).json()).toMatchObject({
      active: true,
    })
    expect(lastRequest(server.calls, 'introspect')).toMatchObject({ token: 'rich', callerClientId: 'app' })
  })

  it('not the holder of a bad token or a refresh token', async () => {
    for (const bearer of ['bad', 'refresh']) {
      const answer = await onPublic({ token: 'good' }, { authorization: `Bearer ${bearer}` })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
    }
  })

  it('TK-01: not in two ways at once', async () => {
    const answer = await onPublic(
      { token: 'good', client_id: 'a', client_secret: 'b' },
      { authorization: 'Bearer good' },
    )
    expect(answer.status).toBe(400)
  })
})

const userinfo = (init: RequestInit = {}, query = '') => fetch(`${server.publicUrl}/userinfo${query}`, init)
const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const inForm = (form: Record<string, string>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  body: new URLSearchParams(form),
  headers,
})

describe('OpenID Connect Core 5.3: userinfo', () => {
  it('answers with the claims, by GET and POST, from header field and form', async () => {
    claims = { sub: 'alice', name: 'Alice' }
    const inits = [bearing('good'), { method: 'POST', ...bearing('good') }, inForm({ access_token: 'good' })]
    for (const init of inits) {
      const answer = await userinfo(init)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({ sub: 'alice', name: 'Alice' })
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
    expect(lastRequest(server.calls, 'getUserClaims')).toEqual({ grantId: 'g1' })
  })

  const refusals: [string, RequestInit, number, string, string][] = [
    ['no token', {}, 401, 'request_unauthorized', ''],
    ['another scheme', { headers: { authorization: 'DPoP good' } }, 401, 'request_unauthorized', ''],
    ['a bad token', bearing('bad'), 401, 'request_unauthorized', 'invalid_token'],
    ['a refresh token', bearing('refresh'), 401, 'request_unauthorized', 'invalid_token'],
    ['a token without an end-user', bearing('machine'), 401, 'request_unauthorized', 'invalid_token'],
    ['a token without openid', bearing('plain'), 403, 'insufficient_scope', 'insufficient_scope'],
    [
      'two places',
      inForm({ access_token: 'good' }, bearing('good').headers),
      400,
      'invalid_request',
      'invalid_request',
    ],
  ]
  for (const [name, init, status, error, told] of refusals)
    it(`TK-20, RFC 6750 3: ${name}: ${status}`, async () => {
      const answer = await userinfo(init)
      expect(answer.status).toBe(status)
      expect(await answer.json()).toMatchObject({ error })
      const challenge = answer.headers.get('www-authenticate') ?? ''
      expect(challenge).toMatch(/^Bearer realm="/)
      expect(/error="(\w+)"/.exec(challenge)?.[1] ?? '').toBe(told)
    })

  it('RFC 6750 3: the missing scope is named', async () => {
    expect((await userinfo(bearing('plain'))).headers.get('www-authenticate')).toContain('scope="openid"')
  })

  it('RFC 9700 4.3.2: a token in the URL is not taken', async () => {
    expect((await userinfo({}, '?access_token=good')).status).toBe(401)
    expect((await userinfo(inForm({}), '?access_token=good')).status).toBe(401)
  })

  it('a grant that has ended meanwhile is a bad token', async () => {
    claims = new OAuthError('invalid_token')
    const answer = await userinfo(bearing('good'))
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it('I11: an outage is 503 without a verdict', async () => {
    outage = true
    const answer = await userinfo(bearing('good'))
    outage = false
    expect(answer.status).toBe(503)
    expect(answer.headers.get('www-authenticate')).toBeNull()
  })
})
