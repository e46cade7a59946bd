// The login and consent app alone, in a browser, against a stand-in for the admin API.
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

const logIn = async (password: string) => {
  await page.getByLabel('Email address').fill(user.email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

describe('login', () => {
  it('accepts the login of a user with the right password, remembered if asked', async () => {
    await page.goto(`${app.url}/login?login_challenge=l`)
    await page.getByLabel('Remember me').check()
    await logIn(user.password)
    await page.waitForURL('**/done')
    expect(app.admin.decisions).toMatchObject([{ kind: 'login', action: 'accept', challenge: 'l' }])
    expect(app.admin.decisions[0]?.body).toEqual({
      subject: 'user-1',
      remember: true,
      remember_for: 2_592_000,
      amr: ['pwd'],
    })
    expect(complaints).toEqual([])
  })

  it('says that the password is wrong, keeps the address, and lets try again', async () => {
    await page.goto(`${app.url}/login?login_challenge=l`)
    await logIn('a wrong password')
    await page.getByRole('alert').getByText('do not belong together').waitFor()
    expect(await page.title()).toContain('Error')
    expect(await page.getByLabel('Email address').inputValue()).toBe(user.email)
    expect(await page.getByLabel('Password').inputValue()).toBe('')
    expect(await page.locator(':focus').getAttribute('id')).toBe('password')
    expect(app.admin.decisions).toEqual([])
    await logIn(user.password)
    await page.waitForURL('**/done')
    expect(complaints.filter((text) => !text.includes('422'))).toEqual([])
  })

  it('answers an unknown address like a wrong password', async () => {
    const opened = await app.get('/login?login_challenge=l')
    const cookie = cookieOf(opened)
    const csrf_token = cookie.split('=')[1] ?? ''
    const answer = async (email: string) => {
      const response = await app.post('/login', { challenge: 'l', csrf_token, email, password: 'wrong' }, cookie)
      return [response.status, (await response.text()).replaceAll(email, '')]
    }
    expect(await answer('nobody@example.com')).toEqual(await answer(user.email))
  })

  it('skips the page for a remembered login, with the same subject', async () => {
    app.admin.requests.set('login/l', { ...login, skip: true, subject: user.subject })
    const response = await app.get('/login?login_challenge=l')
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe(`${app.admin.url}/done`)
    expect(app.admin.decisions[0]?.body).toEqual({ subject: 'user-1' })
  })

  it('asks again where the remembered user is no more', async () => {
    app.admin.requests.set('login/l', { ...login, skip: true, subject: 'somebody gone' })
    expect((await app.get('/login?login_challenge=l')).status).toBe(200)
    expect(app.admin.decisions).toEqual([])
  })

  it('OIDC Core 3.1.2.1: login_hint fills in the address', async () => {
    const oidc_context = { login_hint: 'hint@example.com' }
    app.admin.requests.set('login/l', { ...login, oidc_context })
    await page.goto(`${app.url}/login?login_challenge=l`)
    expect(await page.getByLabel('Email address').inputValue()).toBe('hint@example.com')
  })

  it('rejects the request when the end-user cancels', async () => {
    await page.goto(`${app.url}/login?login_challenge=l`)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.waitForURL('**/done')
    expect(app.admin.decisions).toMatchObject([{ kind: 'login', action: 'reject', body: { error: 'access_denied' } }])
  })
})

describe('consent', () => {
  it('shows what is asked for, by whom, for whom and where it leads', async () => {
    app.admin.requests.set('consent/c', { ...consent, requested_access_token_audience: ['https://api.example.com'] })
    await page.goto(`${app.url}/consent?consent_challenge=c`)
    const text = await page.getByRole('main').textContent()
    for (const shown of [
      'Some app',
      user.email,
      'See your email address',
      'photos.read',
      'https://api.example.com',
      '127.0.0.1:5555',
    ]) {
      expect(text).toContain(shown)
    }
    expect(complaints).toEqual([])
  })

  it('grants what is ticked and lets out the claims of just those scopes', async () => {
    await page.goto(`${app.url}/consent?consent_challenge=c`)
    await page.getByLabel('See your email address').uncheck()
    await page.getByLabel('photos.read').uncheck()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL('**/done')
    expect(app.admin.decisions[0]?.body).toEqual({
      grant_scope: ['openid', 'profile'],
      grant_access_token_audience: [],
      session: { id_token: { name: 'Livia Demo' } },
      remember: false,
      remember_for: 0,
    })
  })

  it('email and profile let out the address and the name, and nothing that no scope covers', async () => {
    await page.goto(`${app.url}/consent?consent_challenge=c`)
    await page.getByLabel('Do not ask me again').check()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL('**/done')
    const { session, remember, remember_for } = app.admin.decisions[0]?.body ?? {}
    expect(session).toEqual({ id_token: { name: 'Livia Demo', email: user.email, email_verified: true } })
    expect([remember, remember_for]).toEqual([true, 7_776_000])
  })

  it('never grants a scope that was not requested, whatever is posted', async () => {
    const cookie = cookieOf(await app.get('/consent?consent_challenge=c'))
    const form = { challenge: 'c', csrf_token: cookie.split('=')[1] ?? '', decision: 'allow', grant_scope: 'admin' }
    expect((await app.post('/consent', form, cookie)).status).toBe(303)
    expect(app.admin.decisions[0]?.body.grant_scope).toEqual([])
  })

  it.each([
    ['consent that is known', { skip: true }],
    ['a client that needs none', { client: { ...client, skip_consent: true } }],
  ])('skips the page for %s, and gives the claims all the same', async (_case, request) => {
    app.admin.requests.set('consent/c', {
      ...consent,
      ...request,
      requested_access_token_audience: ['https://api.example.com'],
    })
    expect((await app.get('/consent?consent_challenge=c')).status).toBe(303)
    expect(app.admin.decisions[0]?.body).toMatchObject({
      grant_scope: ['openid', 'profile', 'email', 'photos.read'],
      grant_access_token_audience: ['https://api.example.com'],
      session: { id_token: { email: user.email } },
    })
  })

  it('rejects the request when the end-user denies it', async () => {
    await page.goto(`${app.url}/consent?consent_challenge=c`)
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL('**/done')
    expect(app.admin.decisions).toMatchObject([{ kind: 'consent', action: 'reject', body: { error: 'access_denied' } }])
  })
})

describe('logout', () => {
  it('accepts when the end-user says yes', async () => {
    await page.goto(`${app.url}/logout?logout_challenge=o`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/done')
    expect(app.admin.decisions).toMatchObject([{ kind: 'logout', action: 'accept', challenge: 'o' }])
    expect(complaints).toEqual([])
  })

  it('rejects when the end-user says no, and says that nothing happened', async () => {
    await page.goto(`${app.url}/logout?logout_challenge=o`)
    await page.getByRole('button', { name: 'Stay signed in' }).click()
    await page.getByRole('heading', { name: 'You are still signed in' }).waitFor()
    expect(app.admin.decisions).toMatchObject([{ kind: 'logout', action: 'reject' }])
  })

  it('skips the page for a client that needs no consent to it', async () => {
    app.admin.requests.set('logout/o', { ...logout, client: { ...client, skip_logout_consent: true } })
    expect((await app.get('/logout?logout_challenge=o')).status).toBe(303)
  })
})

describe('accessibility', () => {
  it('every control has a name, and the form can be filled in and sent by keyboard alone', async () => {
    await page.goto(`${app.url}/login?login_challenge=l`)
    for (const input of await page.locator('input:visible').all()) {
      const labels = await input.evaluate(
        (element) => (element as unknown as { labels: ArrayLike<unknown> }).labels.length,
      )
      expect(labels).toBe(1)
    }
    await page.keyboard.type(user.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type(user.password)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/done')
    expect(app.admin.decisions[0]?.body).toMatchObject({ subject: 'user-1', remember: true })
  })

  it('password managers are told which field is which', async () => {
    await page.goto(`${app.url}/login?login_challenge=l`)
    expect(await page.getByLabel('Email address').getAttribute('autocomplete')).toBe('username')
    expect(await page.getByLabel('Password').getAttribute('autocomplete')).toBe('current-password')
  })
})
