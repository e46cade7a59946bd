// The page of front-channel logout in a real browser (OpenID Connect Front-Channel Logout 1.0 section 3).
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser, openPage } from '../support/browser.js'
import { startGateway, type TestGateway } from '../support/fake_services.js'
import { type Party, startParty } from '../support/party.js'

let browser: Browser
let gateway: TestGateway
let client: Party
let origin = ''
let redirectTo = ''
let seen: string[] = []

beforeAll(async () => {
  client = await startParty((request, response) => {
    if (request.url !== '/favicon.ico') seen.push(request.url ?? '')
    if (request.url?.startsWith('/hangs')) return
    response.setHeader('content-type', 'text/html')
    response.end('<title>the client</title><link rel="icon" href="data:,">')
  })
  origin = client.origin
  gateway = await startGateway({
    logout: {
      startLogout: async ({ parameters }) => {
        const uris = (parameters.uris ?? '').split(' ').map((path) => `${origin}${path}`)
        return { answer: { kind: { $case: 'frontchannelLogout', value: { uris, redirectTo } }, cookies: [] } }
      },
    },
  })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser.close()
  await gateway.close()
  await client.close()
})
beforeEach(() => {
  seen = []
  redirectTo = `${origin}/bye?x=1&state=%26`
})

const pageWith = (uris: string) => `${gateway.publicUrl}/oauth2/sessions/logout?${new URLSearchParams({ uris })}`

describe('the page of front-channel logout', () => {
  it('loads all frames, and then goes on', async () => {
    const { page, complaints } = await openPage(browser)
    await page.goto(pageWith('/one?sid=a /two?sid=a'))
    await page.waitForURL(redirectTo)
    expect(seen.slice(0, 2).sort()).toEqual(['/one?sid=a', '/two?sid=a'])
    expect(seen[2]).toBe('/bye?x=1&state=%26')
    expect(complaints).toEqual([])
  })

  it('does not wait for ever for a client', async () => {
    const { page } = await openPage(browser)
    const beganAt = performance.now()
    await page.goto(pageWith('/one /hangs'), { waitUntil: 'commit' })
    await page.waitForURL(redirectTo)
    expect(performance.now() - beganAt).toBeGreaterThan(6_000)
    expect(seen.sort()).toEqual(['/bye?x=1&state=%26', '/hangs', '/one'])
  })

  it('works without JavaScript, by a link', async () => {
    const { page } = await openPage(browser, { javaScriptEnabled: false })
    await page.goto(pageWith('/one'))
    await page.getByRole('link', { name: 'Continue' }).click()
    await page.waitForURL(redirectTo)
    expect(seen).toEqual(['/one', '/bye?x=1&state=%26'])
  })
})
