// OpenID Connect Front-Channel Logout 1.0, end to end: which clients' addresses the browser loads, and where it goes then.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logIn, type Tokens } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite

beforeAll(async () => {
  suite = await startSuite()
})
afterAll(() => suite.stop())

const clientWith = (metadata: Record<string, unknown> = {}) =>
  createClient(suite, { skip_logout_consent: true, ...metadata })

const site = 'http://127.0.0.1:5555'
const iframes = (html: string): string[] =>
  [...html.matchAll(/<iframe[^>]* src="([^"]*)"/g)].map(([, src = '']) =>
    src.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
  )

async function logOut(agent: UserAgent, tokens: Tokens, more: Record<string, string> = {}) {
  const query = new URLSearchParams({ id_token_hint: tokens.id_token, ...more })
  const response = await agent.fetch(`${suite.publicUrl}/oauth2/sessions/logout?${query}`)
  return { response, html: await response.text() }
}

const sidOf = ({ id_token }: Tokens): string =>
  JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString()).sid

describe('Front-Channel Logout 3', () => {
  it('LO-05: the page loads what is registered, with iss and sid, escaped, and nothing else may be framed', async () => {
    const afterwards = `${site}/bye`
    const client = await clientWith({
      frontchannel_logout_uri: `${site}/out?a=1&b='2'`,
      frontchannel_logout_session_required: true,
      post_logout_redirect_uris: [afterwards],
    })
    const other = await clientWith({
      redirect_uris: ['http://127.0.0.1:5555/callback', 'https://other.example/cb'],
      frontchannel_logout_uri: 'https://other.example/fc',
    })
    const silent = await clientWith()
    await logIn(suite, await clientWith({ frontchannel_logout_uri: `${site}/stranger` }), {}, { subject: 'stranger' })
    const [agent, decision] = [new UserAgent(), { subject: 'fiona', login: { remember: true } }]
    const tokens = await logIn(suite, client, {}, decision, agent)
    for (const more of [other, silent]) await logIn(suite, more, {}, decision, agent)
    const state = '"><script>alert(1)</script>'
    const { response, html } = await logOut(agent, tokens, { post_logout_redirect_uri: afterwards, state })
    expect(response.status).toBe(200)
    const told = new URLSearchParams({ iss: suite.config.urls.self.issuer, sid: sidOf(tokens) })
    expect(iframes(html).sort()).toEqual([`${site}/out?a=1&b='2'&${told}`, `https://other.example/fc?${told}`])
    expect(html).not.toContain(state)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(
      /frame-src (http:\/\/127\.0\.0\.1:5555 https:\/\/other\.example|https:\/\/other\.example http:\/\/127\.0\.0\.1:5555);/,
    )
    expect(policy).toMatch(/default-src 'none'.*script-src 'nonce-[^']+';/)
    const [, next = ''] = /<a id="next" href="([^"]*)"/.exec(html) ?? []
    expect(next.replaceAll('&#38;', '&')).toBe(`${afterwards}?${new URLSearchParams({ state })}`)
    expect([...agent.cookies.keys()].filter((name) => name.startsWith('ory_hydra_session'))).toEqual([])
  })

  it('where no place is configured to go to, the page itself says that it is done', async () => {
    const client = await clientWith({ frontchannel_logout_uri: `${site}/out` })
    const agent = new UserAgent()
    const tokens = await logIn(suite, client, {}, { login: { remember: true } }, agent)
    const { html } = await logOut(agent, tokens)
    expect(iframes(html)).toHaveLength(1)
    expect(html).toContain('Your log out request however succeeded.')
    expect(html).not.toContain('<script')
  })

  it('through the logout app too; and a verifier that comes again tells nobody else', async () => {
    const client = await createClient(suite, { frontchannel_logout_uri: `${site}/out` })
    const agent = new UserAgent()
    await logIn(suite, client, {}, { login: { remember: true } }, agent)
    const asked = await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout`)
    const challenge = asked.searchParams.get('logout_challenge')
    const accepted = await adminJson(suite, 'PUT', `/oauth2/auth/requests/logout/accept?logout_challenge=${challenge}`)
    const { redirect_to: url } = (await accepted.json()) as { redirect_to: string }
    expect(iframes(await (await agent.fetch(url)).text())).toHaveLength(1)
    expect(iframes(await (await agent.fetch(url)).text())).toEqual([])
  })

  it('Front-Channel Logout 2: the address is at the site of a redirect URI', async () => {
    const answer = await adminJson(suite, 'POST', '/clients', {
      redirect_uris: [`${site}/callback`],
      frontchannel_logout_uri: 'http://127.0.0.1:5556/out',
    })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('frontchannel_logout_uri')
  })
})
