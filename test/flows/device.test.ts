// The device authorization grant (RFC 8628) through the real door: DV-* of the security cases, I10.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  acceptDevice,
  allowDevice,
  askForDevice,
  challengeAt,
  confirmDevice,
  createDeviceClient,
  decideDevice,
  deviceRequest,
  deviceUrls,
  poll,
  type StartedDevice,
  startDevice,
} from '../support/device.js'
import { authorizationUrl, introspect, isActive, newPkce, post, refresh, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
let database: pg.Pool
let client: Awaited<ReturnType<typeof createClient>>

beforeAll(async () => {
  suite = await startSuite({ config: { urls: { device: deviceUrls } } })
  database = new pg.Pool({ connectionString: suite.dsn, options: '-c search_path=token', max: 2 })
  client = await createDeviceClient(suite)
})
afterAll(async () => {
  await database.end()
  await suite.stop()
})

const jsonOf = async (response: Response) => (await response.json()) as Record<string, unknown>

/** The interval is over. */
const letPollAgain = () => database.query('UPDATE device_code SET poll_at = now()')

async function expectPoll(device: StartedDevice, error: string): Promise<void> {
  await letPollAgain()
  const answer = await poll(suite, client, device)
  expect(answer.body.error).toBe(error)
  expect(answer.status).toBe(400)
  expect(answer.headers.get('cache-control')).toContain('no-store')
}

const newVerification = async (agent = new UserAgent()) =>
  challengeAt(await agent.redirectFrom(`${suite.publicUrl}/oauth2/device/verify`))

describe('RFC 8628: a device', () => {
  it('3.2, DV-09: gets its codes, for ten minutes', async () => {
    const { status, body, headers } = await askForDevice(suite, client)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(body.device_code).toMatch(/^tsr_dc_[\w-]+\.[\w-]+$/)
    expect(body.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect(body).toEqual({
      device_code: body.device_code,
      user_code: body.user_code,
      verification_uri: `${suite.publicUrl}/oauth2/device/verify`,
      verification_uri_complete: `${suite.publicUrl}/oauth2/device/verify?user_code=${body.user_code}`,
      expires_in: 600,
      interval: 5,
    })
  })

  it('4: is told by discovery where to begin', async () => {
    const metadata = await jsonOf(await fetch(`${suite.publicUrl}/.well-known/openid-configuration`))
    expect(metadata.device_authorization_endpoint).toBe(`${suite.publicUrl}/oauth2/device/auth`)
    expect(metadata.grant_types_supported).toContain('urn:ietf:params:oauth:grant-type:device_code')
    expect(metadata.response_types_supported).toEqual(expect.not.arrayContaining(['device_code']))
  })

  it('3.3 to 3.5: gets tokens when its end-user has allowed it', async () => {
    const device = await startDevice(suite, client)
    await expectPoll(device, 'authorization_pending')
    const agent = new UserAgent()
    const at = await agent.redirectFrom(device.verification_uri_complete)
    expect(at.href).toMatch(new RegExp(`^${deviceUrls.verification}\\?device_challenge=`))
    expect(at.searchParams.get('user_code')).toBe(device.user_code)
    const login = await agent.redirectFrom(await acceptDevice(suite, at, device.user_code))
    await expectPoll(device, 'authorization_pending')
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const asked = await jsonOf(await adminJson(suite, 'GET', `/oauth2/auth/requests/consent${consent.search}`))
    expect(asked.device_challenge_id).toBe(asked.consent_request_id)
    expect(asked.requested_scope).toEqual(['openid', 'offline_access'])
    expect(asked.request_url).toBe(device.verification_uri)
    const session = { access_token: { tier: 'gold' }, id_token: { nickname: 'Al' } }
    const end = await agent.redirectFrom(await acceptConsent(suite, consent, { consent: { session } }))
    expect(end.href).toBe(deviceUrls.success)
    expect([...agent.cookies.keys()]).toEqual([])

    const { status, body } = await poll(suite, client, device)
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'openid offline_access' })
    expect(body.id_token).toBeTruthy()
    const introspected = await introspect(suite, String(body.access_token))
    expect(introspected).toMatchObject({
      active: true,
      sub: 'alice',
      client_id: client.client_id,
      ext: { tier: 'gold' },
    })
    expect((await userinfo(suite, String(body.access_token))).body).toMatchObject({ sub: 'alice', nickname: 'Al' })
    const refreshed = await refresh(suite, client, String(body.refresh_token))
    expect(refreshed.status).toBe(200)
    await expectPoll(device, 'invalid_grant')
    expect(await isActive(suite, String(refreshed.body.access_token))).toBe(true)
  })

  it('3.5: of a public client, too', async () => {
    const open = await createDeviceClient(suite, { token_endpoint_auth_method: 'none' })
    const device = await startDevice(suite, open)
    await allowDevice(suite, device)
    expect((await poll(suite, open, device)).status).toBe(200)
  })

  it("gets tokens that live as long as the client's own lifespans say", async () => {
    const own = await createDeviceClient(suite, { device_authorization_grant_access_token_lifespan: '7m' })
    const device = await startDevice(suite, own)
    await allowDevice(suite, device)
    expect((await poll(suite, own, device)).body.expires_in).toBe(420)
  })

  it('3.5: hears that its end-user denied the login or the consent', async () => {
    for (const stage of ['login', 'consent']) {
      const device = await startDevice(suite, client)
      const agent = new UserAgent()
      let at = await agent.redirectFrom(device.verification_uri)
      at = await agent.redirectFrom(await acceptDevice(suite, at, device.user_code))
      if (stage === 'consent') at = await agent.redirectFrom(await acceptLogin(suite, at))
      const path = `/oauth2/auth/requests/${stage}/reject${at.search}`
      const { redirect_to } = await jsonOf(await adminJson(suite, 'PUT', path, { error: 'access_denied' }))
      const page = await agent.fetch(String(redirect_to))
      expect(page.status).toBe(400)
      expect(await page.text()).toContain('access_denied')
      await expectPoll(device, 'access_denied')
    }
  })

  it('3.5: hears that its end-user did not want the code', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const challenge = await newVerification(agent)
    const rejected = await decideDevice(suite, 'reject', challenge, { user_code: device.user_code })
    await expectPoll(device, 'access_denied')
    const page = await agent.fetch(String((await jsonOf(rejected)).redirect_to))
    expect(page.status).toBe(400)
    expect(await page.text()).toContain('access_denied')
  })

  it('I12: hears nothing good once the consent was revoked', async () => {
    const device = await startDevice(suite, client)
    await allowDevice(suite, device, { subject: 'revoker' })
    await adminJson(suite, 'DELETE', '/oauth2/auth/sessions/consent?subject=revoker&all=true')
    await expectPoll(device, 'access_denied')
  })
})

describe('DV-02: the user code', () => {
  it('is good in any case and with any separators', async () => {
    const device = await startDevice(suite, client)
    const typed = ` ${device.user_code.toLowerCase().replace('-', ' – ')} `
    const request = await deviceRequest(suite, await newVerification(), typed)
    expect(request.status).toBe(200)
  })

  it('that is unknown, expired, claimed, allowed or denied is refused in the same words', async () => {
    const expired = await startDevice(suite, client)
    await database.query("UPDATE device_code SET expires_at = now() - interval '1 second' WHERE allowed IS NULL")
    const claimed = await startDevice(suite, client)
    await confirmDevice(suite, claimed)
    const allowed = await startDevice(suite, client)
    await allowDevice(suite, allowed)
    const denied = await startDevice(suite, client)
    await decideDevice(suite, 'reject', await newVerification(), { user_code: denied.user_code })
    const answers = new Set<string>()
    for (const { user_code } of [expired, claimed, allowed, denied, { user_code: 'BBBB-BBBB' }, { user_code: 'x' }]) {
      const found = await deviceRequest(suite, await newVerification(), user_code)
      const accepted = await decideDevice(suite, 'accept', await newVerification(), { user_code })
      for (const answer of [found, accepted]) answers.add(`${answer.status} ${await answer.text()}`)
    }
    expect([...answers]).toEqual([expect.stringMatching(/^400 .*invalid_request.*can be used/)])
    await expectPoll(expired, 'expired_token')
  })

  it('is in no table as it is', async () => {
    const { user_code, device_code } = await startDevice(suite, client)
    const { rows } = await database.query('SELECT row_to_json(d)::text AS text FROM device_code AS d')
    const dump = rows.map(({ text }) => text).join('\n')
    expect(dump).not.toContain(user_code)
    expect(dump).not.toContain(user_code.replace('-', ''))
    expect(dump).not.toContain(device_code)
  })
})

describe('DV-01: guessing user codes', () => {
  it('ends for one browser after five wrong ones, right codes or not', async () => {
    const device = await startDevice(suite, client)
    const challenge = await newVerification()
    for (let guess = 0; guess < 5; guess++)
      expect((await deviceRequest(suite, challenge, 'BBBB-BBBB')).status).toBe(400)
    const sixth = await deviceRequest(suite, challenge, device.user_code)
    expect(sixth.status).toBe(429)
    expect(Number(sixth.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await decideDevice(suite, 'accept', challenge, { user_code: device.user_code })).status).toBe(429)
    expect((await deviceRequest(suite, await newVerification(), device.user_code)).status).toBe(200)
  })

  it('a thousand guesses at once from ever new browsers: few are looked at, few rows are made', async () => {
    const device = await startDevice(suite, client)
    await database.query('DELETE FROM device_try')
    const agents = await Promise.all(Array.from({ length: 200 }, () => newVerification()))
    const statuses: number[] = []
    for (let round = 0; round < 5; round++)
      statuses.push(
        ...(await Promise.all(agents.map(async (at) => (await deviceRequest(suite, at, 'BBBB-BBBB')).status))),
      )
    expect(statuses.filter((status) => status === 400).length).toBe(60)
    expect(new Set(statuses)).toEqual(new Set([400, 429]))
    expect((await deviceRequest(suite, await newVerification(), device.user_code)).status).toBe(429)
    await database.query("UPDATE device_try SET expires_at = now() WHERE key NOT LIKE 'flow %'")
    expect((await deviceRequest(suite, await newVerification(), device.user_code)).status).toBe(200)
  })

  it('right codes cost nothing', async () => {
    await database.query('DELETE FROM device_try')
    const device = await startDevice(suite, client)
    const challenge = await newVerification()
    for (let look = 0; look < 10; look++)
      expect((await deviceRequest(suite, challenge, device.user_code)).status).toBe(200)
    const { rows } = await database.query("SELECT max(tries) AS most FROM device_try WHERE key NOT LIKE 'start %'")
    expect(rows[0]?.most).toBe(0)
  })
})

describe('DV-03: polling too fast', () => {
  it('RFC 8628 3.5: gets slow_down, and 5 seconds more each time', async () => {
    const device = await startDevice(suite, client)
    const codes: unknown[] = []
    for (let count = 0; count < 3; count++) codes.push((await poll(suite, client, device)).body.error)
    expect(codes).toEqual(['authorization_pending', 'slow_down', 'slow_down'])
    const { rows } = await database.query('SELECT max(poll_interval) AS longest FROM device_code')
    expect(rows[0]?.longest).toBe(15)
    await expectPoll(device, 'authorization_pending')
  })

  it('does not keep tokens back that are there', async () => {
    const device = await startDevice(suite, client)
    for (let count = 0; count < 3; count++) await poll(suite, client, device)
    await allowDevice(suite, device)
    expect((await poll(suite, client, device)).status).toBe(200)
  })
})

describe('DV-04: a device code', () => {
  it('of another client is invalid_grant, and stays good', async () => {
    const other = await createDeviceClient(suite)
    const device = await startDevice(suite, client)
    await allowDevice(suite, device)
    const stolen = await poll(suite, other, device)
    expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await poll(suite, client, device)).status).toBe(200)
  })

  it('that is missing, malformed or forged is refused', async () => {
    expect((await poll(suite, client, { device_code: '' })).body.error).toBe('invalid_request')
    const { device_code } = await startDevice(suite, client)
    for (const bad of [
      'x',
      'tsr_dc_',
      `${device_code}A`,
      device_code.replace('tsr_dc_', 'tsr_ac_'),
      `${device_code}.x`,
    ])
      expect((await poll(suite, client, { device_code: bad })).body.error).toBe('invalid_grant')
  })

  it('that has expired is expired_token, also when its row is gone, also when it was allowed', async () => {
    const pending = await startDevice(suite, client)
    const allowed = await startDevice(suite, client)
    await allowDevice(suite, allowed)
    await database.query("UPDATE device_code SET expires_at = now() - interval '1 second'")
    await expectPoll(pending, 'expired_token')
    await expectPoll(allowed, 'expired_token')
    await database.query('DELETE FROM device_code')
    await expectPoll(pending, 'expired_token')
  })

  it('that expired while its end-user was at it: the end-user is told', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const consent = await confirmDevice(suite, device, {}, agent)
    await database.query("UPDATE device_code SET expires_at = now() - interval '1 second'")
    const page = await agent.fetch(await acceptConsent(suite, consent))
    expect(page.status).toBe(400)
    expect(await page.text()).toContain('expired')
    await expectPoll(device, 'expired_token')
  })

  it('of a client that was registered anew is invalid_grant', async () => {
    const passing = await createDeviceClient(suite)
    const device = await startDevice(suite, passing)
    await allowDevice(suite, device)
    await adminJson(suite, 'DELETE', `/clients/${passing.client_id}`)
    await createDeviceClient(suite, { client_id: passing.client_id, client_secret: passing.client_secret })
    expect((await poll(suite, passing, device)).body.error).toBe('invalid_grant')
  })
})

describe('DV-05, DV-11, I10: a user code belongs to the browser that was the first to confirm it', () => {
  it('another browser cannot have it', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const consent = await confirmDevice(suite, device, {}, agent)
    const other = await decideDevice(suite, 'accept', await newVerification(), { user_code: device.user_code })
    expect(other.status).toBe(400)
    const reject = await decideDevice(suite, 'reject', await newVerification(), { user_code: device.user_code })
    expect(reject.status).toBe(400)
    await agent.redirectFrom(await acceptConsent(suite, consent))
    expect((await poll(suite, client, device)).status).toBe(200)
  })

  it('of 20 browsers at once one gets it', async () => {
    const device = await startDevice(suite, client)
    const challenges = await Promise.all(Array.from({ length: 20 }, () => newVerification()))
    const body = { user_code: device.user_code }
    const answers = await Promise.all(challenges.map((challenge) => decideDevice(suite, 'accept', challenge, body)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]))
    await database.query('DELETE FROM device_try')
  })

  it('BR-04: a device verifier in another browser, twice, or changed is refused', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const at = await agent.redirectFrom(device.verification_uri)
    const next = await acceptDevice(suite, at, device.user_code)
    expect((await new UserAgent().fetch(next)).status).toBe(400)
    expect((await agent.fetch(`${next.slice(0, -2)}AA`)).status).toBe(400)
    const cookies = new Map(agent.cookies)
    expect((await agent.redirectFrom(next)).searchParams.has('login_challenge')).toBe(true)
    for (const [name, value] of cookies) agent.cookies.set(name, value)
    expect((await agent.fetch(next)).status).toBe(400)
  })

  it('BR-03: a challenge is good for one decision, and no challenge for another stage', async () => {
    const device = await startDevice(suite, client)
    const another = await startDevice(suite, client)
    const agent = new UserAgent()
    const at = await agent.redirectFrom(device.verification_uri)
    const challenge = challengeAt(at)
    const next = await acceptDevice(suite, at, device.user_code)
    expect(await acceptDevice(suite, at, device.user_code)).toBe(next)
    expect((await decideDevice(suite, 'accept', challenge, { user_code: another.user_code })).status).toBe(409)
    expect((await decideDevice(suite, 'reject', challenge, {})).status).toBe(409)
    const asLogin = await adminJson(suite, 'GET', `/oauth2/auth/requests/login?login_challenge=${challenge}`)
    expect(asLogin.status).toBe(404)
    expect((await deviceRequest(suite, 'nothing of this server')).status).toBe(404)
  })
})

describe('DV-06: phishing', () => {
  it('the page is told who asks for what, and nothing without a code', async () => {
    const api = { audience: ['https://api.example'], client_name: 'A television' }
    const television = await createDeviceClient(suite, api)
    const device = await startDevice(suite, television, { scope: 'openid read', audience: 'https://api.example' })
    const challenge = await newVerification()
    expect(await jsonOf(await deviceRequest(suite, challenge))).toEqual({ challenge })
    const request = await jsonOf(await deviceRequest(suite, challenge, device.user_code))
    expect(request).toMatchObject({
      challenge,
      client: { client_id: television.client_id, client_name: 'A television' },
      requested_scope: ['openid', 'read'],
      requested_access_token_audience: ['https://api.example'],
    })
    expect(new Date(String(request.expires_at)).getTime()).toBeGreaterThan(Date.parse(String(request.requested_at)))
  })

  it('even a remembered consent, and a client that needs none, are asked for', async () => {
    const metadata = { grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'] }
    for (const more of [{}, { skip_consent: true }, { token_endpoint_auth_method: 'none' }]) {
      const both = await createClient(suite, { ...metadata, ...more })
      const agent = new UserAgent()
      const { challenge } = newPkce()
      const pkce = { code_challenge: challenge, code_challenge_method: 'S256', scope: 'openid' }
      const remember = { login: { remember: true }, consent: { remember: true } }
      await authorize(suite, authorizationUrl(suite, both, pkce), remember, agent)
      const consent = await confirmDevice(suite, await startDevice(suite, both, { scope: 'openid' }), {}, agent)
      const asked = await jsonOf(await adminJson(suite, 'GET', `/oauth2/auth/requests/consent${consent.search}`))
      expect(asked.skip).toBe(false)
    }
  })

  it('somebody else than the one who is remembered may log in', async () => {
    const device = await startDevice(suite, client)
    const agent = new UserAgent()
    const both = await createClient(suite)
    await authorize(suite, authorizationUrl(suite, both), { login: { remember: true } }, agent)
    const at = await agent.redirectFrom(device.verification_uri)
    const login = await agent.redirectFrom(await acceptDevice(suite, at, device.user_code))
    const path = `/oauth2/auth/requests/login/accept${login.search}`
    const { redirect_to } = await jsonOf(await adminJson(suite, 'PUT', path, { subject: 'bob' }))
    const consent = await agent.redirectFrom(String(redirect_to))
    await agent.redirectFrom(await acceptConsent(suite, consent))
    const { body } = await poll(suite, client, device)
    expect(await introspect(suite, String(body.access_token))).toMatchObject({ active: true, sub: 'bob' })
  })
})

describe('DV-07, DV-08, DV-10: who may begin', () => {
  it('DV-07: nobody beyond the scopes and audiences of the client', async () => {
    expect((await askForDevice(suite, client, { scope: 'openid admin' })).body.error).toBe('invalid_scope')
    const audience = 'https://elsewhere.example'
    expect((await askForDevice(suite, client, { scope: 'openid', audience })).body.error).toBe('invalid_request')
  })

  it('DV-10: nobody without the authentication that was registered, nor another grant type', async () => {
    const wrong = { ...client, client_secret: 'a wrong secret' }
    expect(await askForDevice(suite, wrong)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const unnamed = await post(suite, '/oauth2/device/auth', { client_id: client.client_id })
    expect(unnamed).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const other = await createClient(suite)
    expect((await askForDevice(suite, other)).body.error).toBe('unauthorized_client')
    expect((await poll(suite, other, { device_code: 'tsr_dc_x' })).body.error).toBe('unauthorized_client')
  })

  it('DV-08: a client only so often in a minute', async () => {
    const busy = await createDeviceClient(suite)
    await startDevice(suite, busy)
    await database.query('UPDATE device_try SET tries = 6000 WHERE key = $1', [`start ${busy.client_id}`])
    const { rows: before } = await database.query('SELECT count(*) FROM device_code')
    const answer = await askForDevice(suite, busy)
    expect(answer).toMatchObject({ status: 429, body: { error: 'too_many_requests' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    const { rows: after } = await database.query('SELECT count(*) FROM device_code')
    expect(after).toEqual(before)
    expect((await askForDevice(suite, client)).status).toBe(200)
  })

  it('DV-08: what has expired goes, and nothing else', async () => {
    await database.query('DELETE FROM device_code')
    await database.query('DELETE FROM device_try')
    await startDevice(suite, client)
    await database.query("UPDATE device_code SET expires_at = now() - interval '1 second'")
    await database.query("UPDATE device_try SET expires_at = now() - interval '1 second'")
    const alive = await startDevice(suite, await createDeviceClient(suite), { scope: 'openid' })
    await suite.restart()
    const counts = async () => {
      const { rows } = await database.query(
        'SELECT (SELECT count(*) FROM device_code)::int AS codes, (SELECT count(*) FROM device_try)::int AS tries',
      )
      return rows[0]
    }
    await expect.poll(counts, { timeout: 10_000 }).toEqual({ codes: 1, tries: 1 })
    expect((await deviceRequest(suite, await newVerification(), alive.user_code)).status).toBe(200)
  })
})
