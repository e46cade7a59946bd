// OpenID Connect Back-Channel Logout 1.0, end to end: who is told, what it is told, and what becomes of it where a client
// cannot be reached.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { type LogoutReceiver, startLogoutReceiver } from '../support/logout_receiver.js'
import { logIn, type Tokens, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
let receiver: LogoutReceiver
let database: pg.Pool

beforeAll(async () => {
  receiver = await startLogoutReceiver()
  const http = { private_ip_exception_urls: [`${receiver.origin}/*`] }
  suite = await startSuite({ config: { clients: { http }, log: { level: 'error' } } })
  database = new pg.Pool({ connectionString: suite.dsn, options: '-c search_path=consent', max: 1 })
})
afterAll(async () => {
  await database.end()
  await suite.stop()
  await receiver.close()
})

let count = 0
const newPath = () => `/logout-${++count}`

const clientAt = (path: string | undefined, metadata: Record<string, unknown> = {}) =>
  createClient(suite, {
    skip_logout_consent: true,
    ...(path === undefined ? {} : { backchannel_logout_uri: `${receiver.origin}${path}` }),
    ...metadata,
  })

interface LoggedIn {
  readonly agent: UserAgent
  readonly subject: string
  readonly tokens: Tokens
}

async function loggedIn(
  client: { client_id: string; client_secret: string },
  agent = new UserAgent(),
  subject = `user-${++count}`,
): Promise<LoggedIn> {
  const tokens = await logIn(suite, client, {}, { subject, login: { remember: true } }, agent)
  return { agent, subject, tokens }
}

const logOut = ({ agent, tokens }: LoggedIn): Promise<Response> =>
  agent.fetch(`${suite.publicUrl}/oauth2/sessions/logout?id_token_hint=${tokens.id_token}`)

const sidOf = ({ tokens }: LoggedIn): string =>
  JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString()).sid

const pending = async (clientId: string): Promise<{ attempts: number; waits: number }[]> => {
  const text = `SELECT attempts, extract(epoch FROM due_at - now())::float8 AS waits
    FROM logout_delivery WHERE client_id = $1`
  return (await database.query(text, [clientId])).rows
}

describe('what a client is told', () => {
  it('LO-04, JW-15, Back-Channel Logout 2.4, 2.5: every client of the session, each in a token of its own', async () => {
    const [path, otherPath] = [newPath(), newPath()]
    const client = await clientAt(path, { backchannel_logout_session_required: true })
    const other = await clientAt(otherPath, { id_token_signed_response_alg: 'ES256' })
    const silent = await clientAt(undefined)
    const stranger = await clientAt(newPath())
    await loggedIn(stranger)
    const login = await loggedIn(client)
    for (const more of [other, silent]) await loggedIn(more, login.agent, login.subject)
    const before = Math.floor(Date.now() / 1_000)
    expect((await logOut(login)).status).toBe(200)
    await eventually(() => receiver.at(path).length === 1 && receiver.at(otherPath).length === 1)
    const keys = createRemoteJWKSet(new URL(`${suite.publicUrl}/.well-known/jwks.json`))
    for (const [told, { client_id }, alg] of [
      [receiver.at(path)[0], client, 'RS256'],
      [receiver.at(otherPath)[0], other, 'ES256'],
    ] as const) {
      expect(told).toMatchObject({ method: 'POST', contentType: 'application/x-www-form-urlencoded' })
      const { payload, protectedHeader } = await jwtVerify(told?.token ?? '', keys)
      expect(protectedHeader).toEqual({ alg, typ: 'logout+jwt', kid: expect.any(String) })
      expect(payload).toEqual({
        iss: suite.config.urls.self.issuer,
        aud: [client_id],
        iat: expect.any(Number),
        exp: expect.any(Number),
        jti: expect.any(String),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        sub: login.subject,
        sid: sidOf(login),
      })
      expect(payload.iat).toBeGreaterThanOrEqual(before)
      expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(120)
    }
    await eventually(
      async () => (await pending(other.client_id)).length + (await pending(client.client_id)).length === 0,
    )
    expect(receiver.received.filter(({ claims }) => claims.sid === sidOf(login))).toHaveLength(2)
  })

  it('a logout token is no ID token hint and no access token', async () => {
    const path = newPath()
    const login = await loggedIn(await clientAt(path))
    await logOut(login)
    await eventually(() => receiver.at(path).length === 1)
    const token = receiver.at(path)[0]?.token ?? ''
    const hinted = await fetch(`${suite.publicUrl}/oauth2/sessions/logout?id_token_hint=${token}`)
    expect(hinted.status).toBe(400)
    expect((await userinfo(suite, token)).status).toBe(401)
  })

  it('Hydra: the end of one session by the admin API tells its clients, the end of all of a subject does not', async () => {
    const path = newPath()
    const client = await clientAt(path)
    const [ended, revoked] = [await loggedIn(client), await loggedIn(client)]
    const by = (query: string) => adminJson(suite, 'DELETE', `/oauth2/auth/sessions/login?${query}`)
    expect((await by(`subject=${revoked.subject}`)).status).toBe(204)
    expect((await by(`sid=${sidOf(ended)}`)).status).toBe(204)
    await eventually(() => receiver.at(path).length > 0)
    expect(receiver.at(path).map(({ claims }) => claims.sid)).toEqual([sidOf(ended)])
    expect((await by(`sid=${sidOf(ended)}`)).status).toBe(204)
    expect(await pending(client.client_id)).toEqual([])
  })
})

describe('SS-09: a client that cannot be told', () => {
  it('one that hangs delays nobody else, and a redirect is not followed', async () => {
    const [hanging, redirecting, path] = [newPath(), newPath(), newPath()]
    let givenUp = 0
    receiver.answer(hanging, (response) => response.once('close', () => givenUp++))
    receiver.answer(redirecting, (response) => response.writeHead(307, { location: `${receiver.origin}/else` }).end())
    const [slow, sent, client] = [await clientAt(hanging), await clientAt(redirecting), await clientAt(path)]
    const login = await loggedIn(slow)
    for (const more of [sent, client]) await loggedIn(more, login.agent, login.subject)
    const others = await Promise.all(Array.from({ length: 4 }, () => loggedIn(slow)))
    for (const more of others) await loggedIn(client, more.agent, more.subject)
    for (const each of [...others, login]) await logOut(each)
    await eventually(() => receiver.at(path).length === 5 && receiver.at(redirecting).length === 1)
    expect({ hanging: receiver.at(hanging).length, givenUp }).toEqual({ hanging: 2, givenUp: 0 })
    expect(receiver.at('/else')).toEqual([])
    await eventually(async () => (await pending(sent.client_id)).some(({ waits }) => waits > 5))
    expect(await pending(client.client_id)).toEqual([])
  })

  it('one that fails is told again, with a token of its own, and not for ever', async () => {
    const path = newPath()
    let status = 503
    receiver.answer(path, (response) => response.writeHead(status).end())
    const client = await clientAt(path)
    const makeDue = (attempts: number) =>
      database.query('UPDATE logout_delivery SET due_at = now(), attempts = $2 WHERE client_id = $1', [
        client.client_id,
        attempts,
      ])
    await logOut(await loggedIn(client))
    await eventually(() => receiver.at(path).length === 1)
    expect(await pending(client.client_id)).toMatchObject([{ attempts: 1 }])
    await makeDue(1)
    await eventually(() => receiver.at(path).length === 2)
    const [first, second] = receiver.at(path)
    expect(second?.claims.jti).not.toBe(first?.claims.jti)
    await makeDue(5)
    await eventually(async () => receiver.at(path).length === 3 && (await pending(client.client_id)).length === 0)
    status = 204
    await logOut(await loggedIn(client))
    await eventually(async () => receiver.at(path).length === 4 && (await pending(client.client_id)).length === 0)
  })

  it('SS-01: an address that is not public is not called, unless the configuration says so', async () => {
    const inside = 'http://127.0.0.1:1/logout'
    const refused = await adminJson(suite, 'POST', '/clients', { backchannel_logout_uri: inside })
    expect(refused.status).toBe(400)
    // As one that was registered while the configuration said otherwise.
    const client = await createClient(suite, { skip_logout_consent: true })
    const values = [inside, client.client_id]
    await database.query('UPDATE client.client SET backchannel_logout_uri = $1 WHERE client_id = $2', values)
    await logOut(await loggedIn(client))
    await eventually(async () => (await pending(client.client_id)).length === 1)
  })

  it('one that was deleted meanwhile is forgotten', async () => {
    const path = newPath()
    receiver.answer(path, (response) => response.writeHead(500).end())
    const client = await clientAt(path)
    await logOut(await loggedIn(client))
    await eventually(async () => (await pending(client.client_id)).length === 1)
    await adminJson(suite, 'DELETE', `/clients/${client.client_id}`)
    await database.query('UPDATE logout_delivery SET due_at = now() WHERE client_id = $1', [client.client_id])
    await eventually(async () => (await pending(client.client_id)).length === 0)
    expect(receiver.at(path)).toHaveLength(1)
  })
})
