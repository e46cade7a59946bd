// The authorization code flow as browsers, clients and apps see it over HTTP.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

const redirectUri = 'http://127.0.0.1:5555/callback'
const verifier = 'a-code-verifier-of-at-least-43-characters-that-fits'
let suite: Suite
let client: { client_id: string; client_secret: string }

beforeAll(async () => {
  suite = await startSuite()
  client = await createClient(suite, { post_logout_redirect_uris: ['http://127.0.0.1:5555/bye'] })
})
afterAll(() => suite.stop())

const parameters = (more: Record<string, string> = {}) =>
  new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid offline_access profile',
    state: 'state "of" <mine> & ü',
    nonce: 'nonce-of-mine',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  })
const authorizationUrl = (more: Record<string, string> = {}) => `${suite.publicUrl}/oauth2/auth?${parameters(more)}`

const post = (path: string, form: Record<string, string>, credentials = client) =>
  fetch(`${suite.publicUrl}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: {
      authorization: `Basic ${Buffer.from(`${credentials.client_id}:${credentials.client_secret}`).toString('base64')}`,
    },
  })
const redeem = (code: string) =>
  post('/oauth2/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  })

interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
}
async function tokensFrom(callback: URL): Promise<Tokens> {
  const answer = await redeem(callback.searchParams.get('code') ?? '')
  expect(answer.status, await answer.clone().text()).toBe(200)
  return (await answer.json()) as Tokens
}
const introspect = async (token: string) => {
  const answer = await fetch(`${suite.adminUrl}/admin/oauth2/introspect`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
  })
  return (await answer.json()) as Record<string, unknown>
}

describe('RFC 6749 4.1', () => {
  it('from the request to userinfo, with nothing lost on the way', async () => {
    const callback = await authorize(suite, authorizationUrl(), {
      consent: { session: { id_token: { name: 'Alice' } } },
    })
    expect(callback.href.startsWith(`${redirectUri}?`)).toBe(true)
    expect(callback.searchParams.get('state')).toBe('state "of" <mine> & ü')
    expect(callback.searchParams.get('iss')).toBe(suite.config.urls.self.issuer)
    const tokens = await tokensFrom(callback)
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: 'alice', aud: [client.client_id], nonce: 'nonce-of-mine', name: 'Alice' })
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    const userinfo = await fetch(`${suite.publicUrl}/userinfo`, { headers })
    expect(await userinfo.json()).toMatchObject({ sub: 'alice', name: 'Alice' })
    expect(await introspect(tokens.refresh_token)).toMatchObject({ active: true, token_use: 'refresh_token' })
  })

  it('a POSTed request works like a GET (OIDC Core 3.1.2.1)', async () => {
    const agent = new UserAgent()
    const init = { method: 'POST', body: parameters() }
    const login = await agent.redirectFrom(`${suite.publicUrl}/oauth2/auth`, init)
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const callback = await agent.redirectFrom(await acceptConsent(suite, consent))
    expect(callback.searchParams.get('state')).toBe('state "of" <mine> & ü')
    await tokensFrom(callback)
  })

  it('form_post carries the response in the body of a page', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl({ response_mode: 'form_post' }))
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const page = await agent.fetch(await acceptConsent(suite, consent))
    const html = await page.text()
    expect(page.status).toBe(200)
    expect(html).toContain(`action="${redirectUri}"`)
    expect(html).toContain('value="state &#34;of&#34; &#60;mine&#62; &#38; ü"')
    const code = /name="code" value="([^"]+)"/.exec(html)?.[1] ?? ''
    expect((await redeem(code)).status).toBe(200)
  })

  it('BR-15: two tabs of one app in one browser do not get in each other’s way', async () => {
    const agent = new UserAgent()
    const first = await agent.redirectFrom(authorizationUrl({ state: 'the-first-tab' }))
    const second = await agent.redirectFrom(authorizationUrl({ state: 'the-second-tab' }))
    const callbacks: URL[] = []
    for (const login of [first, second]) {
      const consent = await agent.redirectFrom(await acceptLogin(suite, login))
      callbacks.push(await agent.redirectFrom(await acceptConsent(suite, consent)))
    }
    expect(callbacks.map((url) => url.searchParams.get('state'))).toEqual(['the-first-tab', 'the-second-tab'])
    for (const callback of callbacks) await tokensFrom(callback)
  })

  it('a challenge URL stays short: at most 700 characters of challenge', async () => {
    const login = await new UserAgent().redirectFrom(authorizationUrl())
    expect((login.searchParams.get('login_challenge') ?? '').length).toBeLessThanOrEqual(700)
  })

  it('ER-04: a rejected login is told to the client', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl())
    const challenge = encodeURIComponent(login.searchParams.get('login_challenge') ?? '')
    const path = `/oauth2/auth/requests/login/reject?login_challenge=${challenge}`
    const { redirect_to } = (await (
      await adminJson(suite, 'PUT', path, { error: 'access_denied', error_description: 'No entry.' })
    ).json()) as { redirect_to: string }
    const callback = await agent.redirectFrom(redirect_to)
    expect(Object.fromEntries(callback.searchParams)).toMatchObject({
      error: 'access_denied',
      error_description: 'No entry.',
      state: 'state "of" <mine> & ü',
      iss: suite.config.urls.self.issuer,
    })
  })
})

describe('what is refused by the server itself', () => {
  const shown = async (url: string, agent = new UserAgent()) => {
    const page = await agent.fetch(url)
    expect(page.headers.get('location')).toBeNull()
    expect(page.status).toBe(400)
    return page
  }

  it('ER-01, ER-02: an unknown client, whatever else is asked', async () => {
    await shown(authorizationUrl({ client_id: 'nobody' }))
    await shown(authorizationUrl({ client_id: '' }))
    await shown(authorizationUrl({ client_id: 'x'.repeat(9_000) }))
    await shown(`${authorizationUrl()}&client_id=another`)
    await shown(
      authorizationUrl({ client_id: 'nobody', response_type: 'x', prompt: 'x', redirect_uri: 'https://evil.test/' }),
    )
  })

  it('RU-02, RU-10: another redirect URI, in any way', async () => {
    for (const redirect_uri of [
      `${redirectUri}/`,
      `${redirectUri}?`,
      `${redirectUri}#x`,
      'http://127.0.0.1:5555/CALLBACK',
      'http://127.0.0.1:5555/%63allback',
      'http://127.0.0.1:5555@evil.test/callback',
      'https://127.0.0.1:5555/callback',
      '//evil.test/callback',
      'javascript:alert(1)',
    ])
      await shown(authorizationUrl({ redirect_uri }))
    await shown(`${authorizationUrl()}&redirect_uri=${encodeURIComponent(redirectUri)}`)
  })

  it('BR-03, BR-04: a verifier in another browser, and one that was used', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl())
    const loggedIn = await acceptLogin(suite, login)
    await shown(loggedIn)
    const consent = await agent.redirectFrom(loggedIn)
    const consented = await acceptConsent(suite, consent)
    await shown(consented)
    await tokensFrom(await agent.redirectFrom(consented))
    const again = await agent.fetch(consented)
    expect(again.headers.get('location') ?? '').not.toMatch(/[?&]code=/)
    expect(again.status).not.toBe(500)
  })

  it('BR-12: cookies of the flow and the session', async () => {
    const first = await fetch(authorizationUrl(), { redirect: 'manual' })
    const cookies = first.headers.getSetCookie()
    expect(cookies).toHaveLength(1)
    expect(cookies[0]).toMatch(
      /^ory_hydra_login_csrf_dev_[\w-]+=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=1800$/,
    )
  })
})

describe('I4: what ends access', () => {
  it('TK-17: revoking the refresh token ends all of its grant; TK-15: another client cannot', async () => {
    const tokens = await tokensFrom(await authorize(suite, authorizationUrl()))
    const other = await createClient(suite)
    expect((await post('/oauth2/revoke', { token: tokens.refresh_token }, other)).status).toBe(200)
    expect(await introspect(tokens.access_token)).toMatchObject({ active: true })
    const answer = await post('/oauth2/revoke', { token: tokens.refresh_token })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
    expect(await introspect(tokens.access_token)).toEqual({ active: false })
    expect(await introspect(tokens.refresh_token)).toEqual({ active: false })
    const userinfo = await fetch(`${suite.publicUrl}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(userinfo.status).toBe(401)
    expect(await userinfo.json()).toMatchObject({ error: 'request_unauthorized' })
    expect(userinfo.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it('I12: deleting the client', async () => {
    const doomed = await createClient(suite)
    const url = new URL(authorizationUrl({ client_id: doomed.client_id }))
    const callback = await authorize(suite, url)
    const answer = await post(
      '/oauth2/token',
      {
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        code_verifier: verifier,
      },
      doomed,
    )
    const tokens = (await answer.json()) as Tokens
    expect(await introspect(tokens.access_token)).toMatchObject({ active: true })
    expect((await adminJson(suite, 'DELETE', `/clients/${doomed.client_id}`)).status).toBe(204)
    expect(await introspect(tokens.access_token)).toEqual({ active: false })
    expect(await introspect(tokens.refresh_token)).toEqual({ active: false })
    expect(
      (await post('/oauth2/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, doomed))
        .status,
    ).toBe(401)
  })

  it('DELETE /oauth2/tokens: the access tokens of a client, not its refresh tokens', async () => {
    const tokens = await tokensFrom(await authorize(suite, authorizationUrl()))
    expect((await adminJson(suite, 'DELETE', `/oauth2/tokens?client_id=${client.client_id}`)).status).toBe(204)
    expect(await introspect(tokens.access_token)).toEqual({ active: false })
    expect(await introspect(tokens.refresh_token)).toMatchObject({ active: true })
  })
})

describe('OpenID Connect RP-Initiated Logout', () => {
  async function loggedIn(): Promise<{ agent: UserAgent; tokens: Tokens }> {
    const agent = new UserAgent()
    const decision = { login: { remember: true, remember_for: 3_600 } }
    return { agent, tokens: await tokensFrom(await authorize(suite, authorizationUrl(), decision, agent)) }
  }
  const acceptLogout = async (logout: URL) => {
    const challenge = encodeURIComponent(logout.searchParams.get('logout_challenge') ?? '')
    const accepted = await adminJson(suite, 'PUT', `/oauth2/auth/requests/logout/accept?logout_challenge=${challenge}`)
    return ((await accepted.json()) as { redirect_to: string }).redirect_to
  }

  it('a client’s logout asks, ends the session and returns to the client', async () => {
    const { agent, tokens } = await loggedIn()
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: 'http://127.0.0.1:5555/bye',
      state: 'bye & bye',
    })
    const logout = await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout?${query}`)
    const back = await agent.redirectFrom(await acceptLogout(logout))
    expect(back.href).toBe('http://127.0.0.1:5555/bye?state=bye+%26+bye')
    const silent = await agent.redirectFrom(authorizationUrl({ prompt: 'none' }))
    expect(silent.searchParams.get('error')).toBe('login_required')
  })

  it('LO-01: without a hint the end-user is asked, and the server says that it is done', async () => {
    const { agent } = await loggedIn()
    const logout = await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout`, { method: 'POST' })
    const page = await agent.fetch(await acceptLogout(logout))
    expect(await page.text()).toContain('Your log out request however succeeded.')
  })

  it('RU-22: a place that is not registered is not gone to', async () => {
    const { agent, tokens } = await loggedIn()
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: 'https://evil.test/',
    })
    const answer = await agent.fetch(`${suite.publicUrl}/oauth2/sessions/logout?${query}`)
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
  })
})
