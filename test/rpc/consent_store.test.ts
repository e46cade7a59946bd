// What a flow costs the database, what races at its end come to, and how what has expired is deleted.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '#proto/client/v1/client_service.js'
import { type Browser, ConsentSuite, challengeOf, errorOf, ordinary, responseOf } from '../support/consent_suite.js'
import { eventually } from '../support/eventually.js'
import { countStatements } from '../support/token_service.js'

let suite: ConsentSuite
let client: Client

beforeAll(async () => {
  suite = await ConsentSuite.start({}, 2)
  client = await suite.register()
})
afterAll(() => suite.stop())

const newSubject = (() => {
  let count = 0
  return () => `user-${++count}`
})()

/** What the consent schema was asked; other services' statements are left out. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const { texts } = await countStatements(suite.database, work)
  return texts.filter((text) => /\b(login_session|consent_session|accepted_payload|subject_revocation)\b/.test(text))
}

const isWrite = (text: string): boolean => /INSERT|UPDATE|DELETE/.test(text)

describe('statements', () => {
  it('design 3: a flow costs nothing until its end, and there one statement', async () => {
    const browser = suite.browser()
    // The first flow prepares what is prepared once.
    await browser.authorize(ordinary(client))
    const legs: Record<string, string[]> = {}
    const leg = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      let result: T | undefined
      legs[name] = await statementsOf(async () => {
        result = await work()
      })
      return result as T
    }
    const challenge = await leg('authorize', () => browser.askLogin(ordinary(client)))
    const url = await leg('accept login', () => browser.acceptLogin(challenge, { subject: 'bob', remember: true }))
    const consent = await leg('login verifier', async () => challengeOf(await browser.resume(url), 'consent'))
    const end = await leg('accept consent', () => browser.acceptConsent(consent, { remember: true }))
    await leg('consent verifier', () => browser.resume(end))
    expect(legs.authorize).toEqual([])
    expect(legs['accept login']).toEqual([])
    expect(legs['login verifier']).toHaveLength(1)
    expect(legs['login verifier']?.filter(isWrite)).toEqual([])
    expect(legs['accept consent']).toEqual([])
    expect(legs['consent verifier']).toHaveLength(1)
    expect(legs['consent verifier']?.[0]).toMatch(/INSERT INTO consent_session[\s\S]*INSERT INTO login_session/)
  })

  it('a login session is read where a session cookie came, and where it matters', async () => {
    const browser = suite.browser()
    await browser.authorize(ordinary(client), { login: { subject: newSubject(), remember: true } })
    expect(await statementsOf(() => browser.askLogin(ordinary(client)))).toHaveLength(1)
    expect(await statementsOf(() => browser.askLogin(ordinary(client, { prompt: 'login' })))).toEqual([])
  })

  it('20 logins that are accepted at once share what they read, and each gets its own answer', async () => {
    const other = await suite.register()
    const flows = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const [browser, subject] = [suite.browser(), newSubject()]
        const consent = { remember: index % 2 === 0 }
        await browser.authorize(ordinary(client), { login: { subject, remember: true }, consent })
        const asking = index % 4 === 0 ? other : client
        const url = await browser.acceptLogin(await browser.askLogin(ordinary(asking)), { subject })
        return { browser, url, isRemembered: index % 4 === 2 }
      }),
    )
    const skips: boolean[] = []
    const { statements } = await countStatements(suite.database, async () => {
      const answers = await Promise.all(flows.map(({ browser, url }) => browser.resume(url)))
      for (const answer of answers) {
        const consentChallenge = challengeOf(answer, 'consent')
        const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge })
        skips.push(consentRequest?.skip ?? false)
      }
    })
    expect(skips).toEqual(flows.map(({ isRemembered }) => isRemembered))
    expect(statements).toBeLessThan(10)
  })

  it('20 browsers that come at once share what they read, and each is known as who it is', async () => {
    const browsers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const [browser, subject] = [suite.browser(), newSubject()]
        await browser.authorize(ordinary(client), { login: { subject, remember: index % 2 === 0 } })
        return { browser, subject: index % 2 === 0 ? subject : '' }
      }),
    )
    const { statements } = await countStatements(suite.database, async () => {
      const challenges = await Promise.all(browsers.map(({ browser }) => browser.askLogin(ordinary(client))))
      const requests = challenges.map((loginChallenge) => suite.one.login.getLoginRequest({ loginChallenge }))
      const known = (await Promise.all(requests)).map(({ loginRequest }) => loginRequest?.subject)
      expect(known).toEqual(browsers.map(({ subject }) => subject))
    })
    expect(statements).toBeLessThan(10)
  })

  it('20 flows that end at once share statements', async () => {
    const flows = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const browser = suite.browser()
        return { browser, url: await browser.acceptConsent(await browser.askConsent(ordinary(client))) }
      }),
    )
    const { texts, statements } = await countStatements(suite.database, () =>
      Promise.all(flows.map(({ browser, url }) => browser.resume(url))),
    )
    expect(texts.some((text) => text.includes('INSERT INTO consent_session'))).toBe(true)
    // Of the two services together; each alone would need 20.
    expect(statements).toBeLessThan(20)
  })

  it('nobody fills the database from outside', async () => {
    const before = await Promise.all(
      ['login_session', 'consent_session', 'accepted_payload'].map((t) => suite.count(t)),
    )
    for (let index = 0; index < 50; index++) await suite.browser().askLogin(ordinary(client))
    expect(
      await Promise.all(['login_session', 'consent_session', 'accepted_payload'].map((t) => suite.count(t))),
    ).toEqual(before)
  })
})

describe('RL-07, I4: races with a revocation', () => {
  const rounds = 40

  /** What is alive of a subject: grants, remembered consents, login sessions. */
  async function aliveOf(subject: string) {
    const { rows } = await suite.database.query(
      `SELECT (SELECT count(*)::int FROM token."grant" WHERE subject = $1 AND revoked_at IS NULL) AS grants,
        (SELECT count(*)::int FROM login_session WHERE subject = $1) AS logins`,
      [subject],
    )
    return rows[0]
  }

  /** A flow at its end that rests on a remembered login and consent. */
  async function atItsEnd(): Promise<{ browser: Browser; subject: string; url: string }> {
    const [browser, subject] = [suite.browser(), newSubject()]
    await browser.authorize(ordinary(client), { login: { subject, remember: true }, consent: { remember: true } })
    return { browser, subject, url: await browser.acceptConsent(await browser.askConsent(ordinary(client))) }
  }

  it('of consents: no grant outlives it, at whichever instance', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      const { browser, subject, url } = await atItsEnd()
      browser.instance = suite.instances[round % 2] as typeof browser.instance
      const [answer] = await Promise.all([
        browser.resume(url),
        suite.one.consent.revokeConsentSessions({ selector: { $case: 'subject', value: subject } }),
      ])
      outcomes.add(errorOf(answer))
      expect(await aliveOf(subject)).toMatchObject({ grants: 0 })
      const challenge = await browser.askConsent(ordinary(client))
      const { consentRequest } = await suite.one.consent.getConsentRequest({ consentChallenge: challenge })
      expect(consentRequest?.skip).toBe(false)
    }
    expect([...outcomes].every((outcome) => ['none', 'consent_required'].includes(outcome))).toBe(true)
  })

  it('of logins: no session outlives it', async () => {
    for (let round = 0; round < rounds; round++) {
      const [browser, subject] = [suite.browser(), newSubject()]
      browser.instance = suite.instances[round % 2] as typeof browser.instance
      const challenge = await browser.askConsent(ordinary(client), { subject, remember: true })
      const url = await browser.acceptConsent(challenge)
      await Promise.all([
        browser.resume(url),
        suite.one.login.revokeLoginSessions({ selector: { $case: 'subject', value: subject } }),
      ])
      expect(errorOf(await browser.start(ordinary(client, { prompt: 'none' })))).toBe('login_required')
    }
  })

  it('LO-07: a logout at the same time: the session is gone', async () => {
    for (let round = 0; round < rounds; round++) {
      const { browser, subject, url } = await atItsEnd()
      const cookies = browser.cookieHeader
      const { answer } = await suite.one.logout.startLogout({ parameters: {}, duplicates: [], cookies })
      const to = answer?.kind?.$case === 'redirectTo' ? answer.kind.value : ''
      const logoutChallenge = new URL(to).searchParams.get('logout_challenge') ?? ''
      const { redirectTo } = await suite.one.logout.acceptLogoutRequest({ logoutChallenge })
      const logoutVerifier = new URL(redirectTo).searchParams.get('logout_verifier') ?? ''
      await Promise.all([browser.resume(url), suite.one.logout.resumeLogout({ logoutVerifier, cookies })])
      expect(await aliveOf(subject)).toMatchObject({ logins: 0 })
    }
  })
})

describe('an outage of the database', () => {
  it('I11: where the end cannot be written, no grant is left and the client is told to come again', async () => {
    const browser = suite.browser()
    const subject = newSubject()
    const url = await browser.acceptConsent(await browser.askConsent(ordinary(client), { subject }))
    await suite.database.query('ALTER TABLE consent_session RENAME TO consent_session_away')
    let answer: Awaited<ReturnType<typeof browser.resume>>
    try {
      answer = await browser.resume(url)
    } finally {
      await suite.database.query('ALTER TABLE consent_session_away RENAME TO consent_session')
    }
    expect(errorOf(answer)).toBe('server_error')
    expect(responseOf(answer).parameters.error_description).not.toMatch(/consent_session|relation/)
    const alive = 'SELECT FROM token."grant" WHERE subject = $1 AND revoked_at IS NULL'
    expect((await suite.database.query(alive, [subject])).rows).toEqual([])
  })
})

describe('the purge', () => {
  it('RL-18: deletes what has expired and what was revoked, in batches, and nothing else', async () => {
    const browser = suite.browser()
    const kept = newSubject()
    await browser.authorize(ordinary(client), { login: { subject: kept, remember: true }, consent: { remember: true } })
    const expired = (table: string, columns: string, values: string) =>
      suite.database.query(`INSERT INTO ${table} (${columns}) SELECT ${values} FROM generate_series(1, 1200) AS n`)
    const past = "now() - interval '1 second'"
    await expired(
      'login_session',
      'id, subject, authenticated_at, expires_at, acr, amr, identity_provider_session_id',
      `gen_random_uuid(), 'purged', now(), ${past}, '', '{}', ''`,
    )
    await expired(
      'consent_session',
      'id, client_id, registration_id, subject, login_session_id, granted_scope, granted_audience, rejected, remembered_consent, expires_at, record',
      `gen_random_uuid(), 'c', gen_random_uuid(), 'purged', gen_random_uuid(), '', '', n % 2 = 0, false, ${past}, ''`,
    )
    await expired('accepted_payload', 'flow_id, stage, payload, expires_at', `gen_random_uuid(), 'login', '', ${past}`)
    await expired(
      'subject_revocation',
      'kind, subject, client_id, revoked_at, expires_at',
      `'login', 'purged-' || n, '', now(), ${past}`,
    )
    // A row that a flow left while its subject was being revoked.
    await suite.database.query(
      `INSERT INTO subject_revocation VALUES ('consent', 'slipped', '', now(), now() + interval '1 second');
       INSERT INTO consent_session SELECT gen_random_uuid(), client_id, registration_id, 'slipped', login_session_id,
         granted_scope, granted_audience, false, true, NULL, NULL, now() - interval '1 minute', NULL, record
       FROM consent_session WHERE subject = '${kept}'`,
    )
    // Each instance purges as soon as it starts.
    await Promise.all([suite.add(), suite.add()])
    const left = `SELECT
      (SELECT count(*)::int FROM login_session WHERE expires_at <= now())
      + (SELECT count(*)::int FROM consent_session WHERE expires_at <= now() OR subject = 'slipped')
      + (SELECT count(*)::int FROM accepted_payload WHERE expires_at <= now())
      + (SELECT count(*)::int FROM subject_revocation WHERE expires_at <= now()) AS count`
    await eventually(async () => (await suite.database.query(left)).rows[0].count === 0, 20_000)
    for (const table of ['login_session', 'consent_session']) {
      const { rows } = await suite.database.query(`SELECT FROM ${table} WHERE subject = $1`, [kept])
      expect(rows).toHaveLength(1)
    }
  })
})
