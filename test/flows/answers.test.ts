// How tokens are introspected and errors are told, in Hydra's words, over HTTP.
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kindOf } from '../../services/kit/oauth_error.js'
import { authorizationUrl, introspect, logIn, post, redirectUri, refresh } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
beforeAll(async () => {
  suite = await startSuite({ config: { ttl: { refresh_token: undefined } } as never })
})
afterAll(() => suite.stop())

const api = 'https://api.example.com/photos'
const machine = { grant_types: ['client_credentials'], scope: 'read write', audience: [api] }

describe('hydra 4.9: introspection', () => {
  it('tells scope, client, subject, times, audience as a list, kind and what the consent app added', async () => {
    const client = await createClient(suite)
    const session = { access_token: { tier: 'gold' } }
    const tokens = await logIn(suite, client, {}, { consent: { session } })
    const told = await introspect(suite, tokens.access_token)
    expect(told).toMatchObject({
      active: true,
      scope: 'openid offline_access',
      client_id: client.client_id,
      sub: 'alice',
      aud: [],
      iss: suite.config.urls.self.issuer,
      token_type: 'Bearer',
      token_use: 'access_token',
      ext: { tier: 'gold' },
    })
    expect(Number(told.exp) - Number(told.iat)).toBe(3600)
    expect(told.nbf).toBe(told.iat)
    expect(await introspect(suite, tokens.refresh_token)).toMatchObject({ active: true, token_use: 'refresh_token' })
  })

  it('the audience is what was asked for and granted', async () => {
    const client = await createClient(suite, machine)
    const asked = { grant_type: 'client_credentials', audience: api }
    const { body } = await post(suite, '/oauth2/token', asked, client)
    expect(await introspect(suite, String(body.access_token))).toMatchObject({ aud: [api], sub: client.client_id })
  })

  it('all scopes that are asked for must be there; a hint changes nothing', async () => {
    const client = await createClient(suite, machine)
    const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials', scope: 'read' }, client)
    const token = String(body.access_token)
    expect(await introspect(suite, token, { scope: 'read' })).toMatchObject({ active: true })
    expect(await introspect(suite, token, { scope: 'read write' })).toEqual({ active: false })
    expect(await introspect(suite, token, { token_type_hint: 'refresh_token' })).toMatchObject({ active: true })
  })

  it.each(['x', 'tsr_at_x', 'tsr_rt_x.y', 'a.b.c', ' '])(
    'what is no token is not active, and no more is told: %j',
    async (token) => {
      expect(await introspect(suite, token)).toEqual({ active: false })
    },
  )

  it.each([{}, { token: '' }])('without a token the request is malformed: %j', async (form: Record<string, string>) => {
    const body = new URLSearchParams(form)
    const response = await fetch(`${suite.adminUrl}/admin/oauth2/introspect`, { method: 'POST', body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_request' })
  })

  it('JWT access tokens say the same themselves, are at+jwt (RFC 9068), and can be revoked', async () => {
    const client = await createClient(suite, { ...machine, access_token_strategy: 'jwt' })
    const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials', scope: 'read' }, client)
    const token = String(body.access_token)
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', kid: expect.any(String) })
    const claims = decodeJwt(token)
    expect(claims).toMatchObject({ sub: client.client_id, client_id: client.client_id, aud: [], scp: ['read'] })
    for (const name of ['iss', 'exp', 'iat', 'nbf', 'jti']) expect(claims).toHaveProperty(name)
    expect(await introspect(suite, token)).toMatchObject({ active: true, exp: claims.exp, iat: claims.iat })
    await post(suite, '/oauth2/revoke', { token }, client)
    expect(await introspect(suite, token)).toEqual({ active: false })
  })

  it('hydra 4.8: a refresh token that never expires (-1) has no exp, and its access token one', async () => {
    const client = await createClient(suite)
    const tokens = await logIn(suite, client)
    const told = await introspect(suite, tokens.refresh_token)
    expect(told.active).toBe(true)
    expect(told.exp ?? 0).toBe(0)
    expect(Number((await introspect(suite, tokens.access_token)).exp)).toBeGreaterThan(0)
    expect((await refresh(suite, client, tokens.refresh_token)).status).toBe(200)
  })
})

describe('hydra 4.17: errors', () => {
  it.each(
    Object.entries({
      invalid_request: 400,
      unauthorized_client: 400,
      access_denied: 403,
      unsupported_response_type: 400,
      unsupported_response_mode: 400,
      invalid_scope: 400,
      server_error: 500,
      temporarily_unavailable: 503,
      unsupported_grant_type: 400,
      invalid_grant: 400,
      invalid_client: 401,
      not_found: 404,
      request_unauthorized: 401,
      request_forbidden: 403,
      invalid_token: 401,
      login_required: 400,
      interaction_required: 400,
      consent_required: 400,
      request_uri_not_supported: 400,
      registration_not_supported: 400,
      invalid_request_object: 400,
      authorization_pending: 400,
      slow_down: 400,
      expired_token: 400,
    }),
  )('%s has the HTTP status %i', (code, status) => {
    expect(kindOf(code).http).toBe(status)
  })

  it('the token endpoint says which, in two members', async () => {
    const client = await createClient(suite, machine)
    const ask = (form: Record<string, string>, who = client) => post(suite, '/oauth2/token', form, who)
    const grant_type = 'client_credentials'
    const answers = {
      invalid_request: await ask({}),
      unsupported_grant_type: await ask({ grant_type: 'password' }),
      unauthorized_client: await ask({ grant_type: 'authorization_code', code: 'x', redirect_uri: redirectUri }),
      invalid_scope: await ask({ grant_type, scope: 'all' }),
      invalid_client: await ask({ grant_type }, { ...client, client_secret: 'another' }),
    }
    for (const [code, { status, body }] of Object.entries(answers)) {
      expect(body, code).toEqual({ error: code, error_description: expect.any(String) })
      expect(status, code).toBe(kindOf(code).http)
    }
    const web = await createClient(suite)
    expect((await refresh(suite, web, 'tsr_rt_x')).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('the admin API has the same two members, with the words of HTTP where it is not about OAuth', async () => {
    const client = await createClient(suite)
    const answers = [
      [await adminJson(suite, 'GET', '/clients/absent'), 404, 'Not Found'],
      [await adminJson(suite, 'POST', '/clients', { client_id: client.client_id }), 409, 'Conflict'],
      [await adminJson(suite, 'POST', '/clients', { redirect_uris: ['javascript:x'] }), 400, 'invalid_redirect_uri'],
      [await adminJson(suite, 'GET', '/oauth2/auth/requests/login?login_challenge=x'), 404, 'Not Found'],
    ] as const
    for (const [answer, status, error] of answers) {
      expect(answer.status, error).toBe(status)
      expect(await answer.json()).toEqual({ error, error_description: expect.any(String) })
    }
  })

  it('what a client may know goes back to it with the state; the rest stays here', async () => {
    const client = await createClient(suite)
    const agent = new UserAgent()
    const refused = await agent.redirectFrom(authorizationUrl(suite, client, { response_type: 'x' }))
    expect(refused.href.startsWith(redirectUri)).toBe(true)
    expect(refused.searchParams.get('error')).toBe('unsupported_response_type')
    expect(refused.searchParams.get('state')).toBe('the-state-of-it')
    const evil = authorizationUrl(suite, client, { redirect_uri: 'https://evil.example/' })
    const shown = await agent.fetch(evil)
    expect(shown.headers.get('location') ?? '').not.toContain('evil.example')
    expect(shown.status).toBe(400)
  })

  it('a login app that rejects names the error itself', async () => {
    const client = await createClient(suite)
    const agent = new UserAgent()
    const at = await agent.redirectFrom(authorizationUrl(suite, client))
    const challenge = encodeURIComponent(at.searchParams.get('login_challenge') ?? '')
    const rejection = { error: 'account_locked', error_description: 'It is locked.', status_code: 403 }
    const path = `/oauth2/auth/requests/login/reject?login_challenge=${challenge}`
    const { redirect_to } = (await (await adminJson(suite, 'PUT', path, rejection)).json()) as { redirect_to: string }
    const back = await agent.redirectFrom(redirect_to)
    expect(back.searchParams.get('error')).toBe('account_locked')
    expect(back.searchParams.get('error_description')).toMatch(/^It is locked\./)
  })
})
