// Authorization requests as JWTs by reference (RFC 9101 section 5.2, OpenID Connect Core section 6.2), end to end.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RequestUris } from '../../services/consent/request_uris.js'
import { Outbound } from '../../services/kit/outbound.js'
import { newPkce, redeem, redirectUri } from '../support/oauth.js'
import { type Party, startParty } from '../support/party.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

interface Served {
  readonly content: string | Buffer
  readonly status?: number
  readonly type?: string
  readonly headers?: Record<string, string>
}

let suite: Suite
let client: Registered
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let jwks: { keys: object[] }
let host: Party
let base = ''
/** What is served, by path; what is not there hangs. */
let served = new Map<string, Served>()
let requests: IncomingMessage[] = []

beforeAll(async () => {
  suite = await startSuite({ config: { clients: { http: { disallow_private_ip_ranges: false } } } })
  keys = await generateKeyPair('ES256', { extractable: true })
  jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  host = await startParty((request, response) => {
    requests.push(request)
    const { content, status, type, headers } = served.get(request.url ?? '') ?? {}
    if (content === undefined) return
    response.writeHead(status ?? 200, { 'content-type': type ?? 'application/oauth-authz-req+jwt', ...headers })
    response.end(content)
  })
  base = host.origin
  client = await registered(`${base}/request`)
})
beforeEach(() => {
  served = new Map()
  requests = []
})
afterAll(async () => {
  await host.close()
  await suite.stop()
})

const registered = (...request_uris: string[]) => createClient(suite, { jwks, request_uris })

const pkce = newPkce()
const objectFor = (by: Registered, changes: Record<string, unknown> = {}, key = keys.privateKey) =>
  new SignJWT({
    iss: by.client_id,
    aud: suite.config.urls.self.issuer,
    client_id: by.client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    state: 'state-inside',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...changes,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'oauth-authz-req+jwt' })
    .sign(key)

const hashOf = (content: string | Buffer) => createHash('sha256').update(content).digest('base64url')
const urlOf = (by: Registered, request_uri: string, beside: Record<string, string> = {}) =>
  `${suite.publicUrl}/oauth2/auth?${new URLSearchParams({ client_id: by.client_id, request_uri, ...beside })}`

async function refusalOf(by: Registered, requestUri: string, beside: Record<string, string> = {}) {
  const outside = { redirect_uri: redirectUri, state: 'state-outside', ...beside }
  const to = await new UserAgent().redirectFrom(urlOf(by, requestUri, outside))
  return Object.fromEntries(to.searchParams)
}

describe('OIDC Core 6.2: a request object at a registered address', () => {
  it('is the request: what stands beside it counts for nothing, and it is fetched once', async () => {
    served.set('/request', { content: await objectFor(client) })
    const beside = { redirect_uri: 'https://evil.example/', scope: 'openid offline_access', state: 'state-outside' }
    const callback = await authorize(suite, urlOf(client, `${base}/request`, beside))
    expect(callback.href.startsWith(redirectUri)).toBe(true)
    expect(callback.searchParams.get('state')).toBe('state-inside')
    const code = callback.searchParams.get('code') ?? ''
    const { status, body } = await redeem(suite, client, { code, pkce })
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: 'openid' })
    expect(requests).toHaveLength(1)
  })

  it('SS-10: the request for it says what is wanted and nothing of the end-user', async () => {
    served.set('/request', { content: await objectFor(client) })
    const agent = new UserAgent()
    agent.cookies.set('ory_hydra_session_dev', 'x')
    await agent.fetch(urlOf(client, `${base}/request`))
    expect(requests[0]?.headers).toEqual({
      accept: 'application/oauth-authz-req+jwt, application/jwt, text/plain',
      'user-agent': 'tessera',
      host: base.replace('http://', ''),
      connection: expect.any(String),
    })
    expect(requests[0]?.method).toBe('GET')
  })

  it.each(['application/jwt', 'text/plain; charset=utf-8', 'Application/OAuth-Authz-Req+JWT'])(
    'is taken as %s',
    async (type) => {
      served.set('/request', { content: `${await objectFor(client)}\n`, type })
      const to = await new UserAgent().redirectFrom(urlOf(client, `${base}/request`))
      expect(to.searchParams.has('login_challenge')).toBe(true)
    },
  )

  it('what can change is fetched each time', async () => {
    for (const state of ['one', 'two']) {
      served.set('/request', { content: await objectFor(client, { state }) })
      expect((await authorize(suite, urlOf(client, `${base}/request`))).searchParams.get('state')).toBe(state)
    }
    expect(requests).toHaveLength(2)
  })

  it('a fragment pins the content, which is then fetched once for all', async () => {
    const by = await createClient(suite, { jwks })
    const content = await objectFor(by)
    const uri = `${base}/pinned#${hashOf(content)}`
    await adminJson(suite, 'PATCH', `/clients/${by.client_id}`, [{ op: 'add', path: '/request_uris', value: [uri] }])
    served.set('/pinned', { content })
    for (let request = 0; request < 3; request++)
      expect((await authorize(suite, urlOf(by, uri))).searchParams.get('state')).toBe('state-inside')
    expect(requests).toHaveLength(1)
  })
})

describe('SS-06: invalid_request_uri, and nothing is fetched', () => {
  it.each([
    ['not registered', () => `${base}/other`],
    ['with another query', () => `${base}/request?`],
    ['with a fragment that was not registered', () => `${base}/request#${hashOf('x')}`],
    ['in another spelling', () => `${base.replace('http', 'HTTP')}/request`],
    ["another client's", () => `${base}/of-another`],
    ['a pushed one', () => 'urn:ietf:params:oauth:request_uri:x'],
    ['a file', () => 'file:///etc/passwd'],
    ['of the cloud', () => 'http://169.254.169.254/latest/meta-data'],
  ])('%s', async (_, uri) => {
    await registered(`${base}/of-another`)
    served.set('/request', { content: await objectFor(client) })
    expect(await refusalOf(client, uri())).toMatchObject({ error: 'invalid_request_uri', state: 'state-outside' })
    expect(requests).toHaveLength(0)
  })

  it('JW-13: request and request_uri together, and either of them twice, are invalid_request', async () => {
    served.set('/request', { content: await objectFor(client) })
    const both = { request: await objectFor(client) }
    expect((await refusalOf(client, `${base}/request`, both)).error).toBe('invalid_request')
    const twice = `${urlOf(client, `${base}/request`, { redirect_uri: redirectUri })}&request_uri=x`
    expect((await new UserAgent().redirectFrom(twice)).searchParams.get('error')).toBe('invalid_request')
    expect(requests).toHaveLength(0)
  })

  it('is answered by a page where no redirect URI is to be trusted', async () => {
    const answer = await fetch(urlOf(client, `${base}/other`, { redirect_uri: 'https://evil.test/' }), {
      redirect: 'manual',
    })
    expect(answer.status).toBe(400)
  })

  it('without TLS: in production it is neither registered nor called', async () => {
    const calls: string[] = []
    const outbound = { call: async (address: string) => Promise.reject(calls.push(address)) }
    const uris = new RequestUris(outbound, { allowsHttp: false })
    const http = { requestUris: ['http://127.0.0.1/r'] } as never
    await expect(uris.fetch(http, 'http://127.0.0.1/r')).rejects.toMatchObject({ code: 'invalid_request_uri' })
    expect(calls).toEqual([])
    const uri = 'http://app.test/request'
    expect((await adminJson(suite, 'POST', '/clients', { request_uris: [uri] })).status).toBe(400)
  })
})

describe('SS-03, SS-04: invalid_request_uri where what is there cannot be taken', () => {
  it.each<[string, (object: string) => Served | undefined]>([
    ['another status', (content) => ({ content, status: 404 })],
    ['a redirect', () => ({ content: '', status: 302, headers: { location: '/elsewhere' } })],
    ['HTML', (content) => ({ content, type: 'text/html' })],
    ['no content type', (content) => ({ content, type: '' })],
    ['more than 64 KiB', () => ({ content: Buffer.alloc(64 * 1_024 + 1, 'a') })],
    ['compressed', (content) => ({ content, headers: { 'content-encoding': 'gzip' } })],
    ['no answer', () => undefined],
  ])('%s', async (_, answerOf) => {
    const object = await objectFor(client)
    served.set('/elsewhere', { content: object })
    const answer = answerOf(object)
    if (answer) served.set('/request', answer)
    expect((await refusalOf(client, `${base}/request`)).error).toBe('invalid_request_uri')
    expect(requests).toHaveLength(1)
  })

  it('nobody listens', async () => {
    const uri = 'http://127.0.0.1:1/request'
    expect((await refusalOf(await registered(uri), uri)).error).toBe('invalid_request_uri')
  })

  it('other content than the fragment says', async () => {
    const uri = `${base}/pinned#${hashOf('something else')}`
    const by = await registered(uri)
    served.set('/pinned', { content: await objectFor(by) })
    for (let attempt = 0; attempt < 2; attempt++) expect((await refusalOf(by, uri)).error).toBe('invalid_request_uri')
    expect(requests).toHaveLength(2)
  })

  it.each<[string, () => Promise<string>]>([
    ['no JWT', async () => 'hello'],
    ['nothing', async () => ''],
    ['signed by another', async () => objectFor(client, {}, (await generateKeyPair('ES256')).privateKey)],
    ["another client's", async () => objectFor(await registered())],
    ['one that refers to another', async () => objectFor(client, { request_uri: `${base}/request` })],
  ])('JW-13: %s is invalid_request_object', async (_, object) => {
    served.set('/request', { content: await object() })
    expect((await refusalOf(client, `${base}/request`)).error).toBe('invalid_request_object')
    expect(requests).toHaveLength(1)
  })
})

it('SS-01: a private address is neither registered nor called, unless the operator says so', async () => {
  const guarded = await startSuite()
  const uri = `${base}/request`
  try {
    expect((await adminJson(guarded, 'POST', '/clients', { request_uris: [uri] })).status).toBe(400)
  } finally {
    await guarded.stop()
  }
  const outbound = new Outbound({ disallowPrivateIpRanges: true, privateIpExceptionUrls: [] })
  const call = new RequestUris(outbound, { allowsHttp: true }).fetch({ requestUris: [uri] } as never, uri)
  await expect(call).rejects.toMatchObject({ code: 'invalid_request_uri' })
  expect(requests).toHaveLength(0)
})
