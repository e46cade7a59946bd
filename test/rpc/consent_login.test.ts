// Remembered logins: when the end-user has to log in, and what a login session is worth.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '#proto/client/v1/client_service.js'
import { nowSeconds } from '../../services/kit/clock.js'
import {
  type Browser,
  ConsentSuite,
  challengeOf,
  errorOf,
  type LoginDecision,
  ordinary,
  type Parameters,
} from '../support/consent_suite.js'

let suite: ConsentSuite
let client: Client

beforeAll(async () => {
  suite = await ConsentSuite.start()
  client = await suite.register()
})
afterAll(() => suite.stop())

/** A browser in which somebody is logged in and remembered. */
async function loggedIn(login: LoginDecision = {}): Promise<Browser> {
  const browser = suite.browser()
  await browser.authorize(ordinary(client), { login: { remember: true, ...login }, consent: { remember: true } })
  return browser
}

async function loginRequestOf(browser: Browser, parameters: Parameters = {}) {
  const loginChallenge = await browser.askLogin(ordinary(client, parameters))
  const { loginRequest } = await browser.instance.login.getLoginRequest({ loginChallenge })
  if (!loginRequest) throw new Error('no login request')
  return loginRequest
}

/** The only login session of a subject. */
async function rowOf(subject: string) {
  const { rows } = await suite.database.query('SELECT * FROM login_session WHERE subject = $1', [subject])
  expect(rows).toHaveLength(1)
  return rows[0]
}

/** As if the login had been so long ago. */
const age = (subject: string, seconds: number) =>
  suite.database.query(
    'UPDATE login_session SET authenticated_at = authenticated_at - make_interval(secs => $2) WHERE subject = $1',
    [subject, seconds],
  )

const newSubject = (() => {
  let count = 0
  return () => `user-${++count}`
})()

describe('a remembered login', () => {
  it('is used again: skip and subject are set, with the same session', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject, acr: 'gold', amr: ['pwd'] })
    const request = await loginRequestOf(browser)
    expect(request).toMatchObject({ skip: true, subject, sessionId: (await rowOf(subject)).id })
    const url = await browser.acceptLogin(request.challenge, { subject })
    const consentChallenge = challengeOf(await browser.resume(url), 'consent')
    const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
    // What the login app said at the login holds until it says something else.
    expect(consentRequest).toMatchObject({ subject, acr: 'gold', amr: ['pwd'], loginSessionId: request.sessionId })
  })

  it('keeps its time of authentication, whatever the login app says', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    await age(subject, 100)
    const { authenticated_at: before } = await rowOf(subject)
    const { parameters } = await browser.authorize(ordinary(client), { login: { subject, remember: false } })
    expect((await rowOf(subject)).authenticated_at).toEqual(before)
    const { idToken } = await suite.redeem(client, parameters.code ?? '')
    const { auth_time } = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
    expect(auth_time).toBe(Math.floor(before.getTime() / 1_000))
    expect((await loginRequestOf(browser)).skip).toBe(true)
  })

  it('is not there before the flow has ended, nor where it was not to be remembered', async () => {
    const subject = newSubject()
    const browser = suite.browser()
    await browser.askConsent(ordinary(client), { subject, remember: true })
    expect(browser.session).toBeUndefined()
    await suite.browser().authorize(ordinary(client), { login: { subject } })
    const { rows } = await suite.database.query('SELECT FROM login_session WHERE subject = $1', [subject])
    expect(rows).toEqual([])
  })

  it('Hydra 4.1: accepted for somebody else, the request begins again with a login', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    const request = await loginRequestOf(browser, { ui_locales: 'de', prompt: 'consent' })
    const url = new URL(await browser.acceptLogin(request.challenge, { subject: 'somebody-else' }))
    expect(Object.fromEntries(url.searchParams)).toEqual(
      ordinary(client, { ui_locales: 'de', prompt: 'login consent' }),
    )
  })

  it('accepted for somebody else in a silent request, the client is told that a login is needed', async () => {
    const browser = await loggedIn({ subject: newSubject() })
    const request = await loginRequestOf(browser, { prompt: 'none' })
    const url = await browser.acceptLogin(request.challenge, { subject: 'somebody-else' })
    expect(errorOf(await browser.resume(url))).toBe('login_required')
  })

  it('expires at the server, whatever the browser keeps', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    await suite.database.query('UPDATE login_session SET expires_at = now() WHERE subject = $1', [subject])
    expect((await loginRequestOf(browser)).skip).toBe(false)
    // The cookie stands for nothing and is taken away.
    expect(browser.session).toBeUndefined()
  })

  it('LO-06, BR-16: is worth nothing once its row is gone', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    await suite.one.login.revokeLoginSessions({ selector: { $case: 'subject', value: subject } })
    expect(errorOf(await browser.start(ordinary(client, { prompt: 'none' })))).toBe('login_required')
  })

  it.each([
    ['0 is as long as the configuration allows', 0, 2_592_000],
    ['seconds', 60, 60],
    ['never longer than the configuration allows', 99_999_999, 2_592_000],
  ])('remember_for: %s', async (_, rememberFor, expected) => {
    const subject = newSubject()
    const browser = suite.browser()
    const challenge = await browser.askConsent(ordinary(client), { subject, remember: true, rememberFor })
    const answer = await browser.resume(await browser.acceptConsent(challenge))
    const cookie = answer.cookies.find(({ name }) => name === suite.config.serve.cookies.names.session)
    expect(cookie?.maxAge).toBe(expected)
    const left = ((await rowOf(subject)).expires_at.getTime() - Date.now()) / 1_000
    expect(left).toBeGreaterThan(expected - 20)
    expect(left).toBeLessThanOrEqual(expected + 1)
  })

  it('extend_session_lifespan: gets its full time again', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject, rememberFor: 60 })
    const before = await rowOf(subject)
    await browser.authorize(ordinary(client), { login: { subject, rememberFor: 600 } })
    expect((await rowOf(subject)).expires_at).toEqual(before.expires_at)
    await browser.authorize(ordinary(client), { login: { subject, rememberFor: 600, extendSessionLifespan: true } })
    const after = await rowOf(subject)
    expect(after.id).toBe(before.id)
    expect(after.expires_at.getTime() - before.expires_at.getTime()).toBeGreaterThan(500_000)
    expect(after.authenticated_at).toEqual(before.authenticated_at)
  })
})

describe('a new login', () => {
  it('BR-13: has a new session id, and the session that the browser had is ended', async () => {
    const [planted, victim] = [newSubject(), newSubject()]
    const attacker = await loggedIn({ subject: planted })
    const browser = suite.browser()
    for (const [name, value] of attacker.cookies) browser.cookies.set(name, value)
    const { id: before } = await rowOf(planted)
    await browser.authorize(ordinary(client, { prompt: 'login' }), { login: { subject: victim, remember: true } })
    expect((await rowOf(victim)).id).not.toBe(before)
    expect((await loginRequestOf(browser)).subject).toBe(victim)
    expect((await loginRequestOf(attacker)).skip).toBe(false)
  })

  it('that is not to be remembered ends the session that the browser had', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    await browser.authorize(ordinary(client, { prompt: 'login' }), { login: { subject, remember: false } })
    expect(browser.session).toBeUndefined()
    expect((await suite.database.query('SELECT FROM login_session WHERE subject = $1', [subject])).rows).toEqual([])
  })

  it('of the same subject takes the place of the old one', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    const { id: before } = await rowOf(subject)
    await browser.authorize(ordinary(client, { prompt: 'login' }), { login: { subject, remember: true } })
    expect((await rowOf(subject)).id).not.toBe(before)
  })
})

describe('prompt and max_age', () => {
  it.each(['login', 'select_account', 'login consent', 'registration'])(
    'prompt=%s: there is always a login',
    async (prompt) => {
      const browser = await loggedIn({ subject: newSubject() })
      expect(await loginRequestOf(browser, { prompt })).toMatchObject({ skip: false, subject: '' })
    },
  )

  it('ER-05: prompt=none without a login', async () => {
    expect(errorOf(await suite.browser().start(ordinary(client, { prompt: 'none' })))).toBe('login_required')
  })

  it('ER-05: prompt=none with an unsealed, foreign or truncated session cookie', async () => {
    const browser = await loggedIn({ subject: newSubject() })
    const name = suite.config.serve.cookies.names.session
    for (const value of ['x', 'A'.repeat(72), browser.session?.slice(0, -1) ?? '']) {
      browser.cookies.set(name, value)
      expect(errorOf(await browser.start(ordinary(client, { prompt: 'none' })))).toBe('login_required')
    }
  })

  it('prompt=none with login and consent known: a code, without a page', async () => {
    const browser = await loggedIn({ subject: newSubject() })
    expect((await browser.authorize(ordinary(client, { prompt: 'none' }))).parameters.code).toMatch(/./)
  })

  it('max_age: a login that is too old is made again, or login_required', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    await age(subject, 100)
    expect((await loginRequestOf(browser, { max_age: '200' })).skip).toBe(true)
    expect((await loginRequestOf(browser, { max_age: '50' })).skip).toBe(false)
    expect(errorOf(await browser.start(ordinary(client, { max_age: '50', prompt: 'none' })))).toBe('login_required')
    expect((await browser.authorize(ordinary(client, { max_age: '200', prompt: 'none' }))).parameters.code).toMatch(/./)
  })

  it('BR-19: max_age=0 means that no login but a new one will do', async () => {
    const browser = await loggedIn({ subject: newSubject() })
    expect((await loginRequestOf(browser, { max_age: '0' })).skip).toBe(false)
    const { parameters } = await browser.authorize(ordinary(client, { max_age: '0' }), { login: { remember: true } })
    const { idToken } = await suite.redeem(client, parameters.code ?? '')
    const { auth_time } = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
    expect(auth_time).toBeGreaterThanOrEqual(nowSeconds() - 10)
  })

  it('BR-19: what the client asked for cannot be stripped from the way back', async () => {
    const browser = await loggedIn({ subject: newSubject() })
    const request = await loginRequestOf(browser, { prompt: 'login' })
    const url = new URL(await browser.acceptLogin(request.challenge))
    expect([...url.searchParams.keys()]).toEqual(['client_id', 'login_verifier'])
  })
})

describe('id_token_hint', () => {
  const hintOf = (claims: object, header = {}) => suite.idToken({ aud: client.clientId, ...claims }, header)

  it('is shown to the login app', async () => {
    const id_token_hint = await hintOf({ sub: 'alice', name: 'Alice' })
    const request = await loginRequestOf(suite.browser(), { id_token_hint })
    expect(request.oidcContext?.idTokenHintClaims).toMatchObject({ sub: 'alice', name: 'Alice' })
  })

  it('of the end-user who is logged in, expired or not: the login is used', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    for (const exp of [nowSeconds() + 60, nowSeconds() - 60]) {
      const id_token_hint = await hintOf({ sub: subject, exp })
      expect((await loginRequestOf(browser, { id_token_hint })).skip).toBe(true)
    }
  })

  it('BR-18: of another end-user: login_required, before and after a login', async () => {
    const browser = await loggedIn({ subject: newSubject() })
    const id_token_hint = await hintOf({ sub: 'another' })
    expect(errorOf(await browser.start(ordinary(client, { id_token_hint })))).toBe('login_required')
    expect(errorOf(await browser.start(ordinary(client, { id_token_hint, prompt: 'none' })))).toBe('login_required')
    const fresh = suite.browser()
    const request = await loginRequestOf(fresh, { id_token_hint })
    expect(errorOf(await fresh.resume(await fresh.acceptLogin(request.challenge, { subject: 'alice' })))).toBe(
      'login_required',
    )
  })

  it('of another subject identifier but the same login session: it is the same end-user', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    const id_token_hint = await hintOf({ sub: 'a-pairwise-one', sid: (await rowOf(subject)).id })
    expect((await loginRequestOf(browser, { id_token_hint })).skip).toBe(true)
  })

  it.each([
    ['another issuer', { iss: 'https://other.test' }, {}],
    ['another client', { aud: 'another' }, {}],
    ['no audience', { aud: [] }, {}],
    ['no subject', { sub: '' }, {}],
    ['an access token', {}, { typ: 'at+jwt' }],
    ['the key set of access tokens', {}, { kid: 'access' }],
    ['an unknown key', {}, { kid: 'unknown' }],
  ])('BR-18: of %s: refused', async (_, claims, header) => {
    const id_token_hint = await hintOf({ sub: 'alice', ...claims }, header)
    expect(errorOf(await suite.browser().start(ordinary(client, { id_token_hint })))).toBe('invalid_request')
  })

  it('BR-18: with alg none, with a broken signature, or changed: refused', async () => {
    const good = await hintOf({ sub: 'alice' })
    const [header = '', payload = '', signature = ''] = good.split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const changed = Buffer.from(JSON.stringify({ iss: 'x', sub: 'mallory', aud: client.clientId })).toString(
      'base64url',
    )
    for (const id_token_hint of [
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${changed}.${signature}`,
      `${header}.${payload}`,
    ])
      expect(errorOf(await suite.browser().start(ordinary(client, { id_token_hint })))).toBe('invalid_request')
  })
})

describe('revoking login sessions', () => {
  it('LO-08: one by its id, and no other', async () => {
    const subject = newSubject()
    const [first, second] = [await loggedIn({ subject }), await loggedIn({ subject })]
    const { sessionId } = await loginRequestOf(first)
    const revoked = await suite.one.login.revokeLoginSessions({
      selector: { $case: 'loginSessionId', value: sessionId },
    })
    expect(revoked).toEqual({ revoked: 1 })
    expect((await loginRequestOf(first)).skip).toBe(false)
    expect((await loginRequestOf(second)).skip).toBe(true)
  })

  it('all of a subject; what is not there is no error', async () => {
    const subject = newSubject()
    await loggedIn({ subject })
    await loggedIn({ subject })
    const selector = { $case: 'subject' as const, value: subject }
    expect(await suite.one.login.revokeLoginSessions({ selector })).toEqual({ revoked: 2 })
    expect(await suite.one.login.revokeLoginSessions({ selector })).toEqual({ revoked: 0 })
    for (const value of ['no-uuid', '00000000-0000-4000-8000-000000000000']) {
      const unknown = { $case: 'loginSessionId' as const, value }
      expect(await suite.one.login.revokeLoginSessions({ selector: unknown })).toEqual({ revoked: 0 })
    }
    await expect(suite.one.login.revokeLoginSessions({ selector: undefined })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  it('I4: no flow under way brings a login back: neither one that rests on it nor one that was authenticated before', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    const fresh = suite.browser()
    const resting = await browser.acceptConsent(await browser.askConsent(ordinary(client), { subject }))
    const login = { subject, remember: true }
    const renewing = await fresh.acceptConsent(await fresh.askConsent(ordinary(client), login))
    await suite.one.login.revokeLoginSessions({ selector: { $case: 'subject', value: subject } })
    for (const [who, url] of [
      [browser, resting],
      [fresh, renewing],
    ] as const) {
      expect(errorOf(await who.resume(url))).toBe('login_required')
      expect((await loginRequestOf(who)).skip).toBe(false)
    }
    const again = await loggedIn({ subject })
    expect((await loginRequestOf(again)).skip).toBe(true)
  })

  it('I4: a row that is not deleted yet, or that a flow left meanwhile, counts no more', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    await suite.database.query(
      "INSERT INTO subject_revocation VALUES ('login', $1, '', now(), now() + interval '1 hour')",
      [subject],
    )
    await rowOf(subject)
    expect((await loginRequestOf(browser)).skip).toBe(false)
  })

  it('I4: the grant of such a flow is taken back', async () => {
    const subject = newSubject()
    const browser = await loggedIn({ subject })
    const url = await browser.acceptConsent(await browser.askConsent(ordinary(client), { subject }))
    await suite.one.login.revokeLoginSessions({ selector: { $case: 'subject', value: subject } })
    await browser.resume(url)
    const { rows } = await suite.database.query(
      'SELECT revoked_at IS NOT NULL AS revoked FROM token."grant" WHERE subject = $1 ORDER BY requested_at DESC, id',
      [subject],
    )
    expect(rows.map(({ revoked }) => revoked).toSorted()).toEqual([false, true])
  })
})
