// `prompt=registration` (Initiating User Registration 1.0; Hydra's urls.registration).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorizationUrl, newPkce } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { authorize, createClient, UserAgent } from '../support/user_agent.js'

const registration = 'http://127.0.0.1:3000/registration?from=oauth'
let suite: Suite
let client: Awaited<ReturnType<typeof createClient>>

beforeAll(async () => {
  suite = await startSuite({ config: { urls: { registration } } })
  client = await createClient(suite)
})
afterAll(() => suite.stop())

const urlWith = (prompt: string | undefined) => {
  const more = { code_challenge: newPkce().challenge, code_challenge_method: 'S256' }
  return authorizationUrl(suite, client, { ...more, prompt })
}

describe('prompt=registration', () => {
  it('Hydra: leads to the registration page, whoever is logged in, and goes on as a login does', async () => {
    const agent = new UserAgent()
    const decision = { login: { remember: true }, consent: { remember: true } }
    await authorize(suite, urlWith(undefined), decision, agent)
    const page = await agent.redirectFrom(urlWith('registration'))
    expect(`${page.origin}${page.pathname}`).toBe('http://127.0.0.1:3000/registration')
    expect(page.searchParams.get('from')).toBe('oauth')
    const end = await authorize(suite, urlWith('registration'), { ...decision, subject: 'newcomer' }, agent)
    expect(end.searchParams.get('code')).toBeTruthy()
  })

  it('goes with no prompt=none', async () => {
    const end = await new UserAgent().redirectFrom(urlWith('none registration'))
    expect(end.searchParams.get('error')).toBe('invalid_request')
  })
})
