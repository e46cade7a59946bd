// Logout: OpenID Connect RP-Initiated Logout 1.0, with the logout app of the operator.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '#proto/client/v1/client_service.js'
import type { LogoutAnswer } from '#proto/consent/v1/logout_service.js'
import { nowSeconds } from '../../services/kit/clock.js'
import { refusalOf } from '../support/client_service.js'
import { type Browser, ConsentSuite, errorOf, issuer, ordinary, type Parameters } from '../support/consent_suite.js'

const afterwards = 'https://app.test/bye?x=1'

let suite: ConsentSuite
let client: Client

beforeAll(async () => {
  suite = await ConsentSuite.start()
  client = await suite.register({ postLogoutRedirectUris: [afterwards] })
})
afterAll(() => suite.stop())

const newSubject = (() => {
  let count = 0
  return () => `user-${++count}`
})()

interface LoggedIn {
  readonly browser: Browser
  readonly subject: string
  readonly sid: string
  /** An ID token of this login session. */
  readonly id_token_hint: string
}

async function loggedIn(who: Client = client): Promise<LoggedIn> {
  const [browser, subject] = [suite.browser(), newSubject()]
  const decision = { login: { subject, remember: true }, consent: { remember: true } }
  await browser.authorize(ordinary(who), decision)
  const { rows } = await suite.database.query('SELECT id FROM login_session WHERE subject = $1', [subject])
  const sid: string = rows[0].id
  return { browser, subject, sid, id_token_hint: await suite.idToken({ sub: subject, aud: who.clientId, sid }) }
}

async function logout(browser: Browser, parameters: Parameters = {}, duplicates: string[] = []): Promise<LogoutAnswer> {
  const request = { parameters, duplicates, cookies: browser.cookieHeader }
  return taken(browser, (await browser.instance.logout.startLogout(request)).answer)
}

async function resume(browser: Browser, url: string): Promise<LogoutAnswer> {
  const logoutVerifier = new URL(url).searchParams.get('logout_verifier') ?? ''
  const request = { logoutVerifier, cookies: browser.cookieHeader }
  return taken(browser, (await browser.instance.logout.resumeLogout(request)).answer)
}

function taken(browser: Browser, answer: LogoutAnswer | undefined): LogoutAnswer {
  if (!answer) throw new Error('no answer')
  browser.take(answer.cookies)
  return answer
}

const goesTo = (answer: LogoutAnswer): string => (answer.kind?.$case === 'redirectTo' ? answer.kind.value : '')
const challengeOf = (answer: LogoutAnswer): string => new URL(goesTo(answer)).searchParams.get('logout_challenge') ?? ''
const pageErrorOf = (answer: LogoutAnswer): string => (answer.kind?.$case === 'error' ? answer.kind.value.code : '')
const accept = async (logoutChallenge: string) =>
  (await suite.one.logout.acceptLogoutRequest({ logoutChallenge })).redirectTo

const isLoggedIn = async (browser: Browser): Promise<boolean> =>
  (await browser.start(ordinary(client, { prompt: 'none' }))).kind?.$case === 'redirectTo'

describe('logout', () => {
  it('RP-Initiated Logout 2: with an ID token, the app is told who asks, and the browser goes back with state', async () => {
    const { browser, subject, sid, id_token_hint } = await loggedIn()
    const asked = { post_logout_redirect_uri: afterwards, state: 'a&b ü', ui_locales: 'de' }
    const answer = await logout(browser, { id_token_hint, ...asked })
    expect(new URL(goesTo(answer)).origin).toBe('http://127.0.0.1:3000')
    const { logoutRequest } = await suite.one.logout.getLogoutRequest({ logoutChallenge: challengeOf(answer) })
    expect(logoutRequest).toMatchObject({ subject, sid, rpInitiated: true, client: { clientId: client.clientId } })
    const url = new URL(logoutRequest?.requestUrl ?? '')
    expect(`${url.origin}${url.pathname}`).toBe(`${issuer}/oauth2/sessions/logout`)
    expect(Object.fromEntries(url.searchParams)).toEqual(asked)
    expect(Number(logoutRequest?.expiresAt) - Number(logoutRequest?.requestedAt)).toBe(1_800_000)
    const done = await resume(browser, await accept(challengeOf(answer)))
    const back = new URL(goesTo(done))
    expect(`${back.origin}${back.pathname}`).toBe('https://app.test/bye')
    expect([...back.searchParams]).toEqual([
      ['x', '1'],
      ['state', 'a&b ü'],
    ])
    expect(browser.session).toBeUndefined()
    expect(await isLoggedIn(browser)).toBe(false)
  })

  it('LO-06, BR-16: the session cookie is worth nothing afterwards', async () => {
    const { browser } = await loggedIn()
    const cookies = new Map(browser.cookies)
    await resume(browser, await accept(challengeOf(await logout(browser))))
    const thief = suite.browser()
    for (const [name, value] of cookies) thief.cookies.set(name, value)
    expect(errorOf(await thief.start(ordinary(client, { prompt: 'none' })))).toBe('login_required')
  })

  it('LO-01: without an ID token the end-user is asked, by whomever the browser was sent', async () => {
    const { browser, subject } = await loggedIn()
    const answer = await logout(browser)
    const { logoutRequest } = await suite.one.logout.getLogoutRequest({ logoutChallenge: challengeOf(answer) })
    expect(logoutRequest).toMatchObject({ subject, rpInitiated: false, client: undefined })
    expect(await isLoggedIn(browser)).toBe(true)
    const done = await resume(browser, await accept(challengeOf(answer)))
    expect(done.kind?.$case).toBe('loggedOut')
    expect(await isLoggedIn(browser)).toBe(false)
  })

  it('an ID token of an older login session of the same end-user: the end-user is asked', async () => {
    const { browser, subject } = await loggedIn()
    const sid = '00000000-0000-4000-8000-000000000000'
    const id_token_hint = await suite.idToken({ sub: subject, aud: client.clientId, sid })
    const answer = await logout(browser, { id_token_hint })
    const { logoutRequest } = await suite.one.logout.getLogoutRequest({ logoutChallenge: challengeOf(answer) })
    expect(logoutRequest).toMatchObject({ rpInitiated: false, client: { clientId: client.clientId } })
  })

  it('skip_logout_consent is enforced by the server, and only with an ID token of this login session', async () => {
    const skipping = await suite.register({ skipLogoutConsent: true, postLogoutRedirectUris: [afterwards] })
    const { browser, id_token_hint } = await loggedIn(skipping)
    expect(challengeOf(await logout(browser, { client_id: skipping.clientId }))).not.toBe('')
    expect(goesTo(await logout(browser, { id_token_hint, post_logout_redirect_uri: afterwards }))).toBe(afterwards)
    expect(await isLoggedIn(browser)).toBe(false)
  })

  it('without a logout app: an ID token will do, and else the fallback page is shown', async () => {
    const { browser, id_token_hint } = await loggedIn()
    browser.instance = await suite.add({ ...suite.config, urls: { ...suite.config.urls, logout: '' } })
    expect(goesTo(await logout(browser))).toMatch(`${issuer}/oauth2/fallbacks/logout?logout_challenge=`)
    expect((await logout(browser, { id_token_hint })).kind?.$case).toBe('loggedOut')
    expect(await isLoggedIn(browser)).toBe(false)
  })

  it('with nobody logged in the browser goes on at once', async () => {
    const id_token_hint = await suite.idToken({ sub: 'alice', aud: client.clientId })
    const browser = suite.browser()
    expect((await logout(browser)).kind?.$case).toBe('loggedOut')
    expect(goesTo(await logout(browser, { id_token_hint, post_logout_redirect_uri: afterwards }))).toBe(afterwards)
    const urls = { ...suite.config.urls, post_logout_redirect: 'https://home.test/' }
    browser.instance = await suite.add({ ...suite.config, urls })
    expect(goesTo(await logout(browser))).toBe('https://home.test/')
  })
})

describe('RU-22, LO-02: where the browser never goes', () => {
  it.each([
    [
      'a URI that is not registered',
      async (hint: string) => ({ id_token_hint: hint, post_logout_redirect_uri: 'https://evil.test/' }),
    ],
    [
      'a URI that is nearly registered',
      async (hint: string) => ({ id_token_hint: hint, post_logout_redirect_uri: `${afterwards}&` }),
    ],
    [
      'a redirect URI of the client',
      async (hint: string) => ({ id_token_hint: hint, post_logout_redirect_uri: 'https://app.test/cb' }),
    ],
    ['a URI without an ID token or client', async () => ({ post_logout_redirect_uri: afterwards })],
    ['a state without an ID token or client', async () => ({ state: 'x' })],
    [
      'another client than the ID token’s',
      async (hint: string) => ({ id_token_hint: hint, client_id: (await suite.register()).clientId }),
    ],
    ['an unknown client', async () => ({ client_id: 'nobody' })],
    ['an ID token that is none', async () => ({ id_token_hint: 'x.y.z', post_logout_redirect_uri: afterwards })],
    [
      'an ID token of another issuer',
      async () => ({
        id_token_hint: await suite.idToken({ iss: 'https://other.test', sub: 'alice', aud: client.clientId }),
      }),
    ],
    [
      'an ID token of another end-user',
      async () => ({
        id_token_hint: await suite.idToken({ sub: 'mallory', aud: client.clientId }),
        post_logout_redirect_uri: afterwards,
      }),
    ],
  ])('%s', async (_, parametersOf) => {
    const { browser, id_token_hint } = await loggedIn()
    const answer = await logout(browser, await parametersOf(id_token_hint))
    expect(pageErrorOf(answer)).toMatch(/^invalid_(request|client)$/)
    expect(await isLoggedIn(browser)).toBe(true)
  })

  it('ER-12: a parameter sent twice', async () => {
    expect(pageErrorOf(await logout(suite.browser(), {}, ['state']))).toBe('invalid_request')
  })

  it('LO-02: an expired ID token is as good as another', async () => {
    const { browser, subject, sid } = await loggedIn()
    const id_token_hint = await suite.idToken({ sub: subject, aud: client.clientId, sid, exp: nowSeconds() - 60 })
    expect(challengeOf(await logout(browser, { id_token_hint }))).not.toBe('')
  })

  it('client_id alone gives a registered place to go to', async () => {
    const parameters = { client_id: client.clientId, post_logout_redirect_uri: afterwards }
    expect(goesTo(await logout(suite.browser(), parameters))).toBe(afterwards)
  })
})

describe('the logout verifier', () => {
  it('LO-03: comes twice: the second time has no effect', async () => {
    const { browser } = await loggedIn()
    const url = await accept(challengeOf(await logout(browser)))
    const cookies = new Map(browser.cookies)
    await resume(browser, url)
    expect((await resume(browser, url)).kind?.$case).toBe('loggedOut')
    for (const [name, value] of cookies) browser.cookies.set(name, value)
    expect((await resume(browser, url)).kind?.$case).toBe('loggedOut')
  })

  it('LO-03: in parallel', async () => {
    const { browser } = await loggedIn()
    const url = await accept(challengeOf(await logout(browser)))
    const answers = await Promise.all(Array.from({ length: 10 }, () => resume(browser, url)))
    expect(new Set(answers.map(({ kind }) => kind?.$case))).toEqual(new Set(['loggedOut']))
  })

  it('LO-03, I8: in another browser it ends nothing', async () => {
    const [victim, attacker] = [await loggedIn(), await loggedIn()]
    const url = await accept(challengeOf(await logout(victim.browser)))
    expect(pageErrorOf(await resume(suite.browser(), url))).toBe('request_forbidden')
    expect(pageErrorOf(await resume(attacker.browser, url))).toBe('request_forbidden')
    expect(await isLoggedIn(victim.browser)).toBe(true)
    expect(await isLoggedIn(attacker.browser)).toBe(true)
  })

  it('cannot be made up, and a challenge is none', async () => {
    const { browser } = await loggedIn()
    const challenge = challengeOf(await logout(browser))
    for (const verifier of ['', 'x', challenge])
      expect(pageErrorOf(await resume(browser, `https://x.test/?logout_verifier=${verifier}`))).toBe('not_found')
    expect(await isLoggedIn(browser)).toBe(true)
  })

  it('the first decision stands, and after the end there is nothing to decide', async () => {
    const first = await loggedIn()
    const rejected = challengeOf(await logout(first.browser))
    await suite.one.logout.rejectLogoutRequest({ logoutChallenge: rejected, rejection: undefined })
    expect((await refusalOf(accept(rejected))).code).toBe('conflict')
    const accepted = challengeOf(await logout(first.browser))
    const url = await accept(accepted)
    const late = suite.one.logout.rejectLogoutRequest({ logoutChallenge: accepted, rejection: undefined })
    expect((await refusalOf(late)).code).toBe('conflict')
    await resume(first.browser, url)
    expect((await refusalOf(suite.one.logout.getLogoutRequest({ logoutChallenge: accepted }))).code).toBe('gone')
  })
})

describe('revoke_tokens_on_logout', () => {
  const refreshTokenOf = async (browser: Browser, who: Client) => {
    const { parameters } = await browser.authorize(ordinary(who))
    return (await suite.redeem(who, parameters.code ?? '')).refreshToken
  }

  it('ends the grants of this login session at clients that ask for it, and no others', async () => {
    const ending = await suite.register({ revokeTokensOnLogout: true })
    const { browser, subject } = await loggedIn()
    const [ends, stays] = [await refreshTokenOf(browser, ending), await refreshTokenOf(browser, client)]
    const elsewhere = suite.browser()
    await elsewhere.authorize(ordinary(ending), { login: { subject, remember: true } })
    const otherSession = await refreshTokenOf(elsewhere, ending)
    await resume(browser, await accept(challengeOf(await logout(browser))))
    expect((await refusalOf(suite.refresh(ending, ends))).code).toBe('invalid_grant')
    await suite.refresh(client, stays)
    await suite.refresh(ending, otherSession)
  })

  it('where all clients of the session ask for it', async () => {
    const ending = await suite.register({ revokeTokensOnLogout: true })
    const { browser } = await loggedIn(ending)
    const ends = await refreshTokenOf(browser, ending)
    await resume(browser, await accept(challengeOf(await logout(browser))))
    expect((await refusalOf(suite.refresh(ending, ends))).code).toBe('invalid_grant')
  })

  it('I4, I11: an outage is told, and the same verifier ends the grants afterwards', async () => {
    const ending = await suite.register({ revokeTokensOnLogout: true })
    const { browser } = await loggedIn(ending)
    const ends = await refreshTokenOf(browser, ending)
    const url = await accept(challengeOf(await logout(browser)))
    suite.links.tokens.cut()
    try {
      expect((await refusalOf(resume(browser, url))).code).toBe('temporarily_unavailable')
    } finally {
      suite.links.tokens.mend()
    }
    await resume(browser, url)
    expect((await refusalOf(suite.refresh(ending, ends))).code).toBe('invalid_grant')
  })

  it('LO-07: a flow under way in the session neither brings it back nor keeps a grant', async () => {
    const ending = await suite.register({ revokeTokensOnLogout: true })
    const { browser, subject } = await loggedIn(ending)
    const going = await browser.acceptConsent(await browser.askConsent(ordinary(ending), { subject }))
    await resume(browser, await accept(challengeOf(await logout(browser))))
    expect(errorOf(await browser.resume(going))).toBe('login_required')
    const alive = 'SELECT FROM token."grant" WHERE subject = $1 AND revoked_at IS NULL'
    expect((await suite.database.query(alive, [subject])).rows).toEqual([])
    expect(await isLoggedIn(browser)).toBe(false)
  })
})
