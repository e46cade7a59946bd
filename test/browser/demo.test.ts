// The demo as a person sees it: sign in, consent, look at the tokens, refresh, introspect, revoke, log out. Anything that
// the browser complains about, violations of a content security policy among it, is a failure.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { demoUser } from '../../demo/demo_user.js'
import { createDemo, type Demo, demoUrls } from '../../demo/main.js'
import { launchBrowser, openPage, type WatchedPage } from '../support/browser.js'
import { type Suite, startSuite } from '../support/suite.js'

const pictures = 'test/output'

let browser: Browser
let demo: Demo
let suite: Suite
let url: string
let dataDir: string
let opened: WatchedPage[]

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  dataDir = mkdtempSync(join(tmpdir(), 'tessera-demo-'))
  demo = createDemo({ port: 0, dataDir })
  url = (await demo.listen()).url
  suite = await startSuite({ config: { urls: demoUrls(url) } })
  await demo.connect({ adminUrl: suite.adminUrl, publicUrl: suite.publicUrl, issuer: suite.config.urls.self.issuer })
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser.close()
  await demo.close()
  await suite.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Consent that one test has remembered is none of the next one's. */
beforeEach(async () => {
  opened = []
  const query = new URLSearchParams({ subject: demoUser.subject, all: 'true' })
  await fetch(`${suite.adminUrl}/admin/oauth2/auth/sessions/consent?${query}`, { method: 'DELETE' })
})

afterEach(async () => {
  const complaints = opened.flatMap((each) => each.complaints)
  await Promise.all(opened.map(({ page }) => page.context().close()))
  expect(complaints).toEqual([])
})

async function open(options?: BrowserContextOptions): Promise<Page> {
  const watched = await openPage(browser, options)
  opened.push(watched)
  await watched.page.goto(url)
  return watched.page
}

const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
const follow = (page: Page, name: string) => page.getByRole('link', { name }).click()
const panel = (page: Page, name: string) => page.locator('section', { has: page.getByRole('heading', { name }) })
const heading = (page: Page, name: string) => page.getByRole('heading', { name }).waitFor()
const status = (page: Page, text: string) => page.getByRole('status').getByText(text).waitFor()

async function logIn(page: Page, { remember = false } = {}): Promise<void> {
  await follow(page, 'Sign in')
  await page.getByLabel('Email address').fill(demoUser.email)
  await page.getByLabel('Password').fill(demoUser.password)
  if (remember) await page.getByLabel('Remember me').check()
  await press(page, 'Sign in')
}

async function signIn(page: Page): Promise<void> {
  await logIn(page)
  await press(page, 'Allow')
  await heading(page, 'Hello, Livia')
}

/** Everything that the demo can do, in one sitting. */
async function tour(page: Page, picture: (name: string) => Promise<unknown> = async () => undefined): Promise<void> {
  await picture('home')
  await follow(page, 'Sign in')
  await picture('login')
  await page.goBack()
  await logIn(page, { remember: true })
  await heading(page, 'Demo app asks for access')
  await picture('consent')
  await press(page, 'Allow')
  await heading(page, 'Hello, Livia')
  await picture('signed_in')
  await press(page, 'Refresh')
  await status(page, 'new access token')
  await press(page, 'Introspect')
  await status(page, 'is good')
  await picture('introspected')
  await press(page, 'Revoke')
  await status(page, 'of no use now')
  await panel(page, 'Access token').getByText('inactive').waitFor()
  await picture('revoked')
  await press(page, 'Refresh')
  await status(page, 'invalid_grant')
  await follow(page, 'Log out')
  await heading(page, 'Sign out?')
  await picture('logout')
  await press(page, 'Sign out')
  await status(page, 'You are signed out')
}

describe('the demo', () => {
  it('shows the claims of the ID token, of userinfo and of the introspected access token', async () => {
    const page = await open()
    await signIn(page)
    const idToken = await panel(page, 'ID token').textContent()
    expect(idToken).toContain('signature verified, ES256')
    for (const claim of [suite.config.urls.self.issuer, demoUser.subject, demoUser.email, 'Livia Demo', '["pwd"]']) {
      expect(idToken).toContain(claim)
    }
    expect(await panel(page, 'Userinfo').textContent()).toContain(demoUser.email)
    const accessToken = await panel(page, 'Access token').textContent()
    expect(accessToken).toContain('openid profile email offline_access')
    expect(accessToken).toContain('access_token')
  })

  it('never shows a secret or a whole token', async () => {
    const page = await open()
    await signIn(page)
    await press(page, 'Refresh')
    await press(page, 'Revoke')
    await status(page, 'of no use now')
    const shown = await page.content()
    expect(shown).toContain('tsr_at_')
    expect(shown).toContain('tsr_rt_')
    expect(shown).not.toMatch(/tsr_(at|rt|ac)_[\w-]{20}|eyJ[\w-]{20}|Basic [\w+/=]{20}/)
  })

  it('what the end-user does not tick is not told', async () => {
    const page = await open()
    await logIn(page)
    await page.getByLabel('See your email address').uncheck()
    await press(page, 'Allow')
    await heading(page, 'Hello, Livia')
    expect(await panel(page, 'ID token').textContent()).not.toContain(demoUser.email)
    expect(await panel(page, 'Userinfo').textContent()).not.toContain(demoUser.email)
  })

  it('a denied consent comes back as access_denied', async () => {
    const page = await open()
    await logIn(page)
    await press(page, 'Deny')
    await status(page, 'access_denied')
  })

  it('a cancelled login comes back as access_denied', async () => {
    const page = await open()
    await follow(page, 'Sign in')
    await press(page, 'Cancel')
    await status(page, 'access_denied')
  })

  it('remembers login and consent, until the end-user logs out', async () => {
    const page = await open()
    await logIn(page, { remember: true })
    await page.getByLabel('Do not ask me again').check()
    await press(page, 'Allow')
    await heading(page, 'Hello, Livia')
    await page.goto(`${url}/signin`)
    await heading(page, 'Hello, Livia')
    await follow(page, 'Log out')
    await press(page, 'Sign out')
    await status(page, 'You are signed out')
    await follow(page, 'Sign in')
    await heading(page, 'Sign in')
  })

  it('logs out without a question where the login was not remembered', async () => {
    const page = await open()
    await signIn(page)
    await follow(page, 'Log out')
    await status(page, 'You are signed out')
  })

  it('stays signed in when the end-user says so', async () => {
    const page = await open()
    await logIn(page, { remember: true })
    await press(page, 'Allow')
    await follow(page, 'Log out')
    await press(page, 'Stay signed in')
    await heading(page, 'You are still signed in')
    await page.goto(url)
    await heading(page, 'Hello, Livia')
  })

  it('two tabs that sign in at once both come through', async () => {
    const first = await open()
    const second = await first.context().newPage()
    await second.goto(url)
    await follow(first, 'Sign in')
    await follow(second, 'Sign in')
    for (const page of [first, second]) {
      await page.getByLabel('Email address').fill(demoUser.email)
      await page.getByLabel('Password').fill(demoUser.password)
    }
    await press(first, 'Sign in')
    await press(second, 'Sign in')
    for (const page of [first, second]) {
      await press(page, 'Allow')
      await heading(page, 'Hello, Livia')
    }
  })

  it('an error that has nowhere else to go is shown on the error page', async () => {
    const page = await open()
    await page.goto(`${suite.publicUrl}/oauth2/auth?client_id=nobody&response_type=code`)
    await heading(page, 'Something went wrong')
    expect(page.url()).toContain(`${url}/error?`)
    expect(await page.getByRole('main').textContent()).toContain('invalid_client')
  })

  it('an answer that did not begin in this browser is refused', async () => {
    const page = await open()
    await page.goto(`${url}/callback?code=stolen&state=unknown&iss=${encodeURIComponent(suite.publicUrl)}`)
    await status(page, 'did not begin in this browser')
  })

  it('is led from localhost to its one address', async () => {
    const response = await fetch(`${url.replace('127.0.0.1', 'localhost')}/signin?x=1`, { redirect: 'manual' })
    expect(response.headers.get('location')).toBe(`${url}/signin?x=1`)
  })
})

describe('without a mouse', () => {
  it('signs in and out by keyboard alone', async () => {
    const page = await open()
    const pressKeys = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    await pressKeys('Tab', 'Enter')
    await heading(page, 'Sign in')
    await page.keyboard.type(demoUser.email)
    await pressKeys('Tab')
    await page.keyboard.type(demoUser.password)
    await pressKeys('Tab', 'Space', 'Enter')
    await heading(page, 'Demo app asks for access')
    while (!(await page.locator('button:focus', { hasText: 'Allow' }).isVisible())) await pressKeys('Tab')
    await pressKeys('Enter')
    await heading(page, 'Hello, Livia')
    while (!(await page.locator('a:focus', { hasText: 'Log out' }).isVisible())) await pressKeys('Tab')
    await pressKeys('Enter')
    await heading(page, 'Sign out?')
    await pressKeys('Enter')
    await status(page, 'You are signed out')
  })
})

describe('without JavaScript', () => {
  it('everything works', async () => {
    await tour(await open({ javaScriptEnabled: false }))
  })
})

describe('how it looks', () => {
  const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } }
  const cases = (['light', 'dark'] as const).flatMap((scheme) =>
    (['wide', 'narrow'] as const).map((size) => ({ scheme, size })),
  )

  it.each(cases)('$scheme, $size: nothing overflows', async ({ scheme, size }) => {
    const page = await open({ colorScheme: scheme, viewport: sizes[size] })
    await tour(page, async (name) => {
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(overflow), name).toBe(0)
      await page.screenshot({ path: `${pictures}/${name}_${scheme}_${size}.png`, fullPage: true })
    })
  })
})
