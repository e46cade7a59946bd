// The authorization code flow from the browser's first request to the tokens, through HTTP alone.
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  authorizationUrl,
  introspect,
  isActive,
  logIn,
  newPkce,
  obtainCode,
  post,
  redeem,
  userinfo,
} from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
let client: Awaited<ReturnType<typeof createClient>>

beforeAll(async () => {
  suite = await startSuite()
  client = await createClient(suite)
})
afterAll(() => suite.stop())

const issuer = () => suite.config.urls.self.issuer

describe('authorization code flow', () => {
  it('OIDC Core 3.1.3.7: the ID token verifies and says what was agreed', async () => {
    const requestedAt = Math.floor(Date.now() / 1_000)
    const tokens = await logIn(
      suite,
      client,
      {},
      {
        login: { acr: 'urn:gold', amr: ['pwd', 'otp'] },
        consent: { session: { id_token: { email: 'alice@example.com' } } },
      },
    )
    const keys = createRemoteJWKSet(new URL(`${suite.publicUrl}/.well-known/jwks.json`))
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, keys, {
      issuer: issuer(),
      audience: client.client_id,
    })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
    expect(payload).toMatchObject({
      sub: 'alice',
      nonce: 'the-nonce-of-it',
      acr: 'urn:gold',
      amr: ['pwd', 'otp'],
      email: 'alice@example.com',
      sid: expect.any(String),
      at_hash: expect.any(String),
    })
    expect(payload.auth_time).toBeGreaterThanOrEqual(requestedAt)
    expect(Number(payload.exp) - Number(payload.iat)).toBe(3_600)
  })

  it('RFC 9207 2: every answer carries iss, and state exactly as it was sent', async () => {
    const state = `a state with spaces, "quotes", ünïcödé and <markup> ${'x'.repeat(300)}`
    const { callback } = await obtainCode(suite, client, { state })
    expect(callback.searchParams.get('iss')).toBe(issuer())
    expect(callback.searchParams.get('state')).toBe(state)
    const without = await obtainCode(suite, client, { state: undefined })
    expect(without.callback.searchParams.has('state')).toBe(false)
  })

  it('RFC 6749 5.1: the answer may not be stored', async () => {
    const answer = await redeem(suite, client, await obtainCode(suite, client))
    expect(answer.headers.get('cache-control')).toContain('no-store')
    expect(answer.headers.get('pragma')).toBe('no-cache')
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.body).toMatchObject({ token_type: 'bearer', expires_in: 3_600, scope: 'openid offline_access' })
  })

  it('challenges and verifiers of an ordinary OpenID request have at most 700 characters', async () => {
    const own = await createClient(suite, {
      redirect_uris: ['https://application.example.com/authentication/callback'],
      scope: 'openid offline_access profile email',
    })
    const pkce = newPkce()
    const agent = new UserAgent()
    const url = authorizationUrl(suite, own, {
      redirect_uri: 'https://application.example.com/authentication/callback',
      scope: 'openid offline_access profile email',
      state: 'x'.repeat(43),
      nonce: 'y'.repeat(43),
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    })
    const login = await agent.redirectFrom(url)
    const lengths = [login.searchParams.get('login_challenge')?.length ?? 0]
    const subject = '7c3cf8b1-4a3f-4f55-8b6e-5f7a3c4d2e1f'
    const decision = { subject, login: { acr: '1', amr: ['pwd'], remember: true } }
    const back = new URL(await acceptLogin(suite, login, decision))
    lengths.push(back.searchParams.get('login_verifier')?.length ?? 0)
    const consent = await agent.redirectFrom(back)
    lengths.push(consent.searchParams.get('consent_challenge')?.length ?? 0)
    const session = { id_token: { email: 'a@example.com', email_verified: true, name: 'Alice' } }
    const end = new URL(await acceptConsent(suite, consent, { consent: { session } }))
    lengths.push(end.searchParams.get('consent_verifier')?.length ?? 0)
    expect((await agent.redirectFrom(end)).searchParams.get('code')).toBeTruthy()
    for (const length of lengths) expect(length).toBeGreaterThan(0)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(700)
  })

  it('a POSTed authorization request works like GET, and its redirect is a 303', async () => {
    const agent = new UserAgent()
    const parameters = new URL(authorizationUrl(suite, client)).searchParams
    const response = await agent.fetch(`${suite.publicUrl}/oauth2/auth`, { method: 'POST', body: parameters })
    expect(response.status).toBe(303)
    const login = new URL(response.headers.get('location') ?? '')
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const callback = await agent.redirectFrom(await acceptConsent(suite, consent))
    expect(callback.searchParams.get('code')).toBeTruthy()
    expect(callback.searchParams.get('state')).toBe('the-state-of-it')
  })

  it.each(['fragment', 'form_post'])('OAuth 2.0 Multiple Response Types 2.1: response_mode %s', async (mode) => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client, { response_mode: mode }))
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const answer = await agent.fetch(await acceptConsent(suite, consent))
    if (mode === 'fragment') {
      const { hash, search } = new URL(answer.headers.get('location') ?? '')
      expect(search).toBe('')
      expect(new URLSearchParams(hash.slice(1)).get('code')).toBeTruthy()
    } else {
      const page = await answer.text()
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(page).toContain('action="http://127.0.0.1:5555/callback"')
      expect(page).toMatch(/name="code" value="tsr_ac_[^"]+"/)
    }
  })

  it('userinfo (OIDC Core 5.3): the sub of the ID token and what was consented to', async () => {
    const tokens = await logIn(suite, client, {}, { consent: { session: { id_token: { name: 'Alice' } } } })
    const { status, body } = await userinfo(suite, tokens.access_token)
    expect(status).toBe(200)
    expect(body).toMatchObject({ sub: 'alice', name: 'Alice' })
    for (const absent of ['nonce', 'at_hash', 'c_hash', 'exp', 'sid', 'jti']) expect(body).not.toHaveProperty(absent)
  })

  it('TK-20: userinfo refuses tokens without openid, of no end-user, and what is no access token', async () => {
    const plain = await logIn(suite, client, { scope: 'offline_access', nonce: undefined })
    expect((await userinfo(suite, plain.access_token)).status).toBe(403)
    const tokens = await logIn(suite, client)
    for (const other of [tokens.refresh_token, tokens.id_token, 'nothing', '']) {
      const answer = await userinfo(suite, other)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    const inQuery = await fetch(`${suite.publicUrl}/userinfo?access_token=${tokens.access_token}`)
    expect(inQuery.status).toBeGreaterThanOrEqual(400)
  })

  it('session.access_token is shown in introspection as ext, small and large', async () => {
    for (const size of [10, 20_000]) {
      const blob = 'x'.repeat(size)
      const tokens = await logIn(suite, client, {}, { consent: { session: { access_token: { blob } } } })
      expect(tokens.access_token.length).toBeLessThan(2_000)
      expect((await introspect(suite, tokens.access_token)).ext).toEqual({ blob })
    }
  })

  it('CO-09: a code is dead once its consent is revoked', async () => {
    const flow = await obtainCode(suite, client, {}, { subject: 'dora' })
    const revoked = await adminJson(suite, 'DELETE', '/oauth2/auth/sessions/consent?subject=dora&all=true')
    expect(revoked.status).toBe(204)
    expect((await redeem(suite, client, flow)).body.error).toBe('invalid_grant')
  })

  it('CO-09, I12: a deleted client has no code, no token, no refresh, and a new one of its id inherits nothing', async () => {
    const own = await createClient(suite, { client_id: 'short-lived' })
    const flow = await obtainCode(suite, own)
    const tokens = await logIn(suite, own)
    expect((await adminJson(suite, 'DELETE', '/clients/short-lived')).status).toBe(204)
    expect(await isActive(suite, tokens.access_token)).toBe(false)
    expect(await isActive(suite, tokens.refresh_token)).toBe(false)
    expect((await userinfo(suite, tokens.access_token)).status).toBe(401)
    expect((await redeem(suite, own, flow)).body.error).toBe('invalid_client')

    const again = await createClient(suite, { client_id: 'short-lived' })
    expect(await isActive(suite, tokens.access_token)).toBe(false)
    expect((await redeem(suite, again, flow)).body.error).toBe('invalid_grant')
    const refreshed = await post(
      suite,
      '/oauth2/token',
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token },
      again,
    )
    expect(refreshed.body.error).toBe('invalid_grant')
    const fresh = await logIn(suite, again)
    expect(await isActive(suite, fresh.access_token)).toBe(true)
  })
})

describe('remembered logins and consents', () => {
  it('are skipped, keep auth_time, and must be accepted with the same subject', async () => {
    const agent = new UserAgent()
    const decision = { subject: 'erin', login: { remember: true }, consent: { remember: true } }
    const first = await logIn(suite, client, {}, decision, agent)
    const login = await agent.redirectFrom(authorizationUrl(suite, client))
    const challenge = login.searchParams.get('login_challenge') ?? ''
    const request = await adminJson(suite, 'GET', `/oauth2/auth/requests/login?login_challenge=${challenge}`)
    expect(await request.json()).toMatchObject({ skip: true, subject: 'erin' })
    const consent = await agent.redirectFrom(await acceptLogin(suite, login, { subject: 'erin' }))
    const consentChallenge = consent.searchParams.get('consent_challenge') ?? ''
    const asked = await adminJson(suite, 'GET', `/oauth2/auth/requests/consent?consent_challenge=${consentChallenge}`)
    expect(await asked.json()).toMatchObject({ skip: true, subject: 'erin' })
    expect((await agent.redirectFrom(await acceptConsent(suite, consent))).searchParams.get('code')).toBeTruthy()
    const second = await logIn(suite, client, {}, decision, agent)
    const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claimsOf(second.id_token).auth_time).toBe(claimsOf(first.id_token).auth_time)
    expect(claimsOf(second.id_token).sid).toBe(claimsOf(first.id_token).sid)
  })

  it('ER-05: prompt=none answers without asking, or with the right error', async () => {
    const none = { prompt: 'none' }
    const stranger = await new UserAgent().redirectFrom(authorizationUrl(suite, client, none))
    expect(stranger.searchParams.get('error')).toBe('login_required')
    expect(stranger.searchParams.get('iss')).toBe(issuer())

    const agent = new UserAgent()
    await logIn(suite, client, {}, { subject: 'finn', login: { remember: true } }, agent)
    const unconsented = await authorize(suite, authorizationUrl(suite, client, none), { subject: 'finn' }, agent)
    expect(unconsented.searchParams.get('error')).toBe('consent_required')

    const remembering = { subject: 'finn', login: { remember: true }, consent: { remember: true } }
    await logIn(suite, client, {}, remembering, agent)
    const silent = await authorize(suite, authorizationUrl(suite, client, none), { subject: 'finn' }, agent)
    expect(silent.searchParams.get('code')).toBeTruthy()
  })

  it('skip_consent is enforced by the server, for prompt=none too', async () => {
    const trusted = await createClient(suite, { skip_consent: true })
    const agent = new UserAgent()
    await logIn(suite, trusted, {}, { subject: 'gina', login: { remember: true } }, agent)
    const silent = await authorize(suite, authorizationUrl(suite, trusted, { prompt: 'none' }), {}, agent)
    expect(silent.searchParams.get('code')).toBeTruthy()
  })

  it('prompt=login asks again though the login is remembered', async () => {
    const agent = new UserAgent()
    await logIn(suite, client, {}, { subject: 'hank', login: { remember: true } }, agent)
    const login = await agent.redirectFrom(authorizationUrl(suite, client, { prompt: 'login' }))
    const challenge = login.searchParams.get('login_challenge') ?? ''
    const request = await adminJson(suite, 'GET', `/oauth2/auth/requests/login?login_challenge=${challenge}`)
    expect(await request.json()).toMatchObject({ skip: false, subject: '' })
  })
})

describe('client credentials', () => {
  it('opaque and JWT (RFC 9068), with audience, without a refresh token', async () => {
    const audience = ['https://api.example.com']
    for (const strategy of ['opaque', 'jwt']) {
      const machine = await createClient(suite, {
        grant_types: ['client_credentials'],
        scope: 'read write',
        audience,
        access_token_strategy: strategy,
      })
      const parameters = { grant_type: 'client_credentials', scope: 'read', audience: 'https://api.example.com/users' }
      const { status, body } = await post(suite, '/oauth2/token', parameters, machine)
      expect(status).toBe(200)
      expect(body).not.toHaveProperty('refresh_token')
      expect(body).not.toHaveProperty('id_token')
      const token = String(body.access_token)
      expect(await introspect(suite, token)).toMatchObject({
        active: true,
        client_id: machine.client_id,
        sub: machine.client_id,
        scope: 'read',
        aud: ['https://api.example.com/users'],
        iss: issuer(),
        token_type: 'Bearer',
        token_use: 'access_token',
      })
      if (strategy === 'jwt') expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
      else expect(token).toMatch(/^tsr_at_[\w-]+$/)
    }
  })
})
