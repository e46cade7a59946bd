// The operator's hooks before tokens are issued: Hydra's oauth2.token_hook and oauth2.refresh_token_hook, RT-12 and RL-30 of
// the security cases.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { introspect, logIn, obtainCode, post, redeem, refresh, userinfo } from '../support/oauth.js'
import { type Party, startParty } from '../support/party.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

interface Question {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, never>
}
type Answer = (response: ServerResponse) => void

let hook: Party
let suite: Suite
let client: Awaited<ReturnType<typeof createClient>>
let asked: Question[] = []
let answers: Record<string, Answer> = {}

const keep: Answer = (response) => response.writeHead(204).end()
const status =
  (code: number, body = ''): Answer =>
  (response) =>
    response.writeHead(code, { location: '/elsewhere', 'content-type': 'application/json' }).end(body)
const give = (session: object): Answer => status(200, JSON.stringify({ session }))

beforeAll(async () => {
  hook = await startParty(async (request, response) => {
    const { url: path = '', headers } = request
    asked.push({ path, headers, body: (await json(request)) as Record<string, never> })
    const answer = answers[path] ?? keep
    answer(response)
  })
  const { origin } = hook
  suite = await startSuite({
    config: {
      log: { level: 'error' },
      clients: { http: { private_ip_exception_urls: [`${origin}/*`] } },
      db: { max_connections: 1 },
      oauth2: {
        token_hook: {
          url: `${origin}/token`,
          auth: { type: 'api_key', config: { in: 'header', name: 'X-API-Key', value: 'the key of the hook' } },
        },
        refresh_token_hook: {
          url: `${origin}/refresh`,
          auth: { type: 'api_key', config: { in: 'cookie', name: 'key', value: 'abc' } },
        },
      },
    },
  })
  client = await createClient(suite)
})
afterAll(async () => {
  await suite.stop()
  await hook.close()
})
beforeEach(() => {
  asked = []
  answers = {}
})

const session = { access_token: { plan: 'gold' }, id_token: { nick: 'ally' } }
const consent = { consent: { session } }

const credentials = async () => {
  const machine = await createClient(suite, { grant_types: ['client_credentials'], scope: 'read write' })
  const issue = () => post(suite, '/oauth2/token', { grant_type: 'client_credentials', scope: 'read' }, machine)
  return { machine, issue }
}

describe('what a hook is asked', () => {
  it('Hydra token_hook: the session and the request, with the key that it knows this server by', async () => {
    await logIn(suite, client, { audience: undefined }, { subject: 'alice', ...consent })
    expect(asked).toHaveLength(1)
    const [{ path, headers, body } = {} as Question] = asked
    expect(path).toBe('/token')
    expect(headers).toMatchObject({ 'x-api-key': 'the key of the hook', 'content-type': 'application/json' })
    expect(headers).not.toHaveProperty('authorization')
    expect(body).toMatchObject({
      session: {
        extra: { plan: 'gold' },
        client_id: client.client_id,
        id_token: {
          subject: 'alice',
          id_token_claims: { iss: suite.config.urls.self.issuer, sub: 'alice', ext: { nick: 'ally' } },
        },
      },
      request: {
        client_id: client.client_id,
        requested_scopes: ['openid', 'offline_access'],
        granted_scopes: ['openid', 'offline_access'],
        granted_audience: [],
        grant_types: ['authorization_code'],
        payload: {},
      },
    })
  })

  it('Hydra refresh_token_hook: asked at a refresh alone, before the other', async () => {
    const tokens = await logIn(suite, client, {}, { subject: 'bert', ...consent })
    asked = []
    answers['/refresh'] = give({ access_token: { plan: 'silver' } })
    expect((await refresh(suite, client, tokens.refresh_token, { scope: 'openid' })).status).toBe(200)
    expect(asked.map(({ path }) => path)).toEqual(['/refresh', '/token'])
    expect(asked[0]?.headers.cookie).toBe('key=abc')
    expect(asked[0]?.body).toMatchObject({
      subject: 'bert',
      client_id: client.client_id,
      granted_scopes: ['openid', 'offline_access'],
      granted_audience: [],
      requester: { client_id: client.client_id, grant_types: ['refresh_token'] },
      session: { extra: { plan: 'gold' } },
    })
    expect(asked[1]?.body).toMatchObject({
      session: { extra: { plan: 'silver' } },
      request: { grant_types: ['refresh_token'], requested_scopes: ['openid'] },
    })
  })

  it('client credentials', async () => {
    const { machine, issue } = await credentials()
    answers['/token'] = give({ access_token: { tenant: 7 } })
    const { access_token: token } = (await issue()).body
    expect(asked[0]?.body).toMatchObject({
      request: { client_id: machine.client_id, granted_scopes: ['read'], grant_types: ['client_credentials'] },
    })
    expect(await introspect(suite, String(token))).toMatchObject({ active: true, ext: { tenant: 7 } })
  })

  it('nothing, for a code or a token that is worth nothing', async () => {
    const flow = await obtainCode(suite, client)
    const tokens = (await redeem(suite, client, flow)).body
    asked = []
    await redeem(suite, client, flow, { code_verifier: 'x'.repeat(43) })
    await redeem(suite, client, flow)
    await refresh(suite, client, String(tokens.refresh_token))
    await refresh(suite, client, 'tsr_rt_AAAA.AAAA')
    expect(asked).toEqual([])
  })
})

describe('what a hook answers', () => {
  it('200: its claims take the place of the session, from then on', async () => {
    answers['/token'] = give({ access_token: { plan: 'iron' }, id_token: { nick: 'al', sub: 'mallory' } })
    const tokens = await logIn(suite, client, {}, { subject: 'carl', ...consent })
    expect((await introspect(suite, tokens.access_token)).ext).toEqual({ plan: 'iron' })
    expect(decodeJwt(tokens.id_token)).toMatchObject({ nick: 'al', sub: 'carl' })
    expect((await userinfo(suite, tokens.access_token)).body).toMatchObject({ nick: 'al', sub: 'carl' })
    answers['/token'] = keep
    const kept = (await refresh(suite, client, tokens.refresh_token)).body
    expect((await introspect(suite, String(kept.access_token))).ext).toEqual({ plan: 'iron' })
    answers['/token'] = give({})
    const none = (await refresh(suite, client, String(kept.refresh_token))).body
    expect(await introspect(suite, String(none.access_token))).not.toHaveProperty('ext')
    expect((await userinfo(suite, String(none.access_token))).body).not.toHaveProperty('nick')
  })

  it('204: the session stays as it is', async () => {
    const tokens = await logIn(suite, client, {}, consent)
    expect((await introspect(suite, tokens.access_token)).ext).toEqual({ plan: 'gold' })
    expect(decodeJwt(tokens.id_token).nick).toBe('ally')
  })

  it('RT-12: 403 denies, and uses up neither code nor refresh token', async () => {
    const flow = await obtainCode(suite, client)
    answers['/token'] = status(403)
    expect((await redeem(suite, client, flow)).body.error).toBe('access_denied')
    expect((await (await credentials()).issue()).body.error).toBe('access_denied')
    answers = {}
    const { refresh_token: token } = (await redeem(suite, client, flow)).body
    answers['/refresh'] = status(403)
    expect((await refresh(suite, client, String(token))).body.error).toBe('access_denied')
    answers = {}
    expect((await refresh(suite, client, String(token))).status).toBe(200)
  })

  const failures: Record<string, Answer> = {
    'status 500': status(500),
    'status 404': status(404),
    'status 401': status(401),
    'status 201': status(201, JSON.stringify({ session })),
    'a redirect': status(307),
    HTML: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>200</html>'),
    nothing: status(200),
    'no session': status(200, '{}'),
    'a list': status(200, '[]'),
    'claims that are a text': give({ access_token: 'admin' }),
    'claims that are a list': give({ id_token: [1] }),
    'claims that go too deep': status(200, `{"session":{"access_token":${'{"a":'.repeat(40)}1${'}'.repeat(41)}}`),
    '10 MB': (response) => response.writeHead(200).end(Buffer.alloc(10_000_000, 0x20)),
    'a cut connection': (response) => response.destroy(),
  }
  it('RT-12: whatever else it does is hook_failed, and the code and the refresh token stay good', async () => {
    let flow = await obtainCode(suite, client)
    let { refresh_token: token } = await logIn(suite, client)
    for (const [name, answer] of Object.entries(failures)) {
      answers = { '/token': answer }
      const failed = await redeem(suite, client, flow)
      expect([failed.status, failed.body.error], name).toEqual([400, 'hook_failed'])
      answers = { '/refresh': answer }
      const alsoFailed = await refresh(suite, client, token)
      expect([alsoFailed.status, alsoFailed.body.error], name).toEqual([400, 'hook_failed'])
      answers = {}
      const refreshed = await refresh(suite, client, token)
      expect(refreshed.status, name).toBe(200)
      token = String(refreshed.body.refresh_token)
    }
    expect((await redeem(suite, client, flow)).status).toBe(200)
    flow = await obtainCode(suite, client)
    expect((await redeem(suite, client, flow)).status).toBe(200)
  })

  it('RL-30: one that hangs is given up in time, and holds no connection of the database meanwhile', async () => {
    const [waiting, other] = [await logIn(suite, client), await logIn(suite, client)]
    asked = []
    answers['/token'] = () => undefined
    const beganAt = performance.now()
    const hanging = refresh(suite, client, waiting.refresh_token)
    await expect.poll(() => asked.length).toBe(2)
    expect((await post(suite, '/oauth2/revoke', { token: other.refresh_token }, client)).status).toBe(200)
    expect(performance.now() - beganAt).toBeLessThan(1_900)
    const answer = await hanging
    expect(performance.now() - beganAt).toBeLessThan(2_900)
    expect([answer.status, answer.body.error]).toEqual([400, 'hook_failed'])
    answers = {}
    expect((await refresh(suite, client, waiting.refresh_token)).status).toBe(200)
  })

  it('RL-30: one that fails again and again is left alone for a moment', async () => {
    const { issue } = await credentials()
    answers['/token'] = status(500)
    for (let count = 0; count < 30; count++) expect((await issue()).body.error).toBe('hook_failed')
    expect(asked.length).toBeLessThan(30)
    answers = {}
    await expect.poll(async () => (await issue()).status, { timeout: 5_000 }).toBe(200)
  })
})
