// Hostile JWTs wherever a JWT is taken that is no assertion (security.md 2.9, JW-01 to JW-14): request objects, ID token
// hints, and access tokens at userinfo and introspection.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey, secondsFromNow, signJwt, type TestKey } from '../support/assertions.js'
import { type HostileJwt, hostileJwts, mutationsOf } from '../support/hostile_jwts.js'
import { introspect, logIn, newPkce, redirectUri, type Tokens, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

let suite: Suite
let issuer: string
let key: TestKey
let stranger: TestKey
let client: Registered
let tokens: Tokens

beforeAll(async () => {
  suite = await startSuite()
  issuer = suite.config.urls.self.issuer
  key = newKey('ES256', 'of-the-client')
  stranger = newKey('ES256', 'of-a-stranger')
  client = await createClient(suite, {
    jwks: { keys: [key.jwk] },
    request_object_signing_alg: 'ES256',
    access_token_strategy: 'jwt',
  })
  tokens = await logIn(suite, client)
})
afterAll(() => suite.stop())

const pkce = newPkce()
const outside = () => ({
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid',
})

/** Where a POSTed authorization request leads to, as far as it matters. */
async function answerTo(parameters: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ ...outside(), ...parameters })
  const response = await fetch(`${suite.publicUrl}/oauth2/auth`, { method: 'POST', body, redirect: 'manual' })
  const location = response.headers.get('location')
  if (!location) return String(response.status)
  const to = new URL(location)
  return to.searchParams.get('error') ?? (to.searchParams.has('login_challenge') ? 'goes on' : location)
}

/** What each of them is answered with; those that are too large may be refused before they are read. */
async function answersTo(
  jwts: readonly HostileJwt[],
  answer: (jwt: string) => Promise<unknown>,
): Promise<Record<string, unknown>> {
  const answers: [string, unknown][] = []
  const remaining = jwts.values()
  const work = async () => {
    for (const { id, what, jwt } of remaining) {
      const got = await answer(jwt)
      answers.push([`${id}: ${what}`, got === '413' && jwt.length > 32 * 1024 ? 'too large' : got])
    }
  }
  await Promise.all(Array.from({ length: 32 }, work))
  return Object.fromEntries(answers)
}

/** Those that were not answered as they are to be. */
const others = (answers: Record<string, unknown>, wanted: unknown) =>
  Object.entries(answers).filter(([, got]) => got !== 'too large' && JSON.stringify(got) !== JSON.stringify(wanted))

describe('AUTHZ request', () => {
  const claims = () => ({
    iss: client.client_id,
    aud: issuer,
    ...outside(),
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    jti: 'x',
    iat: secondsFromNow(0),
    exp: secondsFromNow(300),
  })
  const typ = 'oauth-authz-req+jwt'

  it('JW-01 to JW-11: none is a request', async () => {
    const jwts = hostileJwts({ key, claims, typ }, stranger)
    expect(jwts.length).toBeGreaterThanOrEqual(250)
    expect(await answerTo({ request: signJwt(key, claims(), { typ }) })).toBe('goes on')
    // No request object at all is an ordinary request.
    const answers = await answersTo(
      jwts.filter(({ jwt }) => jwt !== ''),
      (request) => answerTo({ request }),
    )
    expect(others(answers, 'invalid_request_object')).toEqual([])
  })

  it('JW-07: clocks may differ by some seconds', async () => {
    const answers = [10, 61].flatMap((ahead) =>
      ['iat', 'nbf'].map((name) =>
        answerTo({ request: signJwt(key, { ...claims(), [name]: secondsFromNow(ahead) }, { typ }) }),
      ),
    )
    const refused = 'invalid_request_object'
    expect(await Promise.all(answers)).toEqual(['goes on', 'goes on', refused, refused])
  })

  it('JW-14: other kinds of JWT are no request', async () => {
    for (const request of [
      tokens.id_token,
      tokens.access_token,
      signJwt(key, claims(), { typ: 'client-authentication+jwt' }),
    ])
      expect(await answerTo({ request })).toBe('invalid_request_object')
  })
})

describe('AUTHZ id_token_hint', () => {
  const answer = (id_token_hint: string) =>
    answerTo({ id_token_hint, code_challenge: pkce.challenge, code_challenge_method: 'S256' })

  it('BR-18, JW-01 to JW-11: none is an ID token of this server', async () => {
    expect(await answer(tokens.id_token)).toBe('goes on')
    const claims = () => ({
      iss: issuer,
      sub: 'alice',
      aud: client.client_id,
      exp: secondsFromNow(300),
      iat: secondsFromNow(0),
    })
    const jwts = [...mutationsOf(tokens.id_token), ...hostileJwts({ key, claims }, stranger)]
    const answers = await answersTo(
      jwts.filter(({ jwt }) => jwt !== ''),
      answer,
    )
    expect(others(answers, 'invalid_request')).toEqual([])
  })

  it('JW-14: an access token is none', async () => {
    expect(await answer(tokens.access_token)).toBe('invalid_request')
  })
})

describe('USERINFO and INTRO', () => {
  const hostile = () => {
    const claims = () => ({
      iss: issuer,
      sub: 'alice',
      client_id: client.client_id,
      aud: [],
      jti: 'x',
      scp: ['openid'],
      iat: secondsFromNow(0),
      exp: secondsFromNow(300),
    })
    return [...mutationsOf(tokens.access_token), ...hostileJwts({ key, claims, typ: 'at+jwt' }, stranger)]
  }

  it('TK-12, JW-01 to JW-11: none is active', async () => {
    expect(await introspect(suite, tokens.access_token)).toMatchObject({ active: true })
    const jwts = hostile().filter(({ jwt }) => jwt !== '')
    expect(others(await answersTo(jwts, (jwt) => introspect(suite, jwt)), { active: false })).toEqual([])
  })

  it('TK-20, JW-01 to JW-11: none opens userinfo', async () => {
    expect((await userinfo(suite, tokens.access_token)).status).toBe(200)
    // What a header field cannot carry is no request.
    const jwts = hostile().filter(({ jwt }) => /^[\x21-\x7e]*$/.test(jwt) && jwt.length < 8_000)
    expect(others(await answersTo(jwts, async (jwt) => (await userinfo(suite, jwt)).status), 401)).toEqual([])
  })

  it('JW-14: an ID token is no access token', async () => {
    expect(await introspect(suite, tokens.id_token)).toEqual({ active: false })
    expect((await userinfo(suite, tokens.id_token)).status).toBe(401)
  })
})
