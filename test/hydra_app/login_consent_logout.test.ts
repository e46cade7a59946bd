// Hydra's reference login, consent and logout app (npm, unchanged), driven in a browser from the demo client's sign-in to
// its tokens and out again.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDemo, type Demo, demoUrls } from '../../demo/main.js'
import { launchBrowser, openPage } from '../support/browser.js'
import { createDeviceClient, poll, startDevice } from '../support/device.js'
import { freePorts } from '../support/ports.js'
import { type Suite, startSuite } from '../support/suite.js'

const program = createRequire(import.meta.url).resolve('hydra-login-consent-logout/lib/app.js')

let browser: Browser
let suite: Suite
let demo: Demo
let app: ChildProcess
let url: string
let dataDir: string
let page: Page

/** Starts the app; resolves when it listens. */
async function startApp(port: number, adminUrl: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, PORT: String(port), HYDRA_ADMIN_URL: adminUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text) => String(text).includes('Listening on') && resolve())
    child.once('exit', (code) => reject(new Error(`the app ended with ${code}`)))
  })
  return child
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tessera-hydra-app-'))
  demo = createDemo({ port: 0, dataDir })
  url = (await demo.listen()).url
  const [port = 0] = await freePorts(1)
  const pages = `http://127.0.0.1:${port}`
  const hydraDevice = { verification: `${pages}/device/verify`, success: `${pages}/device/success` }
  const urls = { login: `${pages}/login`, consent: `${pages}/consent`, logout: `${pages}/logout`, device: hydraDevice }
  suite = await startSuite({ config: { urls: { ...demoUrls(url), ...urls } } })
  app = await startApp(port, suite.adminUrl)
  await demo.connect({ adminUrl: suite.adminUrl, publicUrl: suite.publicUrl, issuer: suite.config.urls.self.issuer })
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser.close()
  app.kill()
  await once(app, 'exit')
  await demo.close()
  await suite.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Consent that one test has remembered is none of the next one's. */
beforeEach(async () => {
  const sessions = `${suite.adminUrl}/admin/oauth2/auth/sessions/consent?subject=foo@bar.com&all=true`
  await fetch(sessions, { method: 'DELETE' })
  page = (await openPage(browser)).page
  await page.goto(url)
  await page.getByRole('link', { name: 'Sign in' }).click()
})
afterEach(() => page.context().close())

const press = (name: string) => page.getByRole('button', { name }).click()

async function logIn(): Promise<void> {
  await page.locator('#email').fill('foo@bar.com')
  await page.locator('#password').fill('foobar')
  await press('Log in')
}

const tick = async (...scopes: string[]) => {
  for (const scope of scopes) await page.getByLabel(scope, { exact: true }).check()
}

describe("Hydra's reference app", () => {
  it('logs in, consents to what is ticked, and logs out', async () => {
    await page.getByLabel('Remember me').check()
    await logIn()
    expect(await page.locator('body').textContent()).toContain('Demo app')
    await tick('openid', 'email', 'offline_access')
    await press('Allow access')
    await page.getByRole('heading', { name: 'Hello, foo@bar.com' }).waitFor()
    const introspected = await page.locator('section', { hasText: 'Access token' }).textContent()
    expect(introspected).toContain('openid email offline_access')
    await press('Refresh')
    await page.getByText('There is a new access token').waitFor()
    await page.getByRole('link', { name: 'Log out' }).click()
    await press('Yes')
    await page.getByText('You are signed out').waitFor()
  })

  it('asks again after a wrong password', async () => {
    await page.locator('#email').fill('foo@bar.com')
    await page.locator('#password').fill('wrong')
    await press('Log in')
    await page.getByText('combination is not correct').waitFor()
    await logIn()
    await page.getByRole('button', { name: 'Allow access' }).waitFor()
  })

  it('remembers login and consent', async () => {
    await page.getByLabel('Remember me').check()
    await logIn()
    await tick('openid', 'profile', 'email', 'offline_access')
    await page.getByLabel('Do not ask me again').check()
    await press('Allow access')
    await page.getByRole('heading', { name: 'Hello' }).waitFor()
    await page.goto(`${url}/signin`)
    await page.getByRole('heading', { name: 'Hello' }).waitFor()
  })

  it('denies the login', async () => {
    await press('Deny access')
    await page.getByText('access_denied').waitFor()
  })

  it('denies the consent', async () => {
    await logIn()
    await press('Deny access')
    await page.getByText('access_denied').waitFor()
  })

  it('RFC 8628: connects a device', async () => {
    const client = await createDeviceClient(suite, { client_name: 'A television' })
    const device = await startDevice(suite, client)
    await page.goto(device.verification_uri_complete)
    expect(await page.locator('#code').inputValue()).toBe(device.user_code)
    await page.locator('#verify').click()
    await logIn()
    await tick('openid', 'offline_access')
    await press('Allow access')
    await page.getByRole('heading', { name: 'Verification successful' }).waitFor()
    expect(await poll(suite, client, device)).toMatchObject({ status: 200, body: { scope: 'openid offline_access' } })
  })
})
