// The page of the form_post response mode in a real browser (OAuth 2.0 Form Post Response Mode).
import { text } from 'node:stream/consumers'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, openPage } from '../support/browser.js'
import { startGateway, type TestGateway } from '../support/fake_services.js'
import { type Party, startParty } from '../support/party.js'

let browser: Browser
let gateway: TestGateway
let client: Party
let redirectUri = ''
let parameters: Record<string, string> = {}
let received: Record<string, string> = {}

beforeAll(async () => {
  client = await startParty(async (request, response) => {
    if (request.method === 'POST') received = Object.fromEntries(new URLSearchParams(await text(request)))
    response.setHeader('content-type', 'text/html')
    response.end('<title>the client</title><link rel="icon" href="data:,">')
  })
  redirectUri = `${client.origin}/cb`
  gateway = await startGateway({
    authorization: {
      startAuthorization: async () => ({
        answer: {
          kind: { $case: 'response', value: { redirectUri, responseMode: 'form_post', parameters } },
          cookies: [],
        },
      }),
    },
  })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser.close()
  await gateway.close()
  await client.close()
})

const open = async (javaScriptEnabled: boolean) => {
  received = {}
  const watched = await openPage(browser, { javaScriptEnabled })
  await watched.page.goto(`${gateway.publicUrl}/oauth2/auth?client_id=a`)
  return watched
}

describe('form_post', () => {
  it('RM-01: submits itself, and hostile values arrive as they were', async () => {
    parameters = {
      code: 'c',
      state: `"><script>document.title='hit'</script></form>'-alert(1)-'{{7*7}}\u2028&quot;&#x22;ü💥`,
      iss: 'https://issuer.test',
    }
    const { page, complaints } = await open(true)
    await page.waitForURL(redirectUri)
    expect(await page.title()).toBe('the client')
    expect(received).toEqual(parameters)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('works by its button where scripts are off', async () => {
    parameters = { code: 'c2', state: 's' }
    const { page } = await open(false)
    expect(received).toEqual({})
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL(redirectUri)
    expect(received).toEqual(parameters)
    await page.context().close()
  })
})
