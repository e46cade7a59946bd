// Remembered consents: when the end-user has to be asked, what was allowed so far, and how it ends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '#proto/client/v1/client_service.js'
import type { RevokeConsentSessionsRequest } from '#proto/consent/v1/consent_service.js'
import { refusalOf } from '../support/client_service.js'
import {
  type Browser,
  type ConsentDecision,
  ConsentSuite,
  errorOf,
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

const newSubject = (() => {
  let count = 0
  return () => `user-${++count}`
})()

const scope = 'openid profile'

interface Consented {
  readonly browser: Browser
  readonly subject: string
}

/** Somebody who is logged in and has allowed the client something. */
async function consented(
  decision: ConsentDecision = {},
  parameters: Parameters = {},
  who: Client = client,
): Promise<Consented> {
  const [browser, subject] = [suite.browser(), newSubject()]
  const consent = { remember: true, ...decision }
  await browser.authorize(ordinary(who, { scope, ...parameters }), { login: { subject, remember: true }, consent })
  return { browser, subject }
}

async function consentRequestOf({ browser }: Consented, parameters: Parameters = {}, who: Client = client) {
  const consentChallenge = await browser.askConsent(ordinary(who, { scope, ...parameters }))
  const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
  if (!consentRequest) throw new Error('no consent request')
  return consentRequest
}

const skips = async (who: Consented, parameters: Parameters = {}, asking: Client = client): Promise<boolean> =>
  (await consentRequestOf(who, parameters, asking)).skip

describe('a remembered consent', () => {
  it('covers the same and less, and not more', async () => {
    const who = await consented()
    expect(await skips(who)).toBe(true)
    expect(await skips(who, { scope: 'openid' })).toBe(true)
    expect(await skips(who, { scope: 'openid profile photos.read' })).toBe(false)
  })

  it('covers what was granted, and not what was only requested', async () => {
    const who = await consented({ grantScope: ['openid'] })
    expect(await skips(who)).toBe(false)
    expect(await skips(who, { scope: 'openid' })).toBe(true)
  })

  it('compares scopes by the scope strategy', async () => {
    const photos = { scope: 'openid photos.*' }
    const who = await consented({}, photos)
    expect(await skips(who, { scope: 'openid photos.read' })).toBe(true)
    const browser = suite.browser()
    browser.instance = await suite.add({ ...suite.config, strategies: { ...suite.config.strategies, scope: 'exact' } })
    const subject = newSubject()
    const exact = await suite.register({ scope: 'openid photos.* photos.read' })
    const decision = { login: { subject, remember: true }, consent: { remember: true } }
    await browser.authorize(ordinary(exact, photos), decision)
    expect(await skips({ browser, subject }, photos, exact)).toBe(true)
    expect(await skips({ browser, subject }, { scope: 'openid photos.read' }, exact)).toBe(false)
  })

  it('does not cover an audience that was not granted', async () => {
    const who = await consented({}, { audience: 'https://api.test' })
    expect(await skips(who, { audience: 'https://api.test' })).toBe(true)
    expect(await skips(who)).toBe(true)
    expect(await skips(who, { audience: 'https://other.test' })).toBe(false)
    expect(await skips(who, { audience: 'https://api.test https://other.test' })).toBe(false)
  })

  it('is of one subject and one client', async () => {
    const who = await consented()
    expect(await skips(who, {}, await suite.register())).toBe(false)
    const other = suite.browser()
    await other.authorize(ordinary(client, { scope }), { login: { subject: newSubject(), remember: true } })
    expect(await skips({ browser: other, subject: '' })).toBe(false)
  })

  it('is of one registration: a client registered again under the same id is another', async () => {
    const first = await suite.register({ clientId: 'registered-twice' })
    const who = await consented({}, {}, first)
    await suite.clients.deleteClient({ clientId: first.clientId })
    const second = await suite.register({ clientId: 'registered-twice' })
    expect(await skips(who, {}, second)).toBe(false)
  })

  it('is none where it was not to be remembered, or its time is over', async () => {
    expect(await skips(await consented({ remember: false }))).toBe(false)
    const who = await consented({ rememberFor: 3_600 })
    expect(await skips(who)).toBe(true)
    await suite.database.query('UPDATE consent_session SET remembered_until = now() WHERE subject = $1', [who.subject])
    expect(await skips(who)).toBe(false)
  })

  it('is none that came of one: only what the end-user was asked counts', async () => {
    const who = await consented()
    await who.browser.authorize(ordinary(client, { scope }), { consent: { remember: true } })
    await suite.database.query(
      'UPDATE consent_session SET remembered_until = now() WHERE subject = $1 AND based_on IS NULL',
      [who.subject],
    )
    expect(await skips(who)).toBe(false)
  })

  it('ER-05: prompt=none where it does not cover: consent_required', async () => {
    const { browser } = await consented()
    const request = ordinary(client, { scope: 'openid photos.read', prompt: 'none' })
    const url = await browser.acceptLogin(await browser.askLogin(request))
    expect(errorOf(await browser.resume(url))).toBe('consent_required')
  })

  it('prompt=consent: the end-user is asked all the same', async () => {
    expect(await skips(await consented(), { prompt: 'consent' })).toBe(false)
  })
})

describe('skip_consent', () => {
  it('is enforced by the server, also for prompt=none', async () => {
    const trusted = await suite.register({ skipConsent: true })
    const who = await consented({ remember: false }, {}, trusted)
    expect(await skips(who, {}, trusted)).toBe(true)
    expect(await skips(who, { prompt: 'none' }, trusted)).toBe(true)
    const { parameters } = await who.browser.authorize(ordinary(trusted, { scope, prompt: 'none' }))
    expect(parameters.code).toMatch(/./)
  })

  it('remembers nothing: without it the end-user is asked', async () => {
    const trusted = await suite.register({ skipConsent: true })
    const who = await consented({ remember: true }, {}, trusted)
    const changed = { ...trusted, skipConsent: false }
    await suite.clients.updateClient({ client: changed, updateMask: undefined, clientSecret: '' })
    expect(await skips(who, {}, trusted)).toBe(false)
  })

  it('prompt=consent: the end-user is asked all the same', async () => {
    const trusted = await suite.register({ skipConsent: true })
    expect(await skips(await consented({}, {}, trusted), { prompt: 'consent' }, trusted)).toBe(false)
  })
})

describe('BR-17: a public client', () => {
  const native = (redirect: string, more: Partial<Client> = {}) =>
    suite.register({ tokenEndpointAuthMethod: 'none', redirectUris: [redirect], ...more })

  it('with a custom scheme is asked for each time', async () => {
    const redirect_uri = 'com.example.app:/cb'
    for (const app of [await native(redirect_uri), await native(redirect_uri, { skipConsent: true })]) {
      const who = await consented({}, { redirect_uri }, app)
      expect(await skips(who, { redirect_uri }, app)).toBe(false)
      const silent = ordinary(app, { redirect_uri, prompt: 'none' })
      expect(errorOf(await who.browser.start(silent))).toBe('consent_required')
    }
  })

  it.each(['https://app.test/cb', 'http://127.0.0.1/cb', 'http://localhost:9000/cb'])(
    'with %s is not',
    async (redirect_uri) => {
      const app = await native(redirect_uri)
      const who = await consented({}, { redirect_uri }, app)
      expect(await skips(who, { redirect_uri }, app)).toBe(true)
    },
  )

  it('that is confidential may have one', async () => {
    const redirect_uri = 'com.example.app:/cb'
    const app = await suite.register({ redirectUris: [redirect_uri] })
    expect(await skips(await consented({}, { redirect_uri }, app), { redirect_uri }, app)).toBe(true)
  })
})

describe('the list of consent sessions', () => {
  const listOf = (subject: string, more: object = {}) =>
    suite.one.consent.listConsentSessions({ subject, loginSessionId: '', pageSize: 0, pageToken: '', ...more })

  it('says what was requested and what was granted', async () => {
    const context = { why: 'test' }
    const session = { accessToken: { a: 1 }, idToken: { b: [true] } }
    const decision = { grantScope: ['openid'], grantAccessTokenAudience: [], session, context, rememberFor: 60 }
    const who = await consented(decision, { audience: 'https://api.test' })
    const { consentSessions, nextPageToken } = await listOf(who.subject)
    expect(nextPageToken).toBe('')
    expect(consentSessions).toHaveLength(1)
    const [only] = consentSessions
    expect(only).toMatchObject({
      grantScope: ['openid'],
      grantAccessTokenAudience: [],
      session,
      context,
      remember: true,
      rememberFor: 60,
      consentRequest: {
        challenge: '',
        loginChallenge: '',
        subject: who.subject,
        requestedScope: ['openid', 'profile'],
        requestedAccessTokenAudience: ['https://api.test'],
        client: { clientId: client.clientId },
      },
    })
    expect(only?.consentRequestId).toBe(only?.consentRequest?.consentRequestId)
    expect((only?.expiresAt?.getTime() ?? 0) - (only?.handledAt?.getTime() ?? 0)).toBeGreaterThan(59_000)
    const request = new URL(only?.consentRequest?.requestUrl ?? '').searchParams
    expect(request.get('audience')).toBe('https://api.test')
    expect(request.get('client_id')).toBe(client.clientId)
  })

  it('keeps nothing of a request that was good for one answer', async () => {
    const once = { state: 'a-state-of-one-answer', nonce: 'a-nonce-of-one-answer' }
    const who = await consented({}, once)
    const [only] = (await listOf(who.subject)).consentSessions
    const request = new URL(only?.consentRequest?.requestUrl ?? '').searchParams
    for (const name of ['state', 'nonce', 'code_challenge', 'code_challenge_method'])
      expect(request.has(name)).toBe(false)
  })

  it('comes in pages, newest first, each session once, whatever is added meanwhile', async () => {
    const who = await consented()
    const again = () =>
      who.browser.authorize(ordinary(client, { scope, prompt: 'consent' }), { consent: { remember: true } })
    for (let index = 0; index < 6; index++) await again()
    const seen: string[] = []
    let pageToken = ''
    do {
      const page = await listOf(who.subject, { pageSize: 2, pageToken })
      seen.push(...page.consentSessions.map(({ handledAt }) => handledAt?.toISOString() ?? ''))
      pageToken = page.nextPageToken
      if (seen.length === 2) await again()
    } while (pageToken !== '')
    expect(seen).toHaveLength(7)
    expect(seen).toEqual(seen.toSorted().toReversed())
  })

  it('leaves out what was not asked, what was refused, and what ended with its client', async () => {
    const gone = await suite.register()
    const who = await consented({}, {}, gone)
    await who.browser.authorize(ordinary(client, { scope }), { consent: { remember: true } })
    await who.browser.authorize(ordinary(client, { scope }))
    const challenge = await who.browser.askConsent(ordinary(client, { scope, prompt: 'login consent' }), {
      subject: who.subject,
      remember: true,
    })
    const { redirectTo } = await suite.one.consent.rejectConsentRequest({
      consentChallenge: challenge,
      rejection: undefined,
    })
    await who.browser.resume(redirectTo)
    await suite.clients.deleteClient({ clientId: gone.clientId })
    const { consentSessions } = await listOf(who.subject)
    expect(consentSessions.map(({ consentRequest }) => consentRequest?.client?.clientId)).toEqual([client.clientId])
  })

  it('of one login session', async () => {
    const who = await consented()
    const { loginSessionId } = await consentRequestOf(who)
    const elsewhere = suite.browser()
    await elsewhere.authorize(ordinary(client, { scope }), { login: { subject: who.subject, remember: true } })
    const other = await suite.register()
    const inBoth = { login: { subject: who.subject, remember: true }, consent: { remember: true } }
    await who.browser.authorize(ordinary(other, { scope }), inBoth)
    await elsewhere.authorize(ordinary(await suite.register(), { scope }), inBoth)
    const clientsOf = async (more: object = {}) =>
      (await listOf(who.subject, more)).consentSessions.map(({ consentRequest }) => consentRequest?.client?.clientId)
    expect(await clientsOf()).toHaveLength(3)
    expect(await clientsOf({ loginSessionId })).toEqual([other.clientId, client.clientId])
    const [second] = (await listOf(who.subject, { loginSessionId })).consentSessions
    expect((await listOf(who.subject, { loginSessionId: second?.consentRequestId })).consentSessions).toEqual([])
    expect((await listOf(who.subject, { loginSessionId: 'no-uuid' })).consentSessions).toEqual([])
  })

  it.each([[{ subject: '' }], [{ pageSize: 501 }], [{ pageToken: 'x' }], [{ pageToken: 'A'.repeat(200) }]])(
    'AD-04: %j is refused',
    async (request) => {
      expect((await refusalOf(listOf('alice', request))).code).toBe('invalid_request')
    },
  )
})

describe('revoking consent sessions', () => {
  const revoke = (selector: RevokeConsentSessionsRequest['selector']) =>
    suite.one.consent.revokeConsentSessions({ selector })

  /** Somebody with live tokens. */
  async function withTokens(who: Consented, parameters: Parameters = {}, asking = client) {
    const request = ordinary(asking, { scope: 'openid offline_access', ...parameters })
    const answer = await who.browser.authorize(request, { consent: { remember: true } })
    return suite.redeem(asking, answer.parameters.code ?? '')
  }

  it.each([
    ['subject', (who: Consented) => ({ $case: 'subject' as const, value: who.subject })],
    [
      'subject and client',
      (who: Consented) => ({
        $case: 'subjectAndClient' as const,
        value: { subject: who.subject, clientId: client.clientId },
      }),
    ],
  ])('I12: of a %s: nothing is remembered, and the tokens end', async (_, selectorOf) => {
    const who = await consented()
    const { refreshToken } = await withTokens(who)
    expect(await revoke(selectorOf(who))).toEqual({ revoked: 2, pending: false })
    expect(await skips(who)).toBe(false)
    expect((await refusalOf(suite.refresh(client, refreshToken))).code).toBe('invalid_grant')
    expect(await revoke(selectorOf(who))).toEqual({ revoked: 0, pending: false })
  })

  it('of a subject and a client: other clients and subjects keep theirs', async () => {
    const [who, other] = [await consented(), await consented()]
    const second = await suite.register()
    const kept = [await withTokens(who, {}, second), await withTokens(other)] as const
    await revoke({ $case: 'subjectAndClient', value: { subject: who.subject, clientId: client.clientId } })
    await suite.refresh(second, kept[0].refreshToken)
    await suite.refresh(client, kept[1].refreshToken)
    expect(await skips(other)).toBe(true)
  })

  it('of one: what rests on it ends with it, and nothing else', async () => {
    const who = await consented({}, { scope: 'openid offline_access' })
    const resting = await withTokens(who)
    const other = await who.browser.authorize(ordinary(client, { prompt: 'consent' }), { consent: { remember: true } })
    const kept = await suite.redeem(client, other.parameters.code ?? '')
    const request = { subject: who.subject, loginSessionId: '', pageSize: 0, pageToken: '' }
    const { consentSessions } = await suite.one.consent.listConsentSessions(request)
    expect(consentSessions).toHaveLength(2)
    const value = consentSessions[1]?.consentRequestId ?? ''
    expect(await revoke({ $case: 'consentRequestId', value })).toEqual({ revoked: 1, pending: false })
    expect((await refusalOf(suite.refresh(client, resting.refreshToken))).code).toBe('invalid_grant')
    await suite.refresh(client, kept.refreshToken)
  })

  it('I4: no flow under way brings a consent back, neither one that rests on it nor one given before', async () => {
    const who = await consented()
    const fresh = suite.browser()
    const resting = await who.browser.acceptConsent(await who.browser.askConsent(ordinary(client, { scope })))
    const giving = await fresh.acceptConsent(await fresh.askConsent(ordinary(client), { subject: who.subject }), {
      remember: true,
    })
    await revoke({ $case: 'subject', value: who.subject })
    expect(errorOf(await who.browser.resume(resting))).toBe('consent_required')
    expect(errorOf(await fresh.resume(giving))).toBe('consent_required')
    expect(await skips(who)).toBe(false)
    const grants = 'SELECT FROM token."grant" WHERE subject = $1 AND revoked_at IS NULL'
    expect((await suite.database.query(grants, [who.subject])).rows).toEqual([])
  })

  it('I4: nor one whose consent app answers only afterwards for a consent that was known', async () => {
    const who = await consented()
    const challenge = await who.browser.askConsent(ordinary(client, { scope }))
    await revoke({ $case: 'subject', value: who.subject })
    const answer = await who.browser.resume(await who.browser.acceptConsent(challenge))
    expect(errorOf(answer)).toBe('consent_required')
  })

  it('I4: nor one that rests on a row that is not deleted yet', async () => {
    const who = await consented()
    const challenge = await who.browser.askConsent(ordinary(client, { scope }))
    await suite.database.query(
      "INSERT INTO subject_revocation VALUES ('consent', $1, '', clock_timestamp(), now() + interval '1 hour')",
      [who.subject],
    )
    const answer = await who.browser.resume(await who.browser.acceptConsent(challenge))
    expect(errorOf(answer)).toBe('consent_required')
    expect(await skips(who)).toBe(false)
  })

  it('I4: nor one that rests on a single consent that was revoked', async () => {
    const who = await consented()
    const request = { subject: who.subject, loginSessionId: '', pageSize: 0, pageToken: '' }
    const [only] = (await suite.one.consent.listConsentSessions(request)).consentSessions
    const url = await who.browser.acceptConsent(await who.browser.askConsent(ordinary(client, { scope })))
    await revoke({ $case: 'consentRequestId', value: only?.consentRequestId ?? '' })
    expect(errorOf(await who.browser.resume(url))).toBe('consent_required')
  })

  it('a consent given afterwards counts', async () => {
    const who = await consented()
    await revoke({ $case: 'subject', value: who.subject })
    const answer = await who.browser.authorize(ordinary(client, { scope }), { consent: { remember: true } })
    await suite.redeem(client, answer.parameters.code ?? '')
    expect(await skips(who)).toBe(true)
  })

  it('I11: an outage of the token service is told; nothing counts any more; and it can be done again', async () => {
    const who = await consented()
    const { refreshToken } = await withTokens(who)
    const selector = { $case: 'subject' as const, value: who.subject }
    suite.links.tokens.cut()
    try {
      expect((await refusalOf(revoke(selector))).code).toBe('temporarily_unavailable')
    } finally {
      suite.links.tokens.mend()
    }
    expect(await skips(who)).toBe(false)
    await revoke(selector)
    expect((await refusalOf(suite.refresh(client, refreshToken))).code).toBe('invalid_grant')
  })

  it.each([
    [undefined],
    [{ $case: 'subject' as const, value: '' }],
    [{ $case: 'subject' as const, value: 'a\0b' }],
    [{ $case: 'subjectAndClient' as const, value: { subject: 'alice', clientId: '' } }],
  ])('%j says too little', async (selector) => {
    expect((await refusalOf(revoke(selector))).code).toBe('invalid_request')
  })

  it('of an unknown id is no error', async () => {
    for (const value of ['no-uuid', '00000000-0000-4000-8000-000000000000'])
      expect(await revoke({ $case: 'consentRequestId', value })).toEqual({ revoked: 0, pending: false })
  })
})

it('a code that came of skipped consent is as good as another', async () => {
  const who = await consented({}, { scope: 'openid offline_access' })
  const { parameters } = await who.browser.authorize(
    ordinary(client, { scope: 'openid offline_access', prompt: 'none' }),
  )
  expect((await suite.redeem(client, parameters.code ?? '')).refreshToken).not.toBe('')
})
