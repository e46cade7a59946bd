// The implicit and hybrid flows (OAuth 2.0 Multiple Response Types, OpenID Connect Core 3.2 and 3.3), end to end.
import { createHash } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  authorizationUrl,
  introspect,
  isActive,
  newPkce,
  post,
  redeem,
  redirectUri,
  userinfo,
} from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

const allTypes = [
  'code',
  'token',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
] as const
const withTokens = allTypes.filter((type) => type !== 'code')

let suite: Suite
let client: Awaited<ReturnType<typeof createClient>>
beforeAll(async () => {
  suite = await startSuite()
  client = await createClient(suite, {
    response_types: allTypes,
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
  })
})
afterAll(() => suite.stop())

type Changes = Record<string, string | undefined>

const answerOf = (callback: URL): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(callback.hash.slice(1)))

async function ask(response_type: string, changes: Changes = {}, decision = {}, by = client) {
  const pkce = newPkce()
  const challenge = { code_challenge: pkce.challenge, code_challenge_method: 'S256' }
  const sent = { ...(response_type.includes('code') ? challenge : {}), response_type, ...changes }
  const callback = await authorize(suite, authorizationUrl(suite, by, sent), decision)
  expect(callback.href.startsWith(`${redirectUri}#`)).toBe(true)
  return { answer: answerOf(callback), pkce }
}

/** Where a request that cannot go on leads to at once. */
const refusalOf = async (changes: Changes, by = client) =>
  new UserAgent().redirectFrom(authorizationUrl(suite, by, changes))

async function claimsOf(idToken = '', audience = client.client_id) {
  const keys = createRemoteJWKSet(new URL(`${suite.publicUrl}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(idToken, keys, { issuer: suite.config.urls.self.issuer, audience })
  return payload
}

const leftHalf = (text = '') => createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')

describe('Multiple Response Types 5: what each response type answers with', () => {
  it.each(withTokens)('%s', async (type) => {
    const { answer, pkce } = await ask(type)
    const words = type.split(' ')
    expect(answer).toMatchObject({ state: 'the-state-of-it', iss: suite.config.urls.self.issuer })
    expect('code' in answer).toBe(words.includes('code'))
    expect('access_token' in answer).toBe(words.includes('token'))
    expect('id_token' in answer).toBe(words.includes('id_token'))
    // RFC 6749 4.2.2: never a refresh token, whatever the scope.
    expect('refresh_token' in answer).toBe(false)
    if (answer.access_token) {
      expect(answer).toMatchObject({ token_type: 'bearer', scope: 'openid offline_access', expires_in: '3600' })
      expect((await userinfo(suite, answer.access_token)).body.sub).toBe('alice')
    }
    if (answer.id_token) {
      const claims = await claimsOf(answer.id_token)
      expect(claims).toMatchObject({ sub: 'alice', nonce: 'the-nonce-of-it' })
      expect(claims.at_hash).toBe(answer.access_token && leftHalf(answer.access_token))
      expect(claims.c_hash).toBe(answer.code && leftHalf(answer.code))
    }
    if (answer.code) {
      const { status, body } = await redeem(suite, client, { code: answer.code, pkce })
      expect(status).toBe(200)
      expect(body.refresh_token).toBeTruthy()
      expect(await claimsOf(String(body.id_token))).toMatchObject({ sub: 'alice', nonce: 'the-nonce-of-it' })
    }
  })

  it('RFC 6749 3.1.1: the order of the words does not matter', async () => {
    expect(Object.keys((await ask('token id_token')).answer)).toContain('id_token')
  })

  it('Form Post Response Mode: tokens may go by form', async () => {
    const agent = new UserAgent()
    const url = authorizationUrl(suite, client, {
      response_type: 'id_token',
      response_mode: 'form_post',
      prompt: 'none',
    })
    const page = await (await agent.fetch(url)).text()
    expect(page).toContain('name="error" value="login_required"')
  })

  it('claims of the consent app stand in both tokens', async () => {
    const session = { id_token: { name: 'Alice' }, access_token: { plan: 'gold' } }
    const { answer } = await ask('id_token token', {}, { consent: { session } })
    expect(await claimsOf(answer.id_token)).toMatchObject({ name: 'Alice' })
    expect(await introspect(suite, answer.access_token ?? '')).toMatchObject({ ext: { plan: 'gold' }, sub: 'alice' })
  })

  it('access tokens are JWTs where the client has them so', async () => {
    const jwt = await createClient(suite, {
      response_types: ['token'],
      grant_types: ['implicit'],
      access_token_strategy: 'jwt',
    })
    const { answer } = await ask('token', {}, {}, jwt)
    expect(answer.access_token?.split('.')).toHaveLength(3)
    expect(await isActive(suite, answer.access_token ?? '')).toBe(true)
  })
})

describe('tokens of the front channel end like others', () => {
  it('RFC 7009 2.1: revoked by the client', async () => {
    const { answer } = await ask('token')
    expect(await isActive(suite, answer.access_token ?? '')).toBe(true)
    await post(suite, '/oauth2/revoke', { token: answer.access_token ?? '' }, client)
    expect(await isActive(suite, answer.access_token ?? '')).toBe(false)
  })

  it('with the consent, and with the grant of a hybrid flow', async () => {
    const { answer, pkce } = await ask('code token', {}, { subject: 'bob' })
    const { body } = await redeem(suite, client, { code: answer.code ?? '', pkce })
    await adminJson(suite, 'DELETE', `/oauth2/auth/sessions/consent?subject=bob&client=${client.client_id}`)
    for (const token of [answer.access_token, body.access_token, body.refresh_token])
      expect(await isActive(suite, String(token))).toBe(false)
  })

  it('CO-02: a code that comes twice ends the access token that came beside it', async () => {
    const { answer, pkce } = await ask('code token')
    await redeem(suite, client, { code: answer.code ?? '', pkce })
    expect(await isActive(suite, answer.access_token ?? '')).toBe(true)
    await redeem(suite, client, { code: answer.code ?? '', pkce })
    expect(await isActive(suite, answer.access_token ?? '')).toBe(false)
  })

  it('they live as long as implicit_grant_* says', async () => {
    const brief = await createClient(suite, { response_types: ['id_token token'], grant_types: ['implicit'] })
    const lifespans = { implicit_grant_access_token_lifespan: '5m', implicit_grant_id_token_lifespan: '7m' }
    await adminJson(suite, 'PUT', `/clients/${brief.client_id}/lifespans`, lifespans)
    const { answer } = await ask('id_token token', {}, {}, brief)
    expect(answer.expires_in).toBe('300')
    const { exp = 0, iat = 0 } = await claimsOf(answer.id_token, brief.client_id)
    expect(exp - iat).toBe(420)
  })
})

describe('what is refused', () => {
  it.each(withTokens)('RM-03: response_mode query for %s', async (response_type) => {
    const refused = await refusalOf({ response_type, response_mode: 'query' })
    expect(answerOf(refused)).toMatchObject({ error: 'invalid_request', state: 'the-state-of-it' })
    expect(refused.search).toBe('')
  })

  it('RM-04: errors go where the answer would have gone', async () => {
    expect(answerOf(await refusalOf({ response_type: 'token', prompt: 'none' })).error).toBe('login_required')
    expect(answerOf(await refusalOf({ response_type: 'token', response_mode: 'x' })).error).toBe(
      'unsupported_response_mode',
    )
    const asFragment = await refusalOf({ response_mode: 'fragment', prompt: 'none' })
    expect(answerOf(asFragment).error).toBe('login_required')
    expect((await refusalOf({ prompt: 'none' })).searchParams.get('error')).toBe('login_required')
  })

  it('RM-04: what the end-user refuses goes into the fragment too', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client, { response_type: 'id_token' }))
    const challenge = login.searchParams.get('login_challenge')
    const path = `/oauth2/auth/requests/login/reject?login_challenge=${challenge}`
    const { redirect_to } = (await (await adminJson(suite, 'PUT', path, {})).json()) as { redirect_to: string }
    expect(answerOf(await agent.redirectFrom(redirect_to)).error).toBe('access_denied')
  })

  it.each(['id_token', 'id_token token', 'code id_token', 'code id_token token'])(
    'OIDC Core 3.2.2.1, 3.3.2.11: %s without nonce or openid',
    async (response_type) => {
      const pkce = { code_challenge: newPkce().challenge, code_challenge_method: 'S256' }
      for (const changes of [{ nonce: undefined }, { scope: 'profile' }])
        expect(answerOf(await refusalOf({ response_type, ...pkce, ...changes })).error).toBe('invalid_request')
    },
  )

  it('an ID token where openid was not granted', async () => {
    const { answer } = await ask('id_token', { scope: 'openid profile' }, { grantScope: ['profile'] })
    expect(answer.error).toBe('access_denied')
    expect(answer.id_token).toBeUndefined()
  })

  it('CO-11: a response type, or a grant type of one, that the client has not registered', async () => {
    const register = (response_types: string[], grant_types: string[]) =>
      createClient(suite, { response_types, grant_types })
    const codeOnly = await register(['code'], ['authorization_code'])
    const noImplicit = await register([...allTypes], ['authorization_code'])
    const noCode = await register([...allTypes], ['implicit'])
    for (const response_type of withTokens)
      for (const by of [codeOnly, noImplicit])
        expect(answerOf(await refusalOf({ response_type }, by)).error, response_type).toBe('unauthorized_client')
    expect(answerOf(await refusalOf({ response_type: 'code token' }, noCode)).error).toBe('unauthorized_client')
  })

  it('RFC 7636 4.4.1: a public client needs PKCE for a code, and only for that', async () => {
    const app = await createClient(suite, {
      response_types: allTypes,
      grant_types: ['authorization_code', 'implicit'],
      token_endpoint_auth_method: 'none',
    })
    expect(answerOf(await refusalOf({ response_type: 'code token' }, app)).error).toBe('invalid_request')
    expect((await ask('id_token', {}, {}, app)).answer.id_token).toBeTruthy()
  })

  it('RFC 6749 4.2: implicit is no grant type of the token endpoint', async () => {
    const { body } = await post(suite, '/oauth2/token', { grant_type: 'implicit' }, client)
    expect(body.error).toBe('unsupported_grant_type')
  })
})
