// A flow belongs to the browser that began it, and nothing of it works twice: BR-* and RU-* of the security cases, through
// the real door.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  authorizationUrl,
  introspect,
  logIn,
  newPkce,
  obtainCode,
  redeem,
  redirectUri,
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

/** An answer that the server shows itself: no way on, no code, nothing to frame or to keep. */
async function expectPage(response: Response): Promise<void> {
  expect(response.status).toBe(400)
  expect(response.headers.get('location')).toBeNull()
  expect(response.headers.get('cache-control')).toContain('no-store')
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(response.headers.get('x-frame-options')).toBe('DENY')
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(await response.text()).not.toContain('tsr_')
}

describe('browser binding', () => {
  it('BR-04: a login verifier in another browser', async () => {
    const login = await new UserAgent().redirectFrom(authorizationUrl(suite, client))
    await expectPage(await new UserAgent().fetch(await acceptLogin(suite, login)))
  })

  it('BR-04: a consent verifier in another browser', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client))
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    await expectPage(await new UserAgent().fetch(await acceptConsent(suite, consent)))
  })

  it("BR-04: with another flow's cookies", async () => {
    const victim = await new UserAgent().redirectFrom(authorizationUrl(suite, client))
    const attacker = new UserAgent()
    await attacker.redirectFrom(authorizationUrl(suite, client))
    await expectPage(await attacker.fetch(await acceptLogin(suite, victim)))
  })

  it('BR-03, I8: verifiers work once', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client))
    const back = await acceptLogin(suite, login)
    const consent = await agent.redirectFrom(back)
    await expectPage(await agent.fetch(back))
    const end = await acceptConsent(suite, consent)
    expect((await agent.redirectFrom(end)).searchParams.get('code')).toBeTruthy()
    await expectPage(await agent.fetch(end))
  })

  it('BR-06: tampered, truncated and foreign verifiers', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client))
    const challenge = login.searchParams.get('login_challenge') ?? ''
    const verifier = new URL(await acceptLogin(suite, login)).searchParams.get('login_verifier') ?? ''
    const middle = verifier.length >> 1
    const flipped = verifier.slice(0, middle) + (verifier[middle] === 'A' ? 'B' : 'A') + verifier.slice(middle + 1)
    for (const bad of [flipped, verifier.slice(0, -2), `${verifier}=`, challenge, 'x', `${verifier}AAAA`]) {
      const url = `${suite.publicUrl}/oauth2/auth?login_verifier=${encodeURIComponent(bad)}`
      await expectPage(await agent.fetch(url))
      await expectPage(await agent.fetch(url.replace('login_verifier', 'consent_verifier')))
    }
  })

  it('BR-07: the first decision stands', async () => {
    const login = await new UserAgent().redirectFrom(authorizationUrl(suite, client))
    await acceptLogin(suite, login, { subject: 'first' })
    const challenge = login.searchParams.get('login_challenge')
    const put = (what: string, body: unknown) =>
      adminJson(suite, 'PUT', `/oauth2/auth/requests/login/${what}?login_challenge=${challenge}`, body)
    expect((await put('accept', { subject: 'second' })).status).toBe(409)
    expect((await put('reject', { error: 'access_denied' })).status).toBe(409)
    expect((await put('accept', { subject: 'first' })).status).toBe(200)
  })

  it('BR-08: no more is granted than was asked for', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client, { scope: 'openid' }))
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    await expect(acceptConsent(suite, consent, { grantScope: ['openid', 'profile'] })).rejects.toThrow(/^400/)
    const audience = { grant_access_token_audience: ['https://other.example.com'] }
    await expect(acceptConsent(suite, consent, { consent: audience })).rejects.toThrow(/^400/)
  })

  it('BR-09: the subject is the one who logged in, whatever the consent app says', async () => {
    const consent = { subject: 'somebody else', session: { id_token: { sub: 'somebody else' } } }
    const tokens = await logIn(suite, client, {}, { subject: 'ines', consent })
    expect((await introspect(suite, tokens.access_token)).sub).toBe('ines')
    expect((await userinfo(suite, tokens.access_token)).body.sub).toBe('ines')
  })

  it("BR-20: an attacker's code is worth nothing with the victim's verifier", async () => {
    const attacker = await obtainCode(suite, client)
    const victim = await obtainCode(suite, client)
    const mixed = await redeem(suite, client, { code: attacker.code, pkce: victim.pkce })
    expect(mixed.body.error).toBe('invalid_grant')
    expect((await redeem(suite, client, victim)).status).toBe(200)
  })

  it('TK-22: an access token is meant for the audience that was granted, and for none by default', async () => {
    const own = await createClient(suite, { audience: ['https://api.example.com'] })
    expect((await introspect(suite, (await logIn(suite, own)).access_token)).aud).toEqual([])
    const asked = { audience: 'https://api.example.com' }
    const granted = await logIn(suite, own, asked)
    expect((await introspect(suite, granted.access_token)).aud).toEqual(['https://api.example.com'])
    const withheld = await logIn(suite, own, asked, { consent: { grant_access_token_audience: [] } })
    expect((await introspect(suite, withheld.access_token)).aud).toEqual([])
  })

  it('BR-10: no CORS at the authorization endpoint', async () => {
    const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' }
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const response = await fetch(`${suite.publicUrl}/oauth2/auth`, { method, headers, redirect: 'manual' })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('BR-12: cookies are HttpOnly, SameSite and bounded', async () => {
    const response = await fetch(authorizationUrl(suite, client), { redirect: 'manual' })
    const cookies = response.headers.getSetCookie()
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; ?httponly/i)
      expect(cookie).toMatch(/; ?samesite=lax/i)
      expect(cookie).toMatch(/; ?path=\//i)
      expect(cookie).toMatch(/; ?max-age=\d+/i)
    }
  })

  it('BR-13: a planted session cookie holds no login afterwards', async () => {
    const attacker = new UserAgent()
    await logIn(suite, client, {}, { subject: 'mallory', login: { remember: true } }, attacker)
    const victim = new UserAgent()
    const [name = '', planted = ''] = [...attacker.cookies].find(([each]) => each.includes('session')) ?? []
    victim.cookies.set(name, planted)
    const again = { prompt: 'login' }
    await logIn(suite, client, again, { subject: 'victor', login: { remember: true } }, victim)
    expect(victim.cookies.get(name)).not.toBe(planted)
    const login = await attacker.redirectFrom(authorizationUrl(suite, client))
    const challenge = login.searchParams.get('login_challenge')
    const request = await adminJson(suite, 'GET', `/oauth2/auth/requests/login?login_challenge=${challenge}`)
    expect(((await request.json()) as { subject: string }).subject).not.toBe('victor')
  })

  it('BR-15: 50 flows in one browser end each with its own code', async () => {
    const agent = new UserAgent()
    const states = Array.from({ length: 50 }, (_, index) => `state-${index}`)
    const logins: URL[] = []
    for (const state of states) logins.push(await agent.redirectFrom(authorizationUrl(suite, client, { state })))
    const header = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect(header.length).toBeLessThan(8_192)
    const seen: (string | null)[] = []
    for (const login of logins) {
      const consent = await agent.redirectFrom(await acceptLogin(suite, login))
      const callback = await agent.redirectFrom(await acceptConsent(suite, consent))
      expect(callback.searchParams.get('code')).toBeTruthy()
      seen.push(callback.searchParams.get('state'))
    }
    expect(seen).toEqual(states)
    expect([...agent.cookies.keys()].filter((name) => name.includes('csrf'))).toEqual([])
  })

  it('BR-16: a session cookie that was stolen is dead after the session was revoked', async () => {
    const agent = new UserAgent()
    await logIn(suite, client, {}, { subject: 'sam', login: { remember: true } }, agent)
    const stolen = new UserAgent()
    for (const [name, value] of agent.cookies) stolen.cookies.set(name, value)
    expect((await adminJson(suite, 'DELETE', '/oauth2/auth/sessions/login?subject=sam')).status).toBe(204)
    const at = await stolen.redirectFrom(authorizationUrl(suite, client, { prompt: 'none' }))
    expect(at.searchParams.get('error')).toBe('login_required')
  })

  it('BR-17: a public client with a custom scheme asks each time', async () => {
    const app = await createClient(suite, {
      redirect_uris: ['com.example.app:/callback'],
      token_endpoint_auth_method: 'none',
    })
    const agent = new UserAgent()
    const pkce = newPkce()
    const url = authorizationUrl(suite, app, {
      redirect_uri: 'com.example.app:/callback',
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    })
    await authorize(suite, url, { login: { remember: true }, consent: { remember: true } }, agent)
    const login = await agent.redirectFrom(url)
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const challenge = consent.searchParams.get('consent_challenge')
    const request = await adminJson(suite, 'GET', `/oauth2/auth/requests/consent?consent_challenge=${challenge}`)
    expect(await request.json()).toMatchObject({ skip: false })
  })
})

describe('redirect URI', () => {
  const good = redirectUri
  const hostile = [
    ...['/', '?x=1', '?', '#', '#x', '/../evil', '/.', '/%2e%2e', ';x', '%00', '%0d%0aSet-Cookie:x=1', ' '].map(
      (suffix) => `${good}${suffix}`,
    ),
    'http://127.0.0.1:5555/Callback',
    'HTTP://127.0.0.1:5555/callback',
    'http://127.0.0.1:0/callback',
    'http://127.0.0.1:65536/callback',
    'http://127.0.0.2:5555/callback',
    'http://localhost:5555/callback',
    'http://[::1]:5555/callback',
    'http://2130706433:5555/callback',
    'http://127.1:5555/callback',
    'http://user@127.0.0.1:5555/callback',
    'http://127.0.0.1:5555@evil.example/callback',
    'http://127.0.0.1:5555\\@evil.example/callback',
    'https://127.0.0.1:5555/callback',
    'http://127.0.0.1:5555/c%61llback',
    'javascript:alert(1)',
    'https://evil.example/callback',
    '',
  ]

  it.each(hostile)('RU-02 to RU-15: %j is shown, not followed', async (uri) => {
    await expectPage(await new UserAgent().fetch(authorizationUrl(suite, client, { redirect_uri: uri })))
  })

  it('RU-01: the registered URI itself, byte for byte', async () => {
    const uri = 'https://app.example.com/callback?keep=this%20as&it=is'
    const own = await createClient(suite, { redirect_uris: [uri] })
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, own, { redirect_uri: uri }))
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const answer = await agent.fetch(await acceptConsent(suite, consent))
    expect(answer.headers.get('location')?.startsWith(`${uri}&`)).toBe(true)
  })

  it('RU-10: twice, in either order', async () => {
    for (const pair of [
      [good, 'https://evil.example'],
      ['https://evil.example', good],
    ]) {
      const url = `${authorizationUrl(suite, client, { redirect_uri: undefined })}&${pair
        .map((uri) => `redirect_uri=${encodeURIComponent(uri)}`)
        .join('&')}`
      await expectPage(await new UserAgent().fetch(url))
    }
  })

  it('RU-13: a loopback address takes any port', async () => {
    const uri = 'http://127.0.0.1:61234/callback'
    const at = await authorize(suite, authorizationUrl(suite, client, { redirect_uri: uri }))
    expect(at.href.startsWith(`${uri}?`)).toBe(true)
  })

  it('ER-01, ER-02: without a client to trust nothing is followed', async () => {
    for (const id of ['unknown', '', 'x'.repeat(10_000), '\0', '__proto__'])
      await expectPage(await new UserAgent().fetch(authorizationUrl(suite, { client_id: id })))
    const worse = { redirect_uri: 'https://evil.example', response_type: 'nonsense', scope: 'everything' }
    await expectPage(await new UserAgent().fetch(authorizationUrl(suite, client, worse)))
  })
})

describe('errors that go back to the client', () => {
  const faults: [string, Record<string, string | undefined>, string][] = [
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['an unknown response_type', { response_type: 'nonsense' }, 'unsupported_response_type'],
    ['a scope beyond the client', { scope: 'openid admin' }, 'invalid_scope'],
    ['prompt none with another', { prompt: 'none login' }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'dance' }, 'invalid_request'],
    ['a bad max_age', { max_age: '-1' }, 'invalid_request'],
    ['a bad id_token_hint', { id_token_hint: 'a.b.c' }, 'invalid_request'],
    ['an audience beyond the client', { audience: 'https://evil.example' }, 'invalid_request'],
    ['PKCE plain', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'],
    ['PKCE without a method', { code_challenge: 'x'.repeat(43) }, 'invalid_request'],
    ['a short PKCE challenge', { code_challenge: 'x'.repeat(42), code_challenge_method: 'S256' }, 'invalid_request'],
    ['an unknown response_mode', { response_mode: 'telepathy' }, 'invalid_request'],
    ['a request object', { request: 'a.b.c' }, 'invalid_request_object'],
    ['a request_uri', { request_uri: 'https://a.example/r' }, 'invalid_request_uri'],
  ]

  it.each(faults)('ER-03: %s', async (_, changes, code) => {
    const at = await new UserAgent().redirectFrom(authorizationUrl(suite, client, changes))
    expect(at.href.startsWith(redirectUri)).toBe(true)
    const parameters = at.search ? at.searchParams : new URLSearchParams(at.hash.slice(1))
    const error = parameters.get('error')
    if (code === 'invalid_request' && changes.response_mode)
      expect(error).toMatch(/invalid_request|unsupported_response_mode/)
    else expect(error).toBe(code)
    expect(parameters.get('state')).toBe('the-state-of-it')
    expect(parameters.get('iss')).toBe(suite.config.urls.self.issuer)
    expect(parameters.get('code')).toBeNull()
  })

  it('PK-04: a public client without PKCE', async () => {
    const app = await createClient(suite, { token_endpoint_auth_method: 'none' })
    const at = await new UserAgent().redirectFrom(authorizationUrl(suite, app))
    expect(at.searchParams.get('error')).toBe('invalid_request')
  })

  it('ER-12: a parameter that comes twice', async () => {
    const at = await new UserAgent().redirectFrom(`${authorizationUrl(suite, client)}&scope=openid`)
    expect(at.searchParams.get('error')).toBe('invalid_request')
  })

  it('ER-11: unknown parameters change nothing', async () => {
    const at = await authorize(suite, `${authorizationUrl(suite, client)}&utm_source=x&return_to=https://evil.example`)
    expect(at.searchParams.get('code')).toBeTruthy()
  })
})
