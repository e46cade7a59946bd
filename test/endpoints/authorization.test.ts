// The authorization endpoint and the logout endpoint as the browser meets them; what they decide is the consent service's.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthorizationAnswer } from '#proto/consent/v1/authorization_service.js'
import type { LogoutAnswer } from '#proto/consent/v1/logout_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { lastRequest, startGateway, type TestGateway } from '../support/fake_services.js'

let answer: AuthorizationAnswer | undefined
let logoutAnswer: LogoutAnswer | undefined
let outage = false
let server: TestGateway

const handlers = {
  authorization: {
    startAuthorization: async () => {
      if (outage) throw new OAuthError('temporarily_unavailable')
      return { answer }
    },
    resumeAuthorization: async () => ({ answer }),
  },
  logout: {
    startLogout: async () => ({ answer: logoutAnswer }),
    resumeLogout: async () => ({ answer: logoutAnswer }),
  },
}

beforeAll(async () => {
  server = await startGateway(handlers)
})
afterAll(() => server.close())

const get = (path: string, headers: Record<string, string> = {}, url = server.publicUrl) =>
  fetch(`${url}${path}`, { redirect: 'manual', headers })
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${server.publicUrl}${path}`, {
    method: 'POST',
    redirect: 'manual',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })

const redirectTo = (value: string): AuthorizationAnswer => ({ kind: { $case: 'redirectTo', value }, cookies: [] })
const error = (code: string, description = 'It is wrong.', hint = ''): AuthorizationAnswer => ({
  kind: { $case: 'error', value: { code, description, hint, retryAfter: 0, redirectTo: '' } },
  cookies: [],
})
const response = (
  responseMode: string,
  parameters: Record<string, string>,
  redirectUri = 'https://a.test/cb?x=1',
): AuthorizationAnswer => ({
  kind: { $case: 'response', value: { redirectUri, responseMode, parameters } },
  cookies: [],
})

describe('RFC 6749 3.1: starting and resuming', () => {
  it('GET and POST start alike; a POST is answered with 303 (ER-09)', async () => {
    answer = redirectTo('https://login.test/?login_challenge=c')
    const got = await get('/oauth2/auth?client_id=a&scope=openid+x&state=%C3%A4')
    const fromQuery = lastRequest(server.calls, 'startAuthorization')
    const posted = await post('/oauth2/auth', 'client_id=a&scope=openid+x&state=%C3%A4')
    const fromForm = lastRequest(server.calls, 'startAuthorization')
    expect(fromForm).toEqual(fromQuery)
    expect({ ...(fromQuery.parameters as object) }).toEqual({ client_id: 'a', scope: 'openid x', state: 'ä' })
    expect([got.status, posted.status]).toEqual([302, 303])
    for (const each of [got, posted]) expect(each.headers.get('location')).toBe('https://login.test/?login_challenge=c')
  })

  it('ER-12: duplicates are told by name and their values left out, over query and form together', async () => {
    answer = redirectTo('https://login.test/')
    await post('/oauth2/auth?client_id=a&state=1&nonce=n', 'state=2&scope=x&Scope=y&audience=a&audience=b')
    const { parameters, duplicates } = lastRequest(server.calls, 'startAuthorization')
    expect({ ...(parameters as object) }).toEqual({ client_id: 'a', nonce: 'n', audience: 'a b' })
    expect(duplicates).toEqual(['state', 'scope'])
  })

  for (const [name, $case] of [
    ['login_verifier', 'loginVerifier'],
    ['consent_verifier', 'consentVerifier'],
  ])
    it(`a ${name} resumes`, async () => {
      answer = redirectTo('https://consent.test/')
      expect((await get(`/oauth2/auth?client_id=a&${name}=v`)).status).toBe(302)
      expect(lastRequest(server.calls, 'resumeAuthorization').verifier).toEqual({ $case, value: 'v' })
    })

  for (const query of ['login_verifier=a&consent_verifier=b', 'login_verifier=a&login_verifier=b'])
    it(`more than one verifier is refused: ${query}`, async () => {
      const before = server.calls.length
      const refused = await get(`/oauth2/auth?${query}`)
      expect(refused.status).toBe(400)
      expect(refused.headers.get('location')).toBeNull()
      expect(server.calls).toHaveLength(before)
    })

  it('a POST that is no form is refused', async () => {
    expect((await post('/oauth2/auth', '{}', { 'content-type': 'application/json' })).status).toBe(415)
  })
})

describe('cookies', () => {
  const names = { session: 'ory_hydra_session', login_csrf: 'login_csrf', consent_csrf: 'consent_csrf' }
  const set = async (overrides: Parameters<typeof startGateway>[1]) => {
    const other = await startGateway(handlers, overrides)
    try {
      answer = {
        ...redirectTo('https://login.test/'),
        cookies: [
          { name: 'login_csrf_1', value: 'abc', maxAge: 1800 },
          { name: 'ory_hydra_session', value: 'def', maxAge: 0 },
          { name: 'consent_csrf_1', value: '', maxAge: 0 },
        ],
      }
      return (await get('/oauth2/auth?client_id=a', {}, other.publicUrl)).headers.getSetCookie()
    } finally {
      await other.close()
    }
  }

  it('BR-12: in production every cookie is Secure, HttpOnly, SameSite, and lives as long as was said', async () => {
    expect(await set({ dev: false, serve: { cookies: { names, domain: 'a.test' } } })).toEqual([
      'login_csrf_1=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=a.test; Max-Age=1800',
      'ory_hydra_session=def; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=a.test',
      'consent_csrf_1=; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=a.test; Max-Age=0',
    ])
  })

  it('in development they are not Secure, and then never SameSite=None', async () => {
    const [cookie] = await set({ serve: { cookies: { names, same_site_mode: 'None' } } })
    expect(cookie).toBe('login_csrf_1=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800')
  })

  it('BR-14: a name that comes twice is left out, and so is what is not ours', async () => {
    answer = redirectTo('https://login.test/')
    const session = 'ory_hydra_session_dev'
    const csrf = 'ory_hydra_login_csrf_dev_x'
    await get('/oauth2/auth?client_id=a', {
      cookie: `${session}=planted; ${csrf}=ok; other=1; ${session}=own; ${session}=third`,
    })
    expect({ ...(lastRequest(server.calls, 'startAuthorization').cookies as object) }).toEqual({ [csrf]: 'ok' })
    await get('/oauth2/auth?client_id=a', { cookie: `${session}=own=;=x; ${csrf}` })
    expect({ ...(lastRequest(server.calls, 'startAuthorization').cookies as object) }).toEqual({ [session]: 'own=' })
  })
})

describe('OAuth 2.0 Multiple Response Types 2.1: response modes', () => {
  const parameters = { code: 'c', state: 'a b&c=d#é', iss: 'https://issuer.test' }

  it('query: the redirect URI stays as it is, the parameters follow', async () => {
    answer = response('query', parameters)
    const { headers, status } = await get('/oauth2/auth?client_id=a')
    const location = headers.get('location') ?? ''
    expect(status).toBe(302)
    expect(location.startsWith('https://a.test/cb?x=1&')).toBe(true)
    const { searchParams, hash } = new URL(location)
    expect(Object.fromEntries(searchParams)).toEqual({ x: '1', ...parameters })
    expect(hash).toBe('')
  })

  it('fragment', async () => {
    answer = response('fragment', parameters)
    const location = (await get('/oauth2/auth?client_id=a')).headers.get('location') ?? ''
    expect(location.startsWith('https://a.test/cb?x=1#')).toBe(true)
    expect(Object.fromEntries(new URLSearchParams(location.split('#')[1]))).toEqual(parameters)
  })

  it('HT-08: nothing in a redirect can break out of the header field', async () => {
    answer = response('query', { state: 'a\r\nSet-Cookie: x=1\u2028\u0000' }, 'https://ä.test/cb b')
    const { headers } = await get('/oauth2/auth?client_id=a')
    expect(headers.get('location')).toMatch(/^https:\/\/%C3%A4\.test\/cb%20b\?state=[\x21-\x7e]*$/)
    expect(headers.get('set-cookie')).toBeNull()
  })

  it('a mode that nobody knows is a fault, not a redirect', async () => {
    for (const mode of ['', 'web_message', 'toString', '__proto__']) {
      answer = response(mode, parameters)
      const refused = await get('/oauth2/auth?client_id=a')
      expect([refused.status, refused.headers.get('location')]).toEqual([500, null])
    }
  })
})

describe('OAuth 2.0 Form Post Response Mode', () => {
  const hostile = [
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    '</form><form action=//evil.test>',
    '{{7*7}}<%= 7*7 %>',
    '\u2028\u2029',
    'a\r\nb',
    '&quot;&#x22;',
    'x'.repeat(65_536),
  ]
  for (const state of hostile)
    it(`RM-01: state is text alone: ${JSON.stringify(state.slice(0, 30))}`, async () => {
      answer = response('form_post', { state, code: 'c' }, "https://a.test:8443/cb?a='b")
      const page = await get('/oauth2/auth?client_id=a')
      const html = await page.text()
      expect(page.status).toBe(200)
      const values = [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(
        ([, name, value]) => [
          name,
          (value ?? '').replace(/&#(\d+);/g, (_, number) => String.fromCharCode(Number(number))),
        ],
      )
      expect(Object.fromEntries(values)).toEqual({ state, code: 'c' })
      expect(html.match(/<script/g)).toHaveLength(1)
      expect(html.match(/<form/g)).toHaveLength(1)
      expect(html).toContain('<form method="post" action="https://a.test:8443/cb?a=&#39;b">')
      expect(html).toContain('<button>')
    })

  it('RM-01: only the script with the nonce runs, and the form goes to the redirect URI alone', async () => {
    answer = response('form_post', { code: 'c' })
    const page = await get('/oauth2/auth?client_id=a')
    const policy = page.headers.get('content-security-policy') ?? ''
    const nonce = /script-src 'nonce-([A-Za-z0-9+/]+)'/.exec(policy)?.[1]
    expect(nonce).toMatch(/^.{24}$/)
    expect(await page.text()).toContain(`<script nonce="${nonce}">document.forms[0].submit()</script>`)
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain('form-action https://a.test;')
    expect(policy).not.toMatch(/script-src [^;]*unsafe/)
    const second = (await get('/oauth2/auth?client_id=a')).headers.get('content-security-policy')
    expect(second).not.toContain(nonce)
  })

  it('a private-use scheme is allowed by its scheme', async () => {
    answer = response('form_post', { code: 'c' }, 'com.example.app:/cb')
    expect((await get('/oauth2/auth?client_id=a')).headers.get('content-security-policy')).toContain(
      'form-action com.example.app:;',
    )
  })
})

describe('ER-01: an error that may not be sent to a client is shown by the server', () => {
  for (const code of [
    'invalid_client',
    'invalid_request',
    'access_denied',
    'request_unauthorized',
    'not_found',
    'gone',
  ])
    it(`${code}: a page with 400 and no Location`, async () => {
      answer = error(code, 'Bad <b>thing</b> & co.', 'Do it better.')
      for (const page of [await get('/oauth2/auth'), await post('/oauth2/auth', '')]) {
        expect(page.status).toBe(400)
        expect(page.headers.get('location')).toBeNull()
        expect(page.headers.get('www-authenticate')).toBeNull()
        expect(page.headers.get('cache-control')).toBe('no-store')
        expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
        const html = await page.text()
        expect(html).toContain(code)
        expect(html).toContain('Bad &#60;b&#62;thing&#60;/b&#62; &#38; co. Do it better.')
      }
    })

  it('BR-10, BR-11: pages cannot be framed, load nothing and tell nobody where they were', async () => {
    answer = error('invalid_request')
    for (const path of ['/oauth2/auth', '/oauth2/fallbacks/login', '/oauth2/fallbacks/error?error=a']) {
      const { headers } = await get(path, { origin: 'https://app.test' })
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('RM-08: a program that asks for JSON gets JSON', async () => {
    answer = error('invalid_request', 'A <b> thing.')
    const typeFor = async (accept: string) => (await get('/oauth2/auth', { accept })).headers.get('content-type')
    expect(await typeFor('application/json')).toBe('application/json; charset=utf-8')
    for (const accept of ['text/html', '*/*', ';;;', 'text/html, application/json'])
      expect(await typeFor(accept)).toBe('text/html; charset=utf-8')
  })

  it("with urls.error set, the browser goes to the operator's page", async () => {
    const other = await startGateway(handlers, { urls: { error: 'https://login.test/error?a=b' } })
    try {
      answer = error('invalid_request', 'What & why.', 'How.')
      const sent = await get('/oauth2/auth?redirect_uri=https://evil.test/', {}, other.publicUrl)
      expect(sent.status).toBe(302)
      const location = new URL(sent.headers.get('location') ?? '')
      expect(location.origin + location.pathname).toBe('https://login.test/error')
      expect(Object.fromEntries(location.searchParams)).toEqual({
        a: 'b',
        error: 'invalid_request',
        error_description: 'What & why. How.',
      })
      outage = true
      const down = await get('/oauth2/auth', {}, other.publicUrl)
      expect([down.status, down.headers.get('retry-after')]).toEqual([503, '1'])
    } finally {
      outage = false
      await other.close()
    }
  })

  it('I11: an outage is a 503 with Retry-After', async () => {
    outage = true
    const down = await get('/oauth2/auth')
    outage = false
    expect([down.status, down.headers.get('retry-after'), down.headers.get('location')]).toEqual([503, '1', null])
  })

  it('ER-15: the fallback pages build no address from what they are sent', async () => {
    for (const path of ['login', 'consent', 'logout', 'logout/callback', 'error']) {
      const page = await get(`/oauth2/fallbacks/${path}?return_to=https://evil.test&url=https://evil.test&error=e`)
      expect(page.headers.get('location')).toBeNull()
      expect(await page.text()).not.toContain('evil.test')
    }
  })

  it('RM-07: the error page shows what it is told as text', async () => {
    const query = new URLSearchParams({ error: '<img src=x>', error_description: '"><script>alert(1)</script>' })
    const page = await get(`/oauth2/fallbacks/error?${query}`)
    const html = await page.text()
    expect(page.status).toBe(400)
    expect(html).not.toMatch(/<script|<img/)
    expect(html).toContain('&#60;img src=x&#62;')
  })
})

describe('OpenID Connect RP-Initiated Logout', () => {
  it('GET and POST start a logout with all their parameters', async () => {
    logoutAnswer = { kind: { $case: 'redirectTo', value: 'https://logout.test/?logout_challenge=c' }, cookies: [] }
    expect((await get('/oauth2/sessions/logout?id_token_hint=t&state=s')).status).toBe(302)
    expect((await post('/oauth2/sessions/logout', 'id_token_hint=t&state=s&state=s')).status).toBe(303)
    const { parameters, duplicates } = lastRequest(server.calls, 'startLogout')
    expect({ ...(parameters as object) }).toEqual({ id_token_hint: 't' })
    expect(duplicates).toEqual(['state'])
  })

  it('a logout_verifier resumes; without a place to go the server says that it is done', async () => {
    logoutAnswer = {
      kind: { $case: 'loggedOut', value: {} },
      cookies: [{ name: 'ory_hydra_session_dev', value: '', maxAge: 0 }],
    }
    const page = await get('/oauth2/sessions/logout?logout_verifier=v')
    expect(lastRequest(server.calls, 'resumeLogout').logoutVerifier).toBe('v')
    expect(page.headers.getSetCookie()[0]).toContain('ory_hydra_session_dev=; ')
    expect(await page.text()).toMatch(
      /<h1>[^<]*post-logout URL is not set[^<]*Your log out request however succeeded\./,
    )
  })

  it('an error is a page', async () => {
    logoutAnswer = {
      kind: {
        $case: 'error',
        value: { code: 'invalid_request', description: 'No.', hint: '', retryAfter: 0, redirectTo: '' },
      },
      cookies: [],
    }
    const page = await get('/oauth2/sessions/logout')
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
  })
})
