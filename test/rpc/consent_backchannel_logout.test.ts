// Back-channel logout with several instances of the consent service on one database.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConsentSuite, ordinary } from '../support/consent_suite.js'
import { eventually } from '../support/eventually.js'
import { type LogoutReceiver, startLogoutReceiver } from '../support/logout_receiver.js'

let suite: ConsentSuite
let receiver: LogoutReceiver

beforeAll(async () => {
  receiver = await startLogoutReceiver()
  const clients = { http: { private_ip_exception_urls: [`${receiver.origin}/*`] } }
  suite = await ConsentSuite.start({ clients, log: { level: 'error' } }, 3)
})
afterAll(async () => {
  await suite.stop()
  await receiver.close()
})

const sessionOf = async (subject: string): Promise<string> =>
  (await suite.database.query('SELECT id FROM login_session WHERE subject = $1', [subject])).rows[0].id

const isQueueEmpty = async () => (await suite.count('logout_delivery')) + (await suite.count('ended_session')) === 0

describe('several instances', () => {
  it('Back-Channel Logout 2.5: each client is told once of each session, whichever instance ended it', async () => {
    const clients = await Promise.all(
      [1, 2, 3].map((n) => suite.register({ backchannelLogoutUri: `${receiver.origin}/${n}` })),
    )
    const sessions: string[] = []
    for (let index = 0; index < 12; index++) {
      const [browser, subject] = [suite.browser(), `subject-${index}`]
      for (const client of clients)
        await browser.authorize(ordinary(client), { login: { subject, remember: true }, consent: {} })
      sessions.push(await sessionOf(subject))
    }
    await Promise.all(
      sessions.map((value, index) =>
        suite.instances[index % 3]?.login.revokeLoginSessions({ selector: { $case: 'loginSessionId', value } }),
      ),
    )
    await eventually(isQueueEmpty)
    const told = receiver.received.map(({ path, claims }) => `${path} ${claims.sid}`).sort()
    expect(told).toEqual(['/1', '/2', '/3'].flatMap((path) => sessions.map((sid) => `${path} ${sid}`)).sort())
  })

  it('LO-07: a flow that ends while its session is ended tells its client too', async () => {
    const [first, late] = await Promise.all(
      ['/first', '/late'].map((path) => suite.register({ backchannelLogoutUri: `${receiver.origin}${path}` })),
    )
    if (!first || !late) throw new Error('no clients')
    const [browser, subject] = [suite.browser(), 'racer']
    await browser.authorize(ordinary(first), { login: { subject, remember: true }, consent: {} })
    const value = await sessionOf(subject)
    const url = await browser.acceptConsent(await browser.askConsent(ordinary(late)))
    const [answer] = await Promise.all([
      browser.resume(url),
      suite.one.login.revokeLoginSessions({ selector: { $case: 'loginSessionId', value } }),
    ])
    await eventually(isQueueEmpty)
    const hasCode = answer.kind?.$case === 'response' && 'code' in answer.kind.value.parameters
    expect(receiver.at('/first')).toHaveLength(1)
    expect(receiver.at('/late')).toHaveLength(hasCode ? 1 : 0)
  })

  it('an outage of the token service delays, and loses nothing', async () => {
    const client = await suite.register({ backchannelLogoutUri: `${receiver.origin}/after-outage` })
    const [browser, subject] = [suite.browser(), 'outage']
    await browser.authorize(ordinary(client), { login: { subject, remember: true }, consent: {} })
    const value = await sessionOf(subject)
    suite.links.tokens.cut()
    await suite.one.login.revokeLoginSessions({ selector: { $case: 'loginSessionId', value } })
    await eventually(async () => (await suite.count('logout_delivery WHERE attempts = 1')) === 1)
    suite.links.tokens.mend()
    await suite.database.query('UPDATE logout_delivery SET due_at = now()')
    await eventually(isQueueEmpty)
    expect(receiver.at('/after-outage')).toHaveLength(1)
  })
})
