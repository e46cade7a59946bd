// What the operator can say about the JWT bearer grant: oauth2.grant.jwt.*, and the token hook.
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey, secondsFromNow, signJwt, type TestKey } from '../support/assertions.js'
import { introspect, post } from '../support/oauth.js'
import { type Party, startParty } from '../support/party.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

let suite: Suite
let key: TestKey
let client: Awaited<ReturnType<typeof createClient>>
let hook: Party
let hookAnswer: { status: number; body: unknown } = { status: 204, body: undefined }
const asked: Record<string, unknown>[] = []

beforeAll(async () => {
  hook = await startParty(async (request, response) => {
    asked.push((await json(request)) as Record<string, unknown>)
    response.writeHead(hookAnswer.status, { 'content-type': 'application/json' })
    response.end(hookAnswer.body === undefined ? undefined : JSON.stringify(hookAnswer.body))
  })
  const { origin } = hook
  suite = await startSuite({
    config: {
      oauth2: {
        grant: { jwt: { jti_optional: true, iat_optional: true, max_ttl: 600, omit_assertion_audience: false } },
        token_hook: { url: `${origin}/hook` },
      },
      clients: { http: { private_ip_exception_urls: [`${origin}/*`] } },
    },
  })
  key = newKey('ES256')
  client = await createClient(suite, { redirect_uris: [], grant_types: [grant_type], scope: 'read' })
  const body = {
    issuer: 'idp',
    allow_any_subject: true,
    scope: ['read'],
    jwk: key.jwk,
    expires_at: '2099-01-01T00:00:00Z',
  }
  expect((await adminJson(suite, 'POST', '/trust/grants/jwt-bearer/issuers', body)).status).toBe(201)
})
afterAll(async () => {
  await suite.stop()
  await hook.close()
})

const assertion = (changes: Record<string, unknown> = {}) =>
  signJwt(key, { iss: 'idp', sub: 'mike', aud: suite.config.urls.self.issuer, exp: secondsFromNow(300), ...changes })

const exchange = (jwt: string) => post(suite, '/oauth2/token', { grant_type, assertion: jwt, scope: 'read' }, client)

describe('oauth2.grant.jwt', () => {
  it('jti_optional: one without is good again and again, one with is good once', async () => {
    const without = assertion()
    for (let time = 0; time < 3; time++) expect((await exchange(without)).status).toBe(200)
    const named = assertion({ jti: 'once' })
    expect((await exchange(named)).status).toBe(200)
    expect((await exchange(named)).body.error).toBe('invalid_grant')
    expect((await exchange(assertion({ jti: 1 }))).body.error).toBe('invalid_grant')
  })

  it('iat_optional and max_ttl: from iat on, or from now on', async () => {
    for (const [changes, status] of [
      [{ exp: secondsFromNow(590) }, 200],
      [{ exp: secondsFromNow(660) }, 400],
      [{ iat: secondsFromNow(-400), exp: secondsFromNow(190) }, 200],
      [{ iat: secondsFromNow(-400), exp: secondsFromNow(260) }, 400],
    ] as const)
      expect((await exchange(assertion(changes))).status, JSON.stringify(changes)).toBe(status)
  })

  it('omit_assertion_audience: the audience of the assertion is that of the token', async () => {
    const { body } = await exchange(assertion())
    expect(await introspect(suite, String(body.access_token))).toMatchObject({ aud: [suite.config.urls.self.issuer] })
  })
})

describe('oauth2.token_hook', () => {
  it('is told of the assertion, and gives claims', async () => {
    hookAnswer = { status: 200, body: { session: { access_token: { team: 'blue' } } } }
    const jwt = assertion()
    const { body } = await exchange(jwt)
    expect(await introspect(suite, String(body.access_token))).toMatchObject({ sub: 'mike', ext: { team: 'blue' } })
    expect(asked.at(-1)).toMatchObject({
      session: { id_token: { subject: 'mike' }, client_id: client.client_id },
      request: {
        client_id: client.client_id,
        granted_scopes: ['read'],
        grant_types: [grant_type],
        payload: { assertion: [jwt] },
      },
    })
  })

  it('can say no, and the assertion is not used up', async () => {
    const jwt = assertion({ jti: 'denied first' })
    hookAnswer = { status: 403, body: undefined }
    expect((await exchange(jwt)).body.error).toBe('access_denied')
    hookAnswer = { status: 204, body: undefined }
    expect((await exchange(jwt)).status).toBe(200)
    const asks = asked.length
    expect((await exchange(assertion({ sub: '' }))).body.error).toBe('invalid_grant')
    expect(asked.length).toBe(asks)
  })
})
