// The device page of the demo as a person sees it (RFC 8628 section 3.3): type the code, see who asks, allow or refuse.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { demoUser } from '../../demo/demo_user.js'
import { createDemo, type Demo, demoUrls } from '../../demo/main.js'
import { launchBrowser, openPage } from '../support/browser.js'
import { createDeviceClient, poll, startDevice } from '../support/device.js'
import { type Suite, startSuite } from '../support/suite.js'
import type { createClient } from '../support/user_agent.js'

const pictures = 'test/output'

let browser: Browser
let demo: Demo
let suite: Suite
let dataDir: string
let client: Awaited<ReturnType<typeof createClient>>
let page: Page
let complaints: string[]

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  dataDir = mkdtempSync(join(tmpdir(), 'tessera-device-'))
  demo = createDemo({ port: 0, dataDir })
  const { url } = await demo.listen()
  suite = await startSuite({ config: { urls: demoUrls(url) } })
  await demo.connect({ adminUrl: suite.adminUrl, publicUrl: suite.publicUrl, issuer: suite.config.urls.self.issuer })
  client = await createDeviceClient(suite, { client_name: 'A television', skip_consent: true })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser.close()
  await demo.close()
  await suite.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

beforeEach(async () => {
  const opened = await openPage(browser)
  page = opened.page
  complaints = opened.complaints
})
afterEach(() => page.context().close())

const press = (name: string) => page.getByRole('button', { name, exact: true }).click()

const begin = () => startDevice(suite, client, { scope: 'openid email offline_access' })

describe('the device page', () => {
  it('connects a device whose code was typed', async () => {
    const device = await begin()
    await page.goto(device.verification_uri)
    await page.getByLabel('Code').fill(device.user_code.toLowerCase().replace('-', ' '))
    await page.screenshot({ path: `${pictures}/device_code.png` })
    await press('Continue')
    await page.getByRole('heading', { name: 'Is this your device?' }).waitFor()
    const text = await page.getByRole('main').textContent()
    for (const shown of ['A television', 'See your email address', 'Stay connected']) expect(text).toContain(shown)
    await page.screenshot({ path: `${pictures}/device_confirm.png` })
    await press('Yes, continue')
    await page.getByLabel('Email address').fill(demoUser.email)
    await page.getByLabel('Password').fill(demoUser.password)
    await press('Sign in')
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.getByRole('heading', { name: 'Your device is connected' }).waitFor()
    expect((await poll(suite, client, device)).status).toBe(200)
    expect(complaints).toEqual([])
  })

  it('DV-06: a link with the code in it still asks, and a no reaches the device', async () => {
    const device = await begin()
    await page.goto(device.verification_uri_complete)
    expect(await page.getByLabel('Code').inputValue()).toBe(device.user_code)
    await press('Continue')
    await page.getByText(device.user_code).waitFor()
    await press('No')
    await page.getByRole('heading', { name: 'The device was not connected' }).waitFor()
    expect((await poll(suite, client, device)).body.error).toBe('access_denied')
    expect(complaints).toEqual([])
  })

  it('DV-01, DV-02: says that a code is wrong, lets try again, and not for ever', async () => {
    const device = await begin()
    await page.goto(device.verification_uri)
    await page.getByLabel('Code').fill('<b>&"')
    await press('Continue')
    await page.getByRole('alert').getByText('cannot be used').waitFor()
    expect(await page.getByLabel('Code').inputValue()).toBe('<b>&"')
    for (let count = 0; count < 6; count++) {
      const isOver = await page.getByText('Too many wrong codes').isVisible()
      if (isOver) break
      await page.getByLabel('Code').fill('BBBB-BBBB')
      await press('Continue')
    }
    await page.getByText('Too many wrong codes').waitFor()
  })
})
