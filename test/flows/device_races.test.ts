// The device authorization grant under fire and over several instances: I10, DV-01, DV-03, DV-04, DV-08; and with each service
// a process of its own.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  acceptDevice,
  allowDevice,
  challengeAt,
  confirmDevice,
  createDeviceClient,
  decideDevice,
  deviceRequest,
  deviceUrls,
  poll,
  startDevice,
} from '../support/device.js'
import { isActive, refresh } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, type createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
let second: Suite
let database: pg.Pool
let client: Awaited<ReturnType<typeof createClient>>

const config = { urls: { device: deviceUrls } }

beforeAll(async () => {
  suite = await startSuite({ config })
  second = await startSuite({ config: { dsn: suite.dsn, urls: { self: suite.config.urls.self, device: deviceUrls } } })
  database = new pg.Pool({ connectionString: suite.dsn, options: '-c search_path=token', max: 2 })
  client = await createDeviceClient(suite)
})
afterAll(async () => {
  await database.end()
  await second.stop()
  await suite.stop()
})

const placements: [string, () => Suite[]][] = [
  ['one instance', () => [suite]],
  ['two instances on one database', () => [suite, second]],
]

const allAtOnce = <T>(count: number, instances: Suite[], call: (on: Suite) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(instances[index % instances.length] as Suite)))

describe.each(placements)('%s', (_, instances) => {
  it('DV-04, I10: 50 polls at once have one winner and no 5xx', async () => {
    for (let round = 0; round < 3; round++) {
      const device = await startDevice(suite, client)
      await allowDevice(suite, device)
      const answers = await allAtOnce(50, instances(), (on) => poll(on, client, device))
      const [winner, ...others] = answers.filter(({ status }) => status === 200)
      expect(others).toEqual([])
      expect(await isActive(suite, String(winner?.body.access_token))).toBe(true)
      for (const { status, body } of answers)
        if (status !== 200) expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
  })

  it('I10: 20 polls while the end-user decides give the tokens once', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const next = await acceptConsent(suite, await confirmDevice(suite, device, {}, agent))
    const [, ...answers] = await Promise.all([
      agent.redirectFrom(next),
      ...Array.from({ length: 20 }, (_, index) =>
        poll(instances()[index % instances().length] as Suite, client, device),
      ),
    ])
    const errors = new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.error))
    for (const error of errors) expect(['authorization_pending', 'slow_down', 'invalid_grant']).toContain(error)
    const issued = answers.filter(({ status }) => status === 200).length
    const last = await poll(suite, client, device)
    expect(issued + (last.status === 200 ? 1 : 0)).toBe(1)
  })

  it('DV-03: the interval is one, whoever is asked', async () => {
    const device = await startDevice(suite, client)
    const answers = await allAtOnce(10, instances(), (on) => poll(on, client, device))
    const errors = answers.map(({ body }) => body.error)
    expect(errors.filter((error) => error === 'authorization_pending')).toHaveLength(1)
    expect(errors.filter((error) => error === 'slow_down')).toHaveLength(9)
    const { rows } = await database.query('SELECT max(poll_interval) AS longest FROM device_code')
    expect(rows[0]?.longest).toBe(5 + 9 * 5)
    await database.query('DELETE FROM device_code')
  })

  it('DV-01: wrong codes count, whoever is asked', async () => {
    const agent = new UserAgent()
    const challenge = challengeAt(await agent.redirectFrom(`${suite.publicUrl}/oauth2/device/verify`))
    const answers = await allAtOnce(20, instances(), (on) => deviceRequest(on, challenge, 'BBBB-BBBB'))
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15)
    await database.query('DELETE FROM device_try')
  })

  it('I10: allowed and denied at once: one of both, for good', async () => {
    for (let round = 0; round < 5; round++) {
      const device = await startDevice(suite, client)
      const agent = new UserAgent()
      const at = await agent.redirectFrom(device.verification_uri)
      const on = instances().at(-1) as Suite
      const body = { user_code: device.user_code }
      const [accepted] = await Promise.allSettled([
        acceptDevice(suite, at, device.user_code),
        decideDevice(on, 'reject', challengeAt(at), body),
      ])
      const answer = await poll(suite, client, device)
      if (answer.body.error === 'access_denied')
        expect((await poll(on, client, device)).body.error).toBe('access_denied')
      else expect([accepted.status, answer.body.error]).toEqual(['fulfilled', 'authorization_pending'])
    }
  })
})

describe('two instances on one database', () => {
  it('a flow goes on wherever the browser and the apps are answered', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const at = await agent.redirectFrom(device.verification_uri)
    const accepted = new URL(await acceptDevice(second, at, device.user_code))
    await agent.redirectFrom(`${second.publicUrl}${accepted.pathname}${accepted.search}`)
    expect((await poll(second, client, device)).body.error).toBe('authorization_pending')
  })

  it('I8, DV-11: a device verifier that is used at both leads to one end', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const at = await agent.redirectFrom(device.verification_uri)
    const { pathname, search } = new URL(await acceptDevice(suite, at, device.user_code))
    const cookies = new Map(agent.cookies)
    const ends: number[] = []
    for (const on of [suite, second]) {
      const browser = new UserAgent()
      for (const [name, value] of cookies) browser.cookies.set(name, value)
      const login = await browser.redirectFrom(`${on.publicUrl}${pathname}${search}`)
      ends.push(await toTheEnd(browser, on, login))
    }
    expect(ends.toSorted()).toEqual([302, 400])
    expect((await poll(suite, client, device)).status).toBe(200)
    expect((await poll(second, client, device)).body.error).toBe('invalid_grant')
  })
})

/** The status that a browser ends with after login and consent at one instance. */
async function toTheEnd(browser: UserAgent, on: Suite, login: URL): Promise<number> {
  const onIt = (url: string) => `${on.publicUrl}${new URL(url).pathname}${new URL(url).search}`
  const consent = await browser.redirectFrom(onIt(await acceptLogin(on, login)))
  return (await browser.fetch(onIt(await acceptConsent(on, consent)))).status
}

describe('each service a process of its own', () => {
  it('RFC 8628: from the device to its tokens', async () => {
    const many = await startSuite({ config, shape: 'many' })
    try {
      const television = await createDeviceClient(many)
      const device = await startDevice(many, television)
      expect((await poll(many, television, device)).body.error).toBe('authorization_pending')
      expect((await allowDevice(many, device)).href).toBe(deviceUrls.success)
      const { status, body } = await poll(many, television, device)
      expect(status).toBe(200)
      expect((await refresh(many, television, String(body.refresh_token))).status).toBe(200)
      const denied = await startDevice(many, television)
      const agent = new UserAgent()
      const at = await agent.redirectFrom(denied.verification_uri)
      await decideDevice(many, 'reject', challengeAt(at), { user_code: denied.user_code })
      expect((await poll(many, television, denied)).body.error).toBe('access_denied')
    } finally {
      await many.stop()
    }
  })
})
