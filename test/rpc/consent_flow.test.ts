// A flow from the authorization request to the code, as the login and consent apps and the client see it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../support/client_service.js'
import {
  type Browser,
  ConsentSuite,
  challengeOf,
  errorOf,
  issuer,
  ordinary,
  pageErrorOf,
  redirectUri,
  responseOf,
} from '../support/consent_suite.js'

let suite: ConsentSuite
let browser: Browser

beforeAll(async () => {
  suite = await ConsentSuite.start()
})
afterAll(() => suite.stop())

describe('the flow', () => {
  it('RFC 6749 4.1.2, RFC 9207: ends with a code that the token endpoint takes, with state and iss', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const { parameters, ...destination } = await browser.authorize(ordinary(client))
    expect(destination).toEqual({ redirectUri, responseMode: 'query' })
    expect(Object.keys(parameters).toSorted()).toEqual(['code', 'iss', 'state'])
    expect(parameters).toMatchObject({ iss: issuer, state: 'Zr3cYbR2v0yKq1sUu8mXwA' })
    const tokens = await suite.redeem(client, parameters.code ?? '')
    expect(tokens).toMatchObject({ scope: 'openid offline_access profile', tokenType: 'bearer' })
    expect(tokens.refreshToken).not.toBe('')
  })

  it('the login app is told what was asked, and the whole request URL', async () => {
    const client = await suite.register()
    const request = ordinary(client, {
      audience: 'https://api.test/photos https://other.test',
      acr_values: 'gold silver',
      ui_locales: 'de fr',
      display: 'popup',
      login_hint: 'alice@home.test',
      tenant: 'a&b=c d',
    })
    const loginChallenge = await suite.browser().askLogin(request)
    const { loginRequest } = await suite.one.login.getLoginRequest({ loginChallenge })
    expect(loginRequest).toMatchObject({
      challenge: loginChallenge,
      requestedScope: ['openid', 'offline_access', 'profile'],
      requestedAccessTokenAudience: ['https://api.test/photos', 'https://other.test'],
      skip: false,
      subject: '',
      oidcContext: {
        acrValues: ['gold', 'silver'],
        uiLocales: ['de', 'fr'],
        display: 'popup',
        loginHint: 'alice@home.test',
      },
      client: { clientId: client.clientId, redirectUris: [redirectUri] },
    })
    const url = new URL(loginRequest?.requestUrl ?? '')
    expect(`${url.origin}${url.pathname}`).toBe(`${issuer}/oauth2/auth`)
    expect(Object.fromEntries(url.searchParams)).toEqual(request)
  })

  it('the consent app is told who logged in and how, and what the login app said', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const login = { subject: 'bob', acr: 'gold', amr: ['pwd', 'otp'], context: { device: { trusted: true } } }
    const consentChallenge = await browser.askConsent(ordinary(client), login)
    const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
    expect(consentRequest).toMatchObject({
      challenge: consentChallenge,
      skip: false,
      subject: 'bob',
      acr: 'gold',
      amr: ['pwd', 'otp'],
      context: { device: { trusted: true } },
      client: { clientId: client.clientId },
    })
  })

  it('a consent request names its login challenge, whichever instance is asked and under whose secret', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const asked = await browser.askLogin(ordinary(client))
    const consentChallenge = challengeOf(await browser.resume(await browser.acceptLogin(asked)), 'consent')
    const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
    expect(consentRequest?.loginChallenge).toBe(asked)
    const { secrets } = suite.config
    const system = ['a newer system secret', ...secrets.system]
    const other = await suite.add({ ...suite.config, secrets: { ...secrets, system } })
    const elsewhere = await other.consent.getConsentRequest({ consentChallenge })
    const loginChallenge = elsewhere.consentRequest?.loginChallenge ?? ''
    const { loginRequest } = await other.login.getLoginRequest({ loginChallenge })
    expect(loginRequest?.sessionId).toBe(consentRequest?.loginSessionId)
    expect(loginRequest?.requestUrl).toBe(consentRequest?.requestUrl)
  })

  it('OpenID Connect Core 2: acr is "0" where a class was asked for and none was reached', async () => {
    const client = await suite.register()
    const consentChallenge = await suite.browser().askConsent(ordinary(client, { acr_values: 'gold' }))
    const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
    expect(consentRequest?.acr).toBe('0')
  })

  it('session data, granted scope and audience reach the tokens', async () => {
    const client = await suite.register()
    const request = ordinary(client, { audience: 'https://api.test', scope: 'openid photos.read' })
    const { parameters } = await suite.browser().authorize(request, {
      consent: { grantScope: ['photos.read'], session: { accessToken: { tier: 'gold' }, idToken: { name: 'Alice' } } },
    })
    const tokens = await suite.redeem(client, parameters.code ?? '')
    expect(tokens.scope).toBe('photos.read')
    expect(tokens.idToken).toBe('')
  })

  it.each([
    ['login', 'login_challenge'],
    ['consent', 'consent_challenge'],
  ] as const)('%s URLs that have a query keep it', async (stage, name) => {
    const urls = { login: 'https://ui.test/login?tenant=1', consent: 'https://ui.test/consent?tenant=1#top' }
    const instance = await suite.add({ ...suite.config, urls: { ...suite.config.urls, ...urls } })
    const client = await suite.register()
    browser = suite.browser()
    browser.instance = instance
    let answer = await browser.start(ordinary(client))
    if (stage === 'consent') answer = await browser.resume(await browser.acceptLogin(challengeOf(answer, 'login')))
    const url = new URL(answer.kind?.$case === 'redirectTo' ? answer.kind.value : '')
    expect([...url.searchParams.keys()]).toEqual(['tenant', name])
    expect(url.hash).toBe(stage === 'consent' ? '#top' : '')
  })

  it.each([
    [{ error: 'access_denied', errorDescription: 'No.', errorHint: 'Ask again.' }, 'access_denied', 'No. Ask again.'],
    [{ error: 'interaction_required', errorDescription: 'Later.', errorHint: '' }, 'interaction_required', 'Later.'],
    [undefined, 'access_denied', 'The resource owner denied the request.'],
  ])('ER-04: a login that the app rejects with %j goes back to the client', async (rejection, error, description) => {
    const client = await suite.register()
    browser = suite.browser()
    const loginChallenge = await browser.askLogin(ordinary(client))
    const full = rejection && { ...rejection, errorDebug: '', statusCode: 0 }
    const { redirectTo } = await suite.one.login.rejectLoginRequest({ loginChallenge, rejection: full })
    const { parameters } = responseOf(await browser.resume(redirectTo))
    expect(parameters).toEqual({ error, error_description: description, iss: issuer, state: 'Zr3cYbR2v0yKq1sUu8mXwA' })
  })

  it('ER-04: a consent that the end-user refuses goes back to the client, and nothing is kept', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const consentChallenge = await browser.askConsent(ordinary(client))
    const before = await suite.count('consent_session')
    const { redirectTo } = await suite.one.consent.rejectConsentRequest({ consentChallenge, rejection: undefined })
    expect(errorOf(await browser.resume(redirectTo))).toBe('access_denied')
    expect(await suite.count('consent_session')).toBe(before)
  })

  it('a login that is remembered stays so though the end-user then refuses consent', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const consentChallenge = await browser.askConsent(ordinary(client), { remember: true })
    const { redirectTo } = await suite.one.consent.rejectConsentRequest({ consentChallenge, rejection: undefined })
    expect(errorOf(await browser.resume(redirectTo))).toBe('access_denied')
    const loginChallenge = await browser.askLogin(ordinary(client))
    expect((await suite.one.login.getLoginRequest({ loginChallenge })).loginRequest?.skip).toBe(true)
    expect((await suite.one.consent.listConsentSessions(pageOf('alice'))).consentSessions).not.toContainEqual(
      expect.objectContaining({ grantScope: [] }),
    )
  })

  it.each(['a"b', 'a\\b', 'a\nb', 'x'.repeat(101)])(
    'an error code that cannot be one is refused: %j',
    async (error) => {
      const loginChallenge = await suite.browser().askLogin(ordinary(await suite.register()))
      const rejection = { error, errorDescription: '', errorHint: '', errorDebug: '', statusCode: 0 }
      const refused = await refusalOf(suite.one.login.rejectLoginRequest({ loginChallenge, rejection }))
      expect(refused.code).toBe('invalid_request')
    },
  )

  it('include_legacy_error_fields: the hint is a member of its own', async () => {
    const oauth2 = { ...suite.config.oauth2, include_legacy_error_fields: true }
    browser = suite.browser()
    browser.instance = await suite.add({ ...suite.config, oauth2 })
    const loginChallenge = await browser.askLogin(ordinary(await suite.register()))
    const rejection = { error: 'e', errorDescription: 'D.', errorHint: 'H.', errorDebug: '', statusCode: 0 }
    const { redirectTo } = await browser.instance.login.rejectLoginRequest({ loginChallenge, rejection })
    const { parameters } = responseOf(await browser.resume(redirectTo))
    expect(parameters).toMatchObject({ error: 'e', error_description: 'D.', error_hint: 'H.' })
  })

  it('Hydra 4.3: nothing is granted by scope where none was asked for', async () => {
    const client = await suite.register()
    const { scope: _, ...request } = ordinary(client)
    const { parameters } = await suite.browser().authorize(request)
    expect((await suite.redeem(client, parameters.code ?? '')).scope).toBe('')
  })
})

describe('challenges', () => {
  it('are no longer than 700 characters for an ordinary OpenID request, at every stage', async () => {
    const client = await suite.register({ redirectUris: ['https://application.example.com/oauth2/callback'] })
    browser = suite.browser()
    const request = ordinary(client, { redirect_uri: 'https://application.example.com/oauth2/callback' })
    const subject = '0f8fad5b-d9cb-469f-a165-70867728950e'
    const loginChallenge = await browser.askLogin(request)
    const toLogin = await browser.acceptLogin(loginChallenge, {
      subject,
      remember: true,
      acr: '1',
      amr: ['pwd', 'otp'],
    })
    const consentChallenge = challengeOf(await browser.resume(toLogin), 'consent')
    const session = { accessToken: undefined, idToken: { email: 'alice@example.com', name: 'Alice Example' } }
    const toConsent = await browser.acceptConsent(consentChallenge, { session, remember: true, rememberFor: 3600 })
    const lengths = {
      login_challenge: loginChallenge.length,
      login_verifier: verifierOf(toLogin).length,
      consent_challenge: consentChallenge.length,
      consent_verifier: verifierOf(toConsent).length,
    }
    for (const [name, length] of Object.entries(lengths)) expect(length, name).toBeLessThanOrEqual(700)
    expect(toConsent).toMatch(/^http:\/\/127\.0\.0\.1:4444\/oauth2\/auth\?client_id=[^&]+&consent_verifier=[\w-]+$/)
  })

  it('PostgreSQL keeps what is too large to travel, and the verifier stays short', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const context = { notes: 'n'.repeat(60_000) }
    const toLogin = await browser.acceptLogin(await browser.askLogin(ordinary(client)), { context })
    expect(verifierOf(toLogin).length).toBeLessThan(700)
    const consentChallenge = challengeOf(await browser.resume(toLogin), 'consent')
    const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
    expect(consentRequest?.context).toEqual(context)
    const session = { accessToken: { big: 'b'.repeat(50_000) }, idToken: { list: ['x'.repeat(50_000)] } }
    const toConsent = await browser.acceptConsent(consentChallenge, { session, context })
    expect(verifierOf(toConsent).length).toBeLessThan(700)
    const { parameters } = responseOf(await browser.resume(toConsent))
    await suite.redeem(client, parameters.code ?? '')
    const { consentSessions } = await suite.one.consent.listConsentSessions(pageOf('alice'))
    const kept = consentSessions.find(({ consentRequestId }) => consentRequestId === consentRequest?.consentRequestId)
    expect(kept).toMatchObject({ context, session, consentRequest: { context } })
  })

  it.each([
    ['larger than 64 KiB', { a: 'x'.repeat(65_537) }],
    ['nested too deep', JSON.parse(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`)],
    ['nested far too deep', JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)],
  ])('RL-23, HT-10: a context %s is refused', async (_, context) => {
    const loginChallenge = await suite.browser().askLogin(ordinary(await suite.register()))
    const accepted = suite.browser().acceptLogin(loginChallenge, { context })
    await expect(accepted).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it.each(['', 'a'.repeat(256), 'al\0ice', 'al\nice'])(
    'a subject that cannot be one is refused: %j',
    async (subject) => {
      const loginChallenge = await suite.browser().askLogin(ordinary(await suite.register()))
      const accepted = suite.browser().acceptLogin(loginChallenge, { subject })
      await expect(accepted).rejects.toMatchObject({ code: 'invalid_request' })
    },
  )

  it('not_found for what this server did not make, whatever its form', async () => {
    for (const challenge of ['', 'x', '!'.repeat(50), 'A'.repeat(400), 'A'.repeat(200_000)]) {
      const answer = suite.one.login.getLoginRequest({ loginChallenge: challenge })
      await expect(answer).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  it('Hydra 4.1: request_unauthorized for one that has expired, and a page for its verifier', async () => {
    const client = await suite.register()
    const ttl = { ...suite.config.ttl, login_consent_request: 0 }
    const late = await suite.add({ ...suite.config, ttl })
    browser = suite.browser()
    const loginChallenge = await browser.askLogin(ordinary(client))
    expect((await refusalOf(late.login.getLoginRequest({ loginChallenge }))).code).toBe('request_unauthorized')
    const redirectTo = await browser.acceptLogin(loginChallenge)
    browser.instance = late
    expect(pageErrorOf(await browser.resume(redirectTo))).toBe('request_unauthorized')
  })

  it('Hydra 1.10: gone once the flow has ended', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const loginChallenge = await browser.askLogin(ordinary(client))
    const toLogin = await browser.acceptLogin(loginChallenge)
    const consentChallenge = challengeOf(await browser.resume(toLogin), 'consent')
    responseOf(await browser.resume(await browser.acceptConsent(consentChallenge)))
    const calls = [
      suite.one.login.getLoginRequest({ loginChallenge }),
      suite.one.login.rejectLoginRequest({ loginChallenge, rejection: undefined }),
      suite.one.consent.getConsentRequest({ consentChallenge }),
    ]
    for (const call of calls) expect((await refusalOf(call)).code).toBe('gone')
  })

  it('I12: a client that is deleted, or deleted and registered again, goes on with no flow', async () => {
    const client = await suite.register({ clientId: 'comes-and-goes' })
    browser = suite.browser()
    const consentChallenge = await browser.askConsent(ordinary(client))
    const redirectTo = await browser.acceptConsent(consentChallenge)
    await suite.clients.deleteClient({ clientId: client.clientId })
    await suite.register({ clientId: 'comes-and-goes' })
    expect((await refusalOf(suite.one.consent.getConsentRequest({ consentChallenge }))).code).toBe('not_found')
    expect(pageErrorOf(await browser.resume(redirectTo))).toBe('invalid_client')
  })

  it('I12: a client whose redirect URI or scope was taken away goes on with no flow that needs it', async () => {
    const client = await suite.register({ redirectUris: [redirectUri, 'https://app.test/other'] })
    const clientOf = (change: object) => ({ ...client, ...change })
    const update = (change: object) =>
      suite.clients.updateClient({ client: clientOf(change), updateMask: undefined, clientSecret: '' })
    browser = suite.browser()
    const redirectTo = await browser.acceptLogin(await browser.askLogin(ordinary(client)))
    await update({ redirectUris: ['https://app.test/other'] })
    expect(pageErrorOf(await browser.resume(redirectTo))).toBe('invalid_request')
    await update({ scope: 'openid' })
    expect(errorOf(await browser.resume(redirectTo))).toBe('invalid_scope')
  })

  it('I12: a request without a redirect URI does not go on to another than it began with', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const { redirect_uri: _, ...request } = ordinary(client, { scope: 'profile' })
    const redirectTo = await browser.acceptLogin(await browser.askLogin(request))
    const changed = { ...client, redirectUris: ['https://app.test/moved'] }
    await suite.clients.updateClient({ client: changed, updateMask: undefined, clientSecret: '' })
    expect(pageErrorOf(await browser.resume(redirectTo))).toBe('invalid_request')
  })

  it('secrets that are put behind a new one still open what they sealed (BF-09)', async () => {
    const client = await suite.register()
    browser = suite.browser()
    const redirectTo = await browser.acceptLogin(await browser.askLogin(ordinary(client)))
    const { secrets } = suite.config
    const fresh = {
      system: ['another system secret', ...secrets.system],
      cookie: ['another cookie secret', ...secrets.cookie],
    }
    browser.instance = await suite.add({ ...suite.config, secrets: { ...secrets, ...fresh } })
    expect(challengeOf(await browser.resume(redirectTo), 'consent')).not.toBe('')
  })
})

function verifierOf(url: string): string {
  const query = new URL(url).searchParams
  return query.get('login_verifier') ?? query.get('consent_verifier') ?? ''
}

const pageOf = (subject: string) => ({ subject, loginSessionId: '', pageSize: 0, pageToken: '' })
