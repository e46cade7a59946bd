// Who may go on with a flow: the browser that began it, once, with what was decided first.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '#proto/client/v1/client_service.js'
import { AcceptConsentRequestRequest } from '#proto/consent/v1/consent_service.js'
import { AcceptLoginRequestRequest } from '#proto/consent/v1/login_service.js'
import { refusalOf } from '../support/client_service.js'
import { type Browser, ConsentSuite, challengeOf, ordinary, pageErrorOf, responseOf } from '../support/consent_suite.js'

let suite: ConsentSuite
let client: Client

beforeAll(async () => {
  suite = await ConsentSuite.start({}, 2)
  client = await suite.register()
})
afterAll(() => suite.stop())

const names = () => suite.config.serve.cookies.names
const cookiesLike = (browser: Browser, prefix: string) =>
  [...browser.cookies.keys()].filter((name) => name.startsWith(`${prefix}_`))

/** A browser before each leg that a verifier begins, and where it goes. */
async function beforeLeg(leg: 'login' | 'consent'): Promise<{ browser: Browser; url: string }> {
  const browser = suite.browser()
  if (leg === 'login') return { browser, url: await browser.acceptLogin(await browser.askLogin(ordinary(client))) }
  return { browser, url: await browser.acceptConsent(await browser.askConsent(ordinary(client))) }
}

const legs = ['login', 'consent'] as const

describe.each(legs)('the %s verifier', (leg) => {
  it('BR-03, I8: works once, also where the cookie is brought back', async () => {
    const { browser, url } = await beforeLeg(leg)
    const cookies = new Map(browser.cookies)
    const first = await browser.resume(url)
    if (leg === 'consent') expect(responseOf(first).parameters.code).toMatch(/./)
    else challengeOf(first, 'consent')
    expect(pageErrorOf(await browser.resume(url))).toBe('request_forbidden')
    for (const [name, value] of cookies) browser.cookies.set(name, value)
    expect(pageErrorOf(await browser.resume(url))).toBe('access_denied')
  })

  it('BR-03, I8: works once in parallel', async () => {
    const { browser, url } = await beforeLeg(leg)
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.resume(url)))
    const refused = answers.filter((answer) => answer.kind?.$case === 'error')
    expect(refused.map(pageErrorOf)).toEqual(Array(19).fill('access_denied'))
  })

  it('BR-04: is refused without a cookie, with another flow’s cookie, and with a made-up one', async () => {
    const { browser, url } = await beforeLeg(leg)
    expect(pageErrorOf(await suite.browser().resume(url))).toBe('request_forbidden')
    const stranger = (await beforeLeg(leg)).browser
    expect(pageErrorOf(await stranger.resume(url))).toBe('request_forbidden')
    const [own = ''] = cookiesLike(browser, names()[`${leg}_csrf`])
    const [theirs = ''] = cookiesLike(stranger, names()[`${leg}_csrf`])
    for (const value of [stranger.cookies.get(theirs) ?? '', 'x', '', 'A'.repeat(27)]) {
      const forged = suite.browser()
      forged.cookies.set(own, value)
      expect(pageErrorOf(await forged.resume(url))).toBe('request_forbidden')
    }
    expect((await browser.resume(url)).kind?.$case).not.toBe('error')
  })

  it('BR-06: is refused tampered, truncated, as the other one, and as a challenge', async () => {
    const { browser, url } = await beforeLeg(leg)
    const verifier = new URL(url).searchParams.get(`${leg}_verifier`) ?? ''
    const other = leg === 'login' ? 'consent' : 'login'
    const changed = [
      [leg, `${verifier.slice(0, -3)}AAA`],
      [leg, verifier.slice(0, -1)],
      [leg, `${verifier}=`],
      [other, verifier],
    ]
    for (const [name, value] of changed)
      expect(pageErrorOf(await browser.resume(`https://x.test/?${name}_verifier=${value}`))).toBe('access_denied')
    const challenge = await browser.askLogin(ordinary(client))
    expect(pageErrorOf(await browser.resume(`https://x.test/?${leg}_verifier=${challenge}`))).toBe('access_denied')
  })

  it('BR-06: is refused where it was sealed by another server', async () => {
    const { browser, url } = await beforeLeg(leg)
    const secrets = { system: ['the system secret of a stranger'], cookie: suite.config.secrets.cookie, pagination: [] }
    const stranger = await suite.add({ ...suite.config, secrets: { ...secrets, pagination: secrets.system } })
    browser.instance = stranger
    expect(pageErrorOf(await browser.resume(url))).toBe('access_denied')
  })

  it('works at another instance than the one that made it', async () => {
    const { browser, url } = await beforeLeg(leg)
    browser.instance = suite.instances[1] as typeof browser.instance
    expect((await browser.resume(url)).kind?.$case).not.toBe('error')
  })
})

it('I8: of one consent verifier at two instances at once, one gets a code', async () => {
  for (let round = 0; round < 25; round++) {
    const { browser, url } = await beforeLeg('consent')
    const verifier = {
      $case: 'consentVerifier' as const,
      value: new URL(url).searchParams.get('consent_verifier') ?? '',
    }
    const request = { verifier, cookies: browser.cookieHeader }
    const calls = [...suite.instances.slice(0, 2), ...suite.instances.slice(0, 2)].map((instance) =>
      instance.authorization.resumeAuthorization(request),
    )
    const kinds = (await Promise.all(calls)).map(({ answer }) => answer?.kind?.$case).toSorted()
    expect(kinds).toEqual(['error', 'error', 'error', 'response'])
  }
})

it('I8: a login verifier used at two instances leads to one code', async () => {
  const { browser, url } = await beforeLeg('login')
  const cookies = new Map(browser.cookies)
  const first = challengeOf(await browser.resume(url), 'consent')
  const twin = suite.browser()
  twin.instance = suite.instances[1] as typeof twin.instance
  for (const [name, value] of cookies) twin.cookies.set(name, value)
  const second = challengeOf(await twin.resume(url), 'consent')
  expect(responseOf(await browser.resume(await browser.acceptConsent(first))).parameters.code).toMatch(/./)
  expect(pageErrorOf(await twin.resume(await twin.acceptConsent(second)))).toBe('access_denied')
})

it('BR-05: the login of one flow and the consent of another do not go together', async () => {
  const victim = await beforeLeg('consent')
  const attacker = await beforeLeg('login')
  expect(pageErrorOf(await attacker.browser.resume(victim.url))).toBe('request_forbidden')
})

describe('BR-07: the first decision stands', () => {
  const rejection = { error: 'access_denied', errorDescription: '', errorHint: '', errorDebug: '', statusCode: 0 }

  it('of the login app', async () => {
    const loginChallenge = await suite.browser().askLogin(ordinary(client))
    const acceptAs = (subject: string) =>
      suite.one.login.acceptLoginRequest(AcceptLoginRequestRequest.fromPartial({ loginChallenge, subject }))
    const first = await acceptAs('alice')
    expect(await acceptAs('alice')).toEqual(first)
    expect((await refusalOf(acceptAs('mallory'))).code).toBe('conflict')
    expect((await refusalOf(suite.one.login.rejectLoginRequest({ loginChallenge, rejection }))).code).toBe('conflict')
  })

  it('of the login app, in parallel', async () => {
    const loginChallenge = await suite.browser().askLogin(ordinary(client))
    const calls = ['alice', 'bob', 'carol'].map((subject) =>
      suite.one.login.acceptLoginRequest(AcceptLoginRequestRequest.fromPartial({ loginChallenge, subject })),
    )
    const outcomes = (await Promise.allSettled(calls)).map(({ status }) => status)
    expect(outcomes).toEqual(['fulfilled', 'rejected', 'rejected'])
  })

  it('after a rejection', async () => {
    const loginChallenge = await suite.browser().askLogin(ordinary(client))
    const first = await suite.one.login.rejectLoginRequest({ loginChallenge, rejection })
    expect(await suite.one.login.rejectLoginRequest({ loginChallenge, rejection })).toEqual(first)
    const accepted = suite.one.login.acceptLoginRequest(
      AcceptLoginRequestRequest.fromPartial({ loginChallenge, subject: 'alice' }),
    )
    expect((await refusalOf(accepted)).code).toBe('conflict')
  })

  it('of the consent app, also where its data is stored', async () => {
    for (const context of [undefined, { big: 'x'.repeat(5_000) }]) {
      const consentChallenge = await suite.browser().askConsent(ordinary(client))
      const accept = (grantScope: string[], data: object | undefined) =>
        suite.one.consent.acceptConsentRequest(
          AcceptConsentRequestRequest.fromPartial({ consentChallenge, grantScope, ...(data && { context: data }) }),
        )
      const first = await accept(['openid'], context)
      expect(await accept(['openid'], context)).toEqual(first)
      expect((await refusalOf(accept(['profile'], context))).code).toBe('conflict')
      expect((await refusalOf(accept(['openid'], { other: 'y'.repeat(5_000) }))).code).toBe('conflict')
      expect((await refusalOf(suite.one.consent.rejectConsentRequest({ consentChallenge, rejection }))).code).toBe(
        'conflict',
      )
    }
  })

  it('of large data, at any instance', async () => {
    const consentChallenge = await suite.browser().askConsent(ordinary(client))
    const accept = (index: number, letter: string) =>
      suite.instances[index]?.consent.acceptConsentRequest(
        AcceptConsentRequestRequest.fromPartial({ consentChallenge, context: { big: letter.repeat(5_000) } }),
      ) ?? Promise.reject()
    await accept(0, 'x')
    expect((await refusalOf(accept(1, 'y'))).code).toBe('conflict')
    await accept(1, 'x')
  })
})

it('BR-08: nothing is granted that was not requested', async () => {
  const request = ordinary(client, { scope: 'openid photos.read', audience: 'https://api.test/photos' })
  const browser = suite.browser()
  const challenge = await browser.askConsent(request)
  const surplus = [
    { grantScope: ['openid', 'profile'] },
    { grantScope: ['photos.*'] },
    { grantScope: ['openid photos.read'] },
    { grantScope: [''] },
    { grantAccessTokenAudience: ['https://api.test'] },
    { grantAccessTokenAudience: ['https://api.test/photos/private'] },
  ]
  for (const decision of surplus) {
    const accepted = browser.acceptConsent(challenge, decision)
    await expect(accepted, JSON.stringify(decision)).rejects.toMatchObject({ code: 'invalid_request' })
  }
  const { parameters } = responseOf(await browser.resume(await browser.acceptConsent(challenge, { grantScope: [] })))
  expect((await suite.redeem(client, parameters.code ?? '')).scope).toBe('')
})

describe('cookies', () => {
  it('BR-15: 60 flows in one browser each end with their own data', async () => {
    const browser = suite.browser()
    const flows = Array.from({ length: 60 }, (_, index) => `state-of-flow-${index}`)
    const challenges = []
    for (const state of flows) challenges.push(await browser.askLogin(ordinary(client, { state })))
    const consents = []
    for (const [index, challenge] of challenges.toReversed().entries()) {
      const url = await browser.acceptLogin(challenge, { subject: `user-${index}` })
      consents.push(challengeOf(await browser.resume(url), 'consent'))
    }
    const size = [...browser.cookies].reduce((sum, [name, value]) => sum + name.length + value.length + 3, 0)
    expect(size).toBeLessThan(8_192)
    const states = []
    for (const challenge of consents) {
      const answer = await browser.resume(await browser.acceptConsent(challenge))
      states.push(responseOf(answer).parameters.state)
    }
    expect(states).toEqual(flows.toReversed())
    expect([...browser.cookies.keys()]).toEqual([])
  })

  it('BR-15: with more flows than that the oldest are given up', async () => {
    const browser = suite.browser()
    const urls = []
    for (let index = 0; index < 120; index++)
      urls.push(await browser.acceptLogin(await browser.askLogin(ordinary(client))))
    expect(browser.cookies.size).toBe(100)
    const size = [...browser.cookies].reduce((sum, [name, value]) => sum + name.length + value.length + 3, 0)
    expect(size).toBeLessThan(8_192)
    challengeOf(await browser.resume(urls.at(-1) ?? ''), 'consent')
  })

  it('#3757: two tabs of one app do not fight', async () => {
    const browser = suite.browser()
    const first = await browser.askLogin(ordinary(client))
    const second = await browser.askLogin(ordinary(client))
    for (const challenge of [first, second]) {
      const consent = challengeOf(await browser.resume(await browser.acceptLogin(challenge)), 'consent')
      expect(responseOf(await browser.resume(await browser.acceptConsent(consent))).parameters.code).toMatch(/./)
    }
  })

  it('BR-12: live no longer than their flow, and say nothing', async () => {
    const { answer } = await suite.one.authorization.startAuthorization({
      parameters: ordinary(client),
      duplicates: [],
      cookies: {},
    })
    const [cookie] = answer?.cookies ?? []
    expect(answer?.cookies).toHaveLength(1)
    expect(cookie?.maxAge).toBe(suite.config.ttl.login_consent_request)
    expect(cookie?.name).toMatch(new RegExp(`^${names().login_csrf}_[\\w-]{8}$`))
    expect(cookie?.value).toMatch(/^[\w-]{27}$/)
  })
})
