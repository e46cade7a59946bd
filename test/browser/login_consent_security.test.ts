// What the login and consent app withstands: forged forms, framing, markup in what it is told; and what it says when things go wrong.
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser, openPage } from '../support/browser.js'
import {
  type AppUnderTest,
  client,
  consent,
  cookieOf,
  login,
  logout,
  startLoginConsent,
  user,
} from '../support/login_consent_app.js'

let browser: Browser
let app: AppUnderTest
let page: Page
let complaints: string[]

beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

beforeEach(async () => {
  app = await startLoginConsent()
  const opened = await openPage(browser)
  page = opened.page
  complaints = opened.complaints
})
afterEach(async () => {
  await page.context().close()
  await app.close()
})

describe('what goes wrong', () => {
  it.each([401, 404, 410])('a challenge that the server answers with %i has expired', async (status) => {
    app.admin.requests.set('login/x', status)
    const response = await app.get('/login?login_challenge=x')
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('expired')
  })

  it('an outage of the server is told as one', async () => {
    app.admin.requests.set('login/x', 503)
    expect((await app.get('/login?login_challenge=x')).status).toBe(503)
  })

  it.each(['/login', '/consent', '/logout'])('%s without a challenge says so', async (path) => {
    const response = await app.get(path)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('Nothing to do here')
  })

  it('an oversized form is refused', async () => {
    const response = await app.post('/login', { challenge: 'l', email: 'x'.repeat(100_000) })
    expect(response.status).toBe(413)
  })
})

describe('security', () => {
  it.each([
    ['/login', { challenge: 'l', email: user.email, password: user.password }],
    ['/consent', { challenge: 'c', decision: 'allow', grant_scope: 'openid' }],
    ['/logout', { challenge: 'o', decision: 'logout' }],
  ])('BR-12: a form for %s that another site posts is refused', async (path, form) => {
    const cookie = cookieOf(await app.get('/login?login_challenge=l'))
    const [name] = cookie.split('=')
    const forged = 'A'.repeat(43)
    expect((await app.post(path, { ...form, csrf_token: forged })).status).toBe(403)
    expect((await app.post(path, { ...form, csrf_token: forged }, cookie)).status).toBe(403)
    expect((await app.post(path, { ...form, csrf_token: '' }, `${name}=`)).status).toBe(403)
    expect((await app.post(path, form, cookie)).status).toBe(403)
    expect(app.admin.decisions).toEqual([])
  })

  it('BR-12: the cookie is HttpOnly and SameSite=Lax; over https also Secure and tied to the host', async () => {
    const plain = (await app.get('/login?login_challenge=l')).headers.getSetCookie()[0]
    expect(plain).toMatch(/^login_consent_csrf=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
    const secured = await startLoginConsent({ secure: true })
    const [secure] = (await secured.get('/login?login_challenge=l')).headers.getSetCookie()
    await secured.close()
    expect(secure).toMatch(/^__Host-login_consent_csrf=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
  })

  it.each([
    '/login?login_challenge=l',
    '/consent?consent_challenge=c',
    '/logout?logout_challenge=o',
    '/error?error=server_error',
    '/login',
  ])('BR-10, BR-11: %s is neither framed, cached, sniffed nor referred to', async (path) => {
    const { headers } = await app.get(path)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('forms lead to this app, the server and the redirect URI of the request alone', async () => {
    const formAction = async (redirectUri: string) => {
      const request_url = `http://x/auth?${new URLSearchParams({ redirect_uri: redirectUri })}`
      app.admin.requests.set('login/f', { skip: false, subject: '', client, request_url })
      const policy = (await app.get('/login?login_challenge=f')).headers.get('content-security-policy') ?? ''
      return policy.split('; ').find((directive) => directive.startsWith('form-action'))
    }
    const always = `form-action 'self' ${app.admin.url}`
    expect(await formAction('https://app.example.com/cb?x=1')).toBe(`${always} https://app.example.com`)
    expect(await formAction('com.example.app:/cb')).toBe(`${always} com.example.app:`)
    expect(await formAction('http://[::1]:5000/cb')).toBe(`${always} http:`)
    for (const bad of [
      'javascript:alert(1)',
      'data:text/html,x',
      "https://a;script-src'self'/",
      'https://a,b/',
      'no url',
    ]) {
      expect(await formAction(bad)).toBe(always)
    }
  })

  it('RM-07: names with markup are shown as text, links lead to the web alone, nothing is fetched from elsewhere', async () => {
    const markup = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>&amp;`
    const hostile = {
      ...client,
      client_name: markup,
      logo_uri: 'https://evil.example/logo.png',
      policy_uri: 'javascript:alert(1)',
      tos_uri: 'https://app.example.com/"><script>',
    }
    app.admin.requests.set('consent/c', {
      ...consent,
      client: hostile,
      requested_scope: ['openid', markup],
      requested_access_token_audience: [markup],
    })
    app.admin.requests.set('login/l', { ...login, client: hostile, oidc_context: { login_hint: markup } })
    app.admin.requests.set('logout/o', { ...logout, subject: markup, client: hostile })
    const query = new URLSearchParams({ error: markup, error_description: markup })
    const requested: string[] = []
    page.on('request', (request) => requested.push(new URL(request.url()).origin))
    for (const path of [
      '/login?login_challenge=l',
      '/consent?consent_challenge=c',
      '/logout?logout_challenge=o',
      `/error?${query}`,
    ]) {
      await page.goto(app.url + path)
      expect(await page.title(), path).not.toBe('owned')
      expect(await page.locator('img, script').count(), path).toBe(0)
      expect(await page.getByRole('main').textContent(), path).toContain(`<script>document.title='owned'</script>&amp;`)
    }
    await page.goto(`${app.url}/consent?consent_challenge=c`)
    const links = await page.getByRole('link').all()
    expect(links).toHaveLength(1)
    expect(await links[0]?.getAttribute('rel')).toBe('noopener noreferrer')
    expect(new Set(requested)).toEqual(new Set([app.url]))
    expect(complaints).toEqual([])
  })

  it('shows the admin API the headers that it was given', async () => {
    const authorized = await startLoginConsent({ headers: { authorization: 'Bearer secret' } })
    authorized.admin.requests.set('login/l', { ...login, skip: true, subject: user.subject })
    await authorized.get('/login?login_challenge=l')
    await authorized.close()
    expect(authorized.admin.decisions[0]?.headers.authorization).toBe('Bearer secret')
  })
})
