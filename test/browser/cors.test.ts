// Pages of other origins in a real browser: what their scripts may read of the token endpoint and of userinfo (TK-10).
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, openPage } from '../support/browser.js'
import { logIn, obtainCode, redirectUri } from '../support/oauth.js'
import { type Answer, type Party, startParty } from '../support/party.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

let browser: Browser
let suite: Suite
/** Each serves an empty page, at an origin of its own. */
let pages: Party[]
let origins: string[]
let client: Registered

beforeAll(async () => {
  const answer: Answer = (_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<title>app</title><link rel="icon" href="data:,">')
  }
  pages = await Promise.all([0, 1, 2].map(() => startParty(answer)))
  origins = pages.map(({ origin }) => origin)
  const cors = { enabled: true, allowed_origins: [] }
  suite = await startSuite({ config: { serve: { public: { cors } } } })
  const app = { token_endpoint_auth_method: 'none', redirect_uris: [redirectUri] }
  client = await createClient(suite, { ...app, allowed_cors_origins: origins.slice(0, 1) })
  await createClient(suite, { ...app, allowed_cors_origins: origins.slice(1, 2) })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await Promise.all(pages.map((page) => page.close()))
  await suite.stop()
})

interface Sent {
  readonly url: string
  readonly authorization?: string
  readonly form?: Record<string, string>
}

interface Got {
  readonly status?: number
  readonly body?: Record<string, unknown>
  readonly error?: string
}

/** What a script of a page gets: the status and JSON of the answer, or the error that the browser makes of it. */
async function fetchFrom(index: number, sent: Sent): Promise<Got> {
  const { page } = await openPage(browser)
  await page.goto(origins[index] ?? '')
  const got: Got = await page.evaluate(async ({ url, authorization, form }) => {
    try {
      const answer = await fetch(url, {
        method: form ? 'POST' : 'GET',
        ...(authorization && { headers: { authorization } }),
        ...(form && { body: new URLSearchParams(form) }),
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    } catch (thrown) {
      return { error: String(thrown) }
    }
  }, sent)
  await page.context().close()
  return got
}

const redemption = async (): Promise<Sent> => {
  const { code, pkce } = await obtainCode(suite, client)
  return {
    url: `${suite.publicUrl}/oauth2/token`,
    form: {
      grant_type: 'authorization_code',
      client_id: client.client_id,
      code,
      redirect_uri: redirectUri,
      code_verifier: pkce.verifier,
    },
  }
}

describe('a page of an origin that the client has registered', () => {
  it('gets its tokens and reads userinfo', async () => {
    const tokens = await fetchFrom(0, await redemption())
    expect(tokens).toMatchObject({ status: 200, body: { token_type: 'bearer' } })
    const authorization = `Bearer ${tokens.body?.access_token}`
    const claims = await fetchFrom(0, { url: `${suite.publicUrl}/userinfo`, authorization })
    expect(claims).toMatchObject({ status: 200, body: { sub: 'alice' } })
  })

  it('reads errors, and the documents that say how to use the server', async () => {
    const form = { grant_type: 'refresh_token', client_id: client.client_id }
    const refused = await fetchFrom(0, { url: `${suite.publicUrl}/oauth2/token`, form })
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const discovered = await fetchFrom(0, { url: `${suite.publicUrl}/.well-known/openid-configuration` })
    expect(discovered.body?.issuer).toBe(suite.config.urls.self.issuer)
  })
})

describe.each([
  ["a page of another client's origin", 1],
  ['a page of an origin that nobody has registered', 2],
])('TK-10: %s', (_, index) => {
  it('reads neither tokens nor userinfo', async () => {
    expect(await fetchFrom(index, await redemption())).toEqual({ error: 'TypeError: Failed to fetch' })
    const { access_token } = await logIn(suite, client, { scope: 'openid' })
    const sent = { url: `${suite.publicUrl}/userinfo`, authorization: `Bearer ${access_token}` }
    expect(await fetchFrom(index, sent)).toEqual({ error: 'TypeError: Failed to fetch' })
  })
})
