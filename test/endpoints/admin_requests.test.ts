// The admin port for login, consent and logout apps, sessions, tokens and keys; and who may use it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import { ConsentRequest } from '#proto/consent/v1/consent_service.js'
import { LoginRequest } from '#proto/consent/v1/login_service.js'
import { LogoutRequest } from '#proto/consent/v1/logout_service.js'
import { KeySet } from '#proto/token/v1/key_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { type FakeHandlers, lastRequest, startGateway, type TestGateway } from '../support/fake_services.js'
import { sendRaw } from '../support/raw_http.js'

const createdAt = new Date('2026-01-02T03:04:05Z')
const client = Client.fromPartial({ clientId: 'app', clientName: 'App', createdAt, updatedAt: createdAt })
const loginRequest = LoginRequest.fromPartial({
  challenge: 'c',
  requestedScope: ['openid'],
  requestedAccessTokenAudience: ['https://api.test'],
  skip: true,
  subject: 'alice',
  oidcContext: {
    acrValues: ['1'],
    uiLocales: ['de'],
    display: 'page',
    loginHint: 'a@b',
    idTokenHintClaims: { sub: 'x' },
  },
  client,
  requestUrl: 'https://issuer.test/oauth2/auth?a=b',
  sessionId: 's1',
})
const consentRequest = ConsentRequest.fromPartial({
  challenge: 'c',
  consentRequestId: 'cr1',
  requestedScope: ['openid'],
  subject: 'alice',
  client,
  requestUrl: 'https://issuer.test/oauth2/auth?a=b',
  loginChallenge: 'lc',
  loginSessionId: 's1',
  acr: '1',
  amr: ['pwd'],
  context: { from: 'login' },
})
const redirect = async () => ({ redirectTo: 'https://issuer.test/oauth2/auth?x=y' })

const ecKey = { kty: 'EC', kid: 'k', use: 'sig', alg: 'ES256' }

const handlers: FakeHandlers = {
  login: {
    getLoginRequest: async ({ loginChallenge }) => {
      if (loginChallenge === 'expired') throw new OAuthError('request_unauthorized')
      if (loginChallenge === 'used')
        throw new OAuthError('gone', undefined, { redirectTo: 'https://issuer.test/oauth2/auth?a=b' })
      if (loginChallenge === 'forged') throw new OAuthError('not_found')
      return { loginRequest }
    },
    acceptLoginRequest: redirect,
    rejectLoginRequest: redirect,
    revokeLoginSessions: async () => ({ revoked: 1 }),
  },
  consent: {
    getConsentRequest: async () => ({ consentRequest }),
    acceptConsentRequest: redirect,
    rejectConsentRequest: redirect,
    revokeConsentSessions: async () => ({ revoked: 1, pending: false }),
    listConsentSessions: async () => ({
      consentSessions: [
        {
          consentRequestId: 'cr1',
          consentRequest,
          grantScope: ['openid'],
          grantAccessTokenAudience: [],
          session: { accessToken: { tier: 'gold' }, idToken: undefined },
          remember: true,
          rememberFor: 60,
          handledAt: new Date('2026-01-02T03:04:05Z'),
          context: undefined,
          expiresAt: new Date('2026-01-02T03:05:05Z'),
        },
      ],
      nextPageToken: 'n',
      totalSize: 0,
    }),
  },
  logout: {
    getLogoutRequest: async () => ({
      logoutRequest: LogoutRequest.fromPartial({
        challenge: 'c',
        subject: 'alice',
        sid: 's1',
        requestUrl: 'https://issuer.test/oauth2/sessions/logout',
        rpInitiated: true,
        client,
        expiresAt: new Date('2026-01-02T03:04:05Z'),
        requestedAt: new Date('2026-01-02T03:00:00Z'),
      }),
    }),
    acceptLogoutRequest: redirect,
    rejectLogoutRequest: async () => ({}),
  },
  tokens: { revokeClientAccessTokens: async () => ({}) },
  keys: {
    getKeySet: async ({ set }) => {
      if (set !== 'hydra.openid.id-token') throw new OAuthError('not_found')
      return { keySet: KeySet.fromPartial({ set, keys: [{ kid: 'k', jwk: ecKey }] }) }
    },
  },
  clients: {
    listClients: async () => ({ clients: [], nextPageToken: '', totalSize: 0 }),
    rotateClientSecret: async () => ({ client, clientSecret: 's' }),
    createClient: async () => ({ client, clientSecret: 's', registrationAccessToken: 'tsr_rg_s' }),
  },
}

let server: TestGateway
beforeAll(async () => {
  server = await startGateway(handlers)
})
afterAll(() => server.close())

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, to = server) =>
  fetch(`${to.adminUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
const json = async (answer: Promise<Response>) => (await answer).json()
const requests = '/admin/oauth2/auth/requests'

describe('Hydra: login requests', () => {
  it('GET: by login_challenge and by its older name, with and without the prefix', async () => {
    for (const path of [`${requests}/login?login_challenge=x%2B`, '/oauth2/auth/requests/login?challenge=x%2B']) {
      expect(await json(send('GET', path))).toEqual({
        challenge: 'c',
        requested_scope: ['openid'],
        requested_access_token_audience: ['https://api.test'],
        skip: true,
        subject: 'alice',
        oidc_context: {
          acr_values: ['1'],
          ui_locales: ['de'],
          display: 'page',
          login_hint: 'a@b',
          id_token_hint_claims: { sub: 'x' },
        },
        client: expect.objectContaining({ client_id: 'app', client_name: 'App' }),
        request_url: 'https://issuer.test/oauth2/auth?a=b',
        session_id: 's1',
      })
      expect(lastRequest(server.calls, 'getLoginRequest')).toEqual({ loginChallenge: 'x+' })
    }
  })

  it('errors: forged 404, expired 401, used 410, none 400', async () => {
    const statuses = { forged: 404, expired: 401, used: 410, '': 400 }
    for (const [challenge, status] of Object.entries(statuses))
      expect((await send('GET', `${requests}/login?login_challenge=${challenge}`)).status).toBe(status)
  })

  it('accept', async () => {
    const body = {
      subject: 'alice',
      remember: true,
      remember_for: 3600,
      extend_session_lifespan: true,
      acr: '2',
      amr: ['pwd', 'otp'],
      force_subject_identifier: 'pair',
      identity_provider_session_id: 'idp',
      context: { a: { b: 1 } },
      handled_at: 'of v1',
    }
    const answer = send('PUT', `${requests}/login/accept?login_challenge=x`, body)
    expect(await json(answer)).toEqual({ redirect_to: 'https://issuer.test/oauth2/auth?x=y' })
    expect(lastRequest(server.calls, 'acceptLoginRequest')).toEqual({
      loginChallenge: 'x',
      subject: 'alice',
      remember: true,
      rememberFor: 3600,
      extendSessionLifespan: true,
      acr: '2',
      amr: ['pwd', 'otp'],
      forceSubjectIdentifier: 'pair',
      identityProviderSessionId: 'idp',
      context: { a: { b: 1 } },
    })
  })

  for (const body of [{}, { subject: '' }, { subject: { not: '' } }, { subject: 'a', remember_for: -1 }, [], ''])
    it(`accept refuses ${JSON.stringify(body)}`, async () => {
      expect((await send('PUT', `${requests}/login/accept?login_challenge=x`, body)).status).toBe(400)
    })

  it('remember_for beyond what fits is the longest', async () => {
    await send('PUT', `${requests}/login/accept?login_challenge=x`, { subject: 'a', remember_for: 1e12 })
    expect(lastRequest(server.calls, 'acceptLoginRequest').rememberFor).toBe(0xffffffff)
  })

  it('reject', async () => {
    const body = { error: 'e', error_description: 'd', error_hint: 'h', error_debug: 'x', status_code: 403 }
    expect((await send('PUT', `${requests}/login/reject?login_challenge=x`, body)).status).toBe(200)
    expect(lastRequest(server.calls, 'rejectLoginRequest')).toEqual({
      loginChallenge: 'x',
      rejection: { error: 'e', errorDescription: 'd', errorHint: 'h', errorDebug: 'x', statusCode: 403 },
    })
  })
})

describe('Hydra: consent requests', () => {
  const consentJson = {
    challenge: 'c',
    consent_request_id: 'cr1',
    requested_scope: ['openid'],
    requested_access_token_audience: [],
    skip: false,
    subject: 'alice',
    oidc_context: {},
    client: expect.objectContaining({ client_id: 'app' }),
    request_url: 'https://issuer.test/oauth2/auth?a=b',
    login_challenge: 'lc',
    login_session_id: 's1',
    acr: '1',
    amr: ['pwd'],
    context: { from: 'login' },
  }

  it('GET', async () => {
    expect(await json(send('GET', `${requests}/consent?consent_challenge=x`))).toEqual(consentJson)
  })

  it('accept', async () => {
    const body = {
      grant_scope: ['openid'],
      grant_access_token_audience: ['https://api.test'],
      session: { access_token: { tier: 'gold' }, id_token: { name: 'A' } },
      remember: true,
      remember_for: 60,
      context: { c: 1 },
    }
    expect((await send('PUT', `${requests}/consent/accept?consent_challenge=x`, body)).status).toBe(200)
    expect(lastRequest(server.calls, 'acceptConsentRequest')).toEqual({
      consentChallenge: 'x',
      grantScope: ['openid'],
      grantAccessTokenAudience: ['https://api.test'],
      session: { accessToken: { tier: 'gold' }, idToken: { name: 'A' } },
      remember: true,
      rememberFor: 60,
      context: { c: 1 },
    })
  })

  it('reject', async () => {
    await send('PUT', `${requests}/consent/reject?challenge=x`, { error: 'access_denied' })
    expect(lastRequest(server.calls, 'rejectConsentRequest')).toMatchObject({
      consentChallenge: 'x',
      rejection: { error: 'access_denied' },
    })
  })

  it('sessions are listed in pages', async () => {
    const answer = await send(
      'GET',
      '/admin/oauth2/auth/sessions/consent?subject=alice&login_session_id=s1&page_size=1',
    )
    expect(await answer.json()).toEqual([
      {
        consent_request_id: 'cr1',
        consent_request: consentJson,
        context: {},
        grant_scope: ['openid'],
        grant_access_token_audience: [],
        session: { access_token: { tier: 'gold' }, id_token: {} },
        remember: true,
        remember_for: 60,
        handled_at: '2026-01-02T03:04:05Z',
        expires_at: '2026-01-02T03:05:05Z',
      },
    ])
    expect(answer.headers.get('link')).toContain('page_token=n>; rel="next"')
    expect(lastRequest(server.calls, 'listConsentSessions')).toEqual({
      subject: 'alice',
      loginSessionId: 's1',
      pageSize: 1,
      pageToken: '',
    })
    expect((await send('GET', '/admin/oauth2/auth/sessions/consent')).status).toBe(400)
  })
})

describe('Hydra: ending sessions', () => {
  const consent = '/admin/oauth2/auth/sessions/consent'
  const good: [string, unknown][] = [
    ['consent_request_id=x', { $case: 'consentRequestId', value: 'x' }],
    ['subject=a&client=b', { $case: 'subjectAndClient', value: { subject: 'a', clientId: 'b' } }],
    ['subject=a&all=true', { $case: 'subject', value: 'a' }],
  ]
  for (const [query, selector] of good)
    it(`consent sessions: ${query}`, async () => {
      expect((await send('DELETE', `${consent}?${query}`)).status).toBe(204)
      expect(lastRequest(server.calls, 'revokeConsentSessions')).toEqual({ selector })
    })

  for (const query of [
    '',
    'subject=a',
    'subject=a&all=false',
    'client=b',
    'client=b&all=true',
    'all=true',
    'subject=a&client=b&all=true',
    'consent_request_id=x&subject=a',
    'consent_request_id=x&all=true',
    'subject=a&subject=b&all=true',
  ])
    it(`consent sessions: '${query}' is not clear`, async () => {
      const before = server.calls.length
      expect((await send('DELETE', `${consent}?${query}`)).status).toBe(400)
      expect(server.calls).toHaveLength(before)
    })

  it('login sessions: of a subject or one by its id', async () => {
    const path = '/admin/oauth2/auth/sessions/login'
    expect((await send('DELETE', `${path}?subject=a`)).status).toBe(204)
    expect(lastRequest(server.calls, 'revokeLoginSessions')).toEqual({ selector: { $case: 'subject', value: 'a' } })
    expect((await send('DELETE', `${path}?sid=s`)).status).toBe(204)
    expect(lastRequest(server.calls, 'revokeLoginSessions')).toEqual({
      selector: { $case: 'loginSessionId', value: 's' },
    })
    for (const query of ['', 'subject=a&sid=s']) expect((await send('DELETE', `${path}?${query}`)).status).toBe(400)
  })

  it('access tokens of a client', async () => {
    expect((await send('DELETE', '/admin/oauth2/tokens?client_id=app')).status).toBe(204)
    expect(lastRequest(server.calls, 'revokeClientAccessTokens')).toEqual({ clientId: 'app' })
    expect((await send('DELETE', '/admin/oauth2/tokens')).status).toBe(400)
  })
})

describe('Hydra: logout requests and keys', () => {
  it('GET, accept, reject with and without a body', async () => {
    expect(await json(send('GET', `${requests}/logout?logout_challenge=x`))).toEqual({
      challenge: 'c',
      subject: 'alice',
      sid: 's1',
      request_url: 'https://issuer.test/oauth2/sessions/logout',
      rp_initiated: true,
      client: expect.objectContaining({ client_id: 'app' }),
      expires_at: '2026-01-02T03:04:05Z',
      requested_at: '2026-01-02T03:00:00Z',
    })
    const accepted = await send('PUT', `${requests}/logout/accept?logout_challenge=x`)
    expect(await accepted.json()).toEqual({ redirect_to: 'https://issuer.test/oauth2/auth?x=y' })
    for (const body of [undefined, { error: 'e' }])
      expect((await send('PUT', `${requests}/logout/reject?logout_challenge=x`, body)).status).toBe(204)
  })

  it('a key set', async () => {
    expect(await json(send('GET', '/admin/keys/hydra.openid.id-token'))).toEqual({ keys: [ecKey] })
    expect((await send('GET', '/keys/none')).status).toBe(404)
  })
})

describe('Hydra: JSON bodies without a content type of their own', () => {
  const create = (type: string, more: Record<string, string> = {}) =>
    sendRaw(
      server.adminUrl,
      [
        'POST /clients HTTP/1.1',
        'Host: 127.0.0.1',
        ...(type ? [`Content-Type: ${type}`] : []),
        ...Object.entries(more).map(([name, value]) => `${name}: ${value}`),
        'Content-Length: 14',
        '',
        '{"owner":"me"}',
      ].join('\r\n'),
    )

  it('are read as JSON', async () => {
    for (const type of ['', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8'])
      expect((await create(type)).status).toBe(201)
    expect((await create('', { 'Sec-Fetch-Site': 'none' })).status).toBe(201)
  })

  it('AD-03: are refused from browsers, and other types from all', async () => {
    const fromPage = [
      { Origin: 'https://evil.test' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ]
    for (const type of ['', 'application/x-www-form-urlencoded', 'text/plain'])
      for (const fields of fromPage) expect((await create(type, fields)).status).toBe(415)
    expect((await create('text/plain')).status).toBe(415)
    expect((await create('application/json; charset=utf-16')).status).toBe(415)
  })
})

describe('AD-03: a page in a browser cannot use the admin port', () => {
  const rotate = (fields: Record<string, string>) =>
    sendRaw(
      server.adminUrl,
      `POST /admin/clients/app/secrets/rotate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n${Object.entries(
        fields,
      )
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    )

  it('not by a POST without a body either', async () => {
    expect((await rotate({})).status).toBe(200)
    expect((await rotate({ Origin: 'https://evil.test' })).status).toBe(415)
    expect((await rotate({ 'Sec-Fetch-Site': 'cross-site' })).status).toBe(415)
  })

  const list = (host: string, to = server) =>
    sendRaw(to.adminUrl, `GET /admin/clients HTTP/1.1\r\nHost: ${host}\r\n\r\n`)

  it('not by a name that it makes lead here', async () => {
    for (const host of ['evil.test', 'evil.test:4445', 'localhost.evil.test', '127.0.0.1.evil.test', '', 'a@localhost'])
      expect((await list(host)).status, host).toBe(403)
    const health = `GET /health/alive HTTP/1.1\r\nHost: evil.test\r\n\r\n`
    expect((await sendRaw(server.adminUrl, health)).status).toBe(403)
  })

  it('addresses, localhost and the configured name are served', async () => {
    const named = await startGateway(handlers, { urls: { self: { admin: 'https://admin.test:4445/' } } })
    for (const host of ['127.0.0.1', '127.0.0.1:4445', 'localhost:1', '[::1]:4445', '10.0.0.7:4445'])
      expect((await list(host)).status, host).toBe(200)
    expect((await list('Admin.test:4445', named)).status).toBe(200)
    expect((await list('Admin.test:4445')).status).toBe(403)
    await named.close()
  })
})

describe('AD-02: with tokens configured, the admin API asks for one', () => {
  const [first, second] = ['first-token-of-the-admin-api', 'second-token-of-the-admin-api']
  let closed: TestGateway
  beforeAll(async () => {
    closed = await startGateway(handlers, { serve: { admin: { tokens: [first, second] } } })
  })
  afterAll(() => closed.close())
  const list = (authorization?: string, host = '127.0.0.1') =>
    sendRaw(
      closed.adminUrl,
      `GET /admin/clients HTTP/1.1\r\nHost: ${host}\r\n${authorization === undefined ? '' : `Authorization: ${authorization}\r\n`}\r\n`,
    )

  it('each of them is good, under any name', async () => {
    expect((await list(`Bearer ${first}`)).status).toBe(200)
    expect((await list(`bearer ${second}`, 'tessera.internal')).status).toBe(200)
  })

  it('all else is 401', async () => {
    for (const shown of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${first}x`,
      `Bearer ${first} x`,
      `Basic ${first}`,
      first,
    ]) {
      const { status, text } = await list(shown)
      expect(status, shown).toBe(401)
      expect(text).toMatch(/^www-authenticate: Bearer /im)
    }
  })

  it('health needs none, what is served cannot be found out without', async () => {
    expect((await fetch(`${closed.adminUrl}/health/ready`)).status).toBe(200)
    expect((await fetch(`${closed.adminUrl}/health/alive`)).status).toBe(200)
    for (const path of ['/version', '/nothing', '/admin/clients'])
      expect((await fetch(closed.adminUrl + path)).status).toBe(401)
  })
})
