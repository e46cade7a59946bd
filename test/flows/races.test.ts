// Single use under fire: many callers at once, on one instance and on two that share a database. Invariants I1, I2, I4, I8.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, isActive, logIn, obtainCode, post, redeem, refresh } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
let second: Suite
let client: Awaited<ReturnType<typeof createClient>>

const callers = 50

beforeAll(async () => {
  suite = await startSuite()
  second = await startSuite({ config: { dsn: suite.dsn, urls: { self: suite.config.urls.self } } })
  client = await createClient(suite)
})
afterAll(async () => {
  await second.stop()
  await suite.stop()
})

const placements: [string, () => Suite[]][] = [
  ['one instance', () => [suite]],
  ['two instances on one database', () => [suite, second]],
]

/** Calls all at once, spread over the instances. */
const allAtOnce = (instances: Suite[], call: (on: Suite) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: callers }, (_, index) => call(instances[index % instances.length] as Suite)))

const statusesOf = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))].sort()

describe.each(placements)('%s', (_, instances) => {
  it('CO-04, I1: 50 redemptions of one code have one winner and no 5xx', async () => {
    for (let round = 0; round < 5; round++) {
      const flow = await obtainCode(suite, client)
      const answers = await allAtOnce(instances(), (on) => redeem(on, client, flow))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(statusesOf(answers)).toEqual([200, 400])
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
    }
  })

  it('RT-05, I2: 50 refreshes of one token have one successor and no 5xx', async () => {
    for (let round = 0; round < 5; round++) {
      const tokens = await logIn(suite, client)
      const answers = await allAtOnce(instances(), (on) => refresh(on, client, tokens.refresh_token))
      const successors = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token))
      expect(successors.size).toBe(1)
      for (const { status } of answers) expect([200, 400]).toContain(status)
    }
  })

  it('TK-19, I4: after a revocation that raced a refresh nothing of the grant is active', async () => {
    for (let round = 0; round < 10; round++) {
      const tokens = await logIn(suite, client)
      const [on] = instances() as [Suite]
      const [revoked, ...refreshed] = await Promise.all([
        post(on, '/oauth2/revoke', { token: tokens.refresh_token }, client),
        ...Array.from({ length: 5 }, () => refresh(on, client, tokens.refresh_token)),
      ])
      expect(revoked?.status).toBe(200)
      const issued = refreshed.filter(({ status }) => status === 200).map(({ body }) => body)
      for (const token of [tokens.access_token, ...issued.flatMap((body) => [body.access_token, body.refresh_token])])
        expect(await isActive(on, String(token))).toBe(false)
    }
  })

  it('BR-03, I8: a consent verifier that is used 20 times at once gives one code', async () => {
    const agent = new UserAgent()
    const url = `${suite.publicUrl}/oauth2/auth?${new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:5555/callback',
      scope: 'openid',
    })}`
    const login = await agent.redirectFrom(url)
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const end = new URL(await acceptConsent(suite, consent))
    const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const uses = Array.from({ length: 20 }, (_, index) => {
      const on = instances()[index % instances().length] as Suite
      return fetch(`${on.publicUrl}${end.pathname}${end.search}`, { headers: { cookie }, redirect: 'manual' })
    })
    const locations = (await Promise.all(uses)).map(({ headers, status }) => {
      expect(status).toBeLessThan(500)
      return headers.get('location') ?? ''
    })
    expect(locations.filter((location) => /[?&]code=/.test(location))).toHaveLength(1)
  })
})

describe('two instances on one database', () => {
  it('RL-16, I4: what one revokes, the other refuses within a second', async () => {
    const tokens = await logIn(suite, client)
    expect(await isActive(second, tokens.access_token)).toBe(true)
    await post(suite, '/oauth2/revoke', { token: tokens.refresh_token }, client)
    const revokedAt = performance.now()
    expect(await isActive(suite, tokens.access_token)).toBe(false)
    await expect.poll(() => isActive(second, tokens.access_token), { interval: 10 }).toBe(false)
    expect(performance.now() - revokedAt).toBeLessThan(1_500)
  })

  it('a code of one is redeemed by the other, and so is a refresh token', async () => {
    const answer = await redeem(second, client, await obtainCode(suite, client))
    expect(answer.status).toBe(200)
    expect((await refresh(suite, client, String(answer.body.refresh_token))).status).toBe(200)
  })
})
