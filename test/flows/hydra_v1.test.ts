// What Hydra v1.10 had and later versions have not (paths without /admin, limit and offset, flush, 410), through HTTP.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorizationUrl, isActive, logIn, obtainCode } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, createClient, UserAgent } from '../support/user_agent.js'

type Json = Record<string, unknown>

let suite: Suite
let client: Awaited<ReturnType<typeof createClient>>
let database: pg.Client

beforeAll(async () => {
  suite = await startSuite()
  client = await createClient(suite)
  database = new pg.Client({ connectionString: suite.dsn })
  await database.connect()
})
afterAll(async () => {
  await database.end()
  await suite.stop()
})

const send = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${suite.adminUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const linkOf = (response: Response, rel: string): string | undefined =>
  new RegExp(`<([^>]+)>; rel="${rel}"`).exec(response.headers.get('link') ?? '')?.[1]

/** The ids of every page, by following `next` from the first. */
async function walk(
  path: string,
  idOf: (item: Json) => unknown,
): Promise<{ ids: unknown[]; totals: Set<string | null> }> {
  const ids: unknown[] = []
  const totals = new Set<string | null>()
  for (let at: string | undefined = path; at; ) {
    const page = await send('GET', at)
    ids.push(...((await page.json()) as Json[]).map(idOf))
    totals.add(page.headers.get('x-total-count'))
    at = linkOf(page, 'next')
  }
  return { ids, totals }
}

describe('Hydra 1.3: lists by limit and offset', () => {
  it('clients: pages, the total and the way back', async () => {
    const made: string[] = []
    for (let index = 0; index < 5; index++) made.push((await createClient(suite, { owner: 'counted' })).client_id)
    const { ids, totals } = await walk('/clients?owner=counted&limit=2', (item) => item.client_id)
    expect(ids).toEqual(made)
    expect([...totals]).toEqual(['5'])
    const last = await send('GET', '/clients?owner=counted&limit=2&offset=4')
    expect(((await last.json()) as Json[]).map((item) => item.client_id)).toEqual(made.slice(4))
    expect(linkOf(last, 'next')).toBeUndefined()
    expect(linkOf(last, 'prev')).toBe('/clients?owner=counted&limit=2&offset=2')
    const beyond = await send('GET', '/clients?owner=counted&offset=50')
    expect(await beyond.json()).toEqual([])
    expect(beyond.headers.get('x-total-count')).toBe('5')
  })

  it('consent sessions: pages and the total, of one subject alone', async () => {
    for (let index = 0; index < 3; index++) await obtainCode(suite, client, {}, { subject: 'counted' })
    await obtainCode(suite, client, {}, { subject: 'another' })
    const path = '/oauth2/auth/sessions/consent?subject=counted'
    const { ids, totals } = await walk(`${path}&limit=2`, (item) => item.consent_request_id)
    expect(new Set(ids).size).toBe(3)
    expect([...totals]).toEqual(['3'])
    expect((await walk(`${path}&page_size=2`, (item) => item.consent_request_id)).ids).toEqual(ids)
  })
})

describe('Hydra 1.3: POST /oauth2/flush', () => {
  const ended = async (subject: string) => {
    const tokens = await logIn(suite, client, {}, { subject })
    const { rows } = await database.query(
      `UPDATE token.grant SET purge_at = now() - interval '1 minute', expires_at = now() - interval '1 minute',
        access_expires_at = now() - interval '1 minute', requested_at = now() - interval '2 hours'
       WHERE subject = $1 RETURNING id`,
      [subject],
    )
    await database.query(
      `UPDATE consent.consent_session SET expires_at = now() - interval '90 minutes' WHERE subject = $1`,
      [subject],
    )
    return { ...tokens, id: rows[0].id as string }
  }
  const isThere = async (subject: string) => {
    const counts = `SELECT (SELECT count(*) FROM token.grant WHERE subject = $1)::int AS grants,
      (SELECT count(*) FROM consent.consent_session WHERE subject = $1)::int AS consents`
    return (await database.query(counts, [subject])).rows[0]
  }
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

  it('deletes what has expired and leaves what has not', async () => {
    await ended('flushed')
    const { access_token } = await logIn(suite, client, {}, { subject: 'living' })
    expect((await send('POST', '/oauth2/flush', { notAfter: hoursAgo(0) })).status).toBe(204)
    expect(await isThere('flushed')).toEqual({ grants: 0, consents: 0 })
    expect(await isThere('living')).toEqual({ grants: 1, consents: 1 })
    expect(await isActive(suite, access_token)).toBe(true)
  })

  it.each(['yesterday', '2026-13-01T00:00:00Z', '2026-01-01', 5, {}, [], true])(
    'what is no time is refused: %j',
    async (notAfter) => {
      expect((await send('POST', '/oauth2/flush', { notAfter })).status).toBe(400)
    },
  )
})

describe('Hydra 1.3: a request that was answered is 410 with redirect_to', () => {
  it('login and consent: where the authorization request can begin anew', async () => {
    const url = authorizationUrl(suite, client, { state: 'begun-once-before' })
    const agent = new UserAgent()
    const login = await agent.redirectFrom(url)
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    await agent.redirectFrom(await acceptConsent(suite, consent))
    for (const [kind, at] of Object.entries({ login, consent })) {
      const challenge = encodeURIComponent(at.searchParams.get(`${kind}_challenge`) ?? '')
      for (const name of [`${kind}_challenge`, 'challenge']) {
        const answer = await send('GET', `/oauth2/auth/requests/${kind}?${name}=${challenge}`)
        expect(answer.status).toBe(410)
        const { redirect_to } = (await answer.json()) as { redirect_to: string }
        expect(new URL(redirect_to).searchParams.get('state')).toBe('begun-once-before')
        expect((await new UserAgent().redirectFrom(redirect_to)).searchParams.has('login_challenge')).toBe(true)
      }
    }
  })

  it('logout: where the logout can begin anew', async () => {
    const agent = new UserAgent()
    const tokens = await logIn(suite, client, {}, { login: { remember: true } }, agent)
    const url = `${suite.publicUrl}/oauth2/sessions/logout?id_token_hint=${tokens.id_token}`
    const challenge = (await agent.redirectFrom(url)).searchParams.get('logout_challenge') ?? ''
    const path = `/oauth2/auth/requests/logout?logout_challenge=${encodeURIComponent(challenge)}`
    const open = await send('GET', path)
    expect(open.status).toBe(200)
    const accepted = (await (await send('PUT', path.replace('?', '/accept?'))).json()) as { redirect_to: string }
    await agent.fetch(accepted.redirect_to)
    const answer = await send('GET', path)
    expect(answer.status).toBe(410)
    expect(((await answer.json()) as Json).redirect_to).toBe(((await open.json()) as Json).request_url)
  })
})

describe('Hydra 1.3: bodies of v1', () => {
  it('accept bodies may say handled_at, and the server knows better', async () => {
    const handled_at = '2001-01-01T00:00:00Z'
    const decision = { subject: 'handled', login: { handled_at }, consent: { handled_at } }
    await obtainCode(suite, client, {}, decision)
    const sessions = await send('GET', '/oauth2/auth/sessions/consent?subject=handled')
    const [session] = (await sessions.json()) as { handled_at: string }[]
    expect(session?.handled_at).not.toBe(handled_at)
  })

  it('a logout is rejected with the body of a rejection, and without one', async () => {
    for (const body of [{ error: 'access_denied', error_description: 'Stays.', status_code: 403 }, {}, undefined]) {
      const agent = new UserAgent()
      await logIn(suite, client, {}, { login: { remember: true } }, agent)
      const at = await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout`)
      const challenge = encodeURIComponent(at.searchParams.get('logout_challenge') ?? '')
      const path = `/oauth2/auth/requests/logout/reject?logout_challenge=${challenge}`
      expect((await send('PUT', path, body)).status).toBe(204)
    }
  })

  it('consents are revoked by subject and client, or by subject and all', async () => {
    const path = '/oauth2/auth/sessions/consent?subject=revoked'
    const other = await createClient(suite)
    const grants = () => Promise.all([client, other].map((of) => logIn(suite, of, {}, { subject: 'revoked' })))
    const [first, second] = await grants()
    expect((await send('DELETE', `${path}&client=${other.client_id}`)).status).toBe(204)
    expect(await isActive(suite, second?.access_token ?? '')).toBe(false)
    expect(await isActive(suite, first?.access_token ?? '')).toBe(true)
    expect((await send('DELETE', path)).status).toBe(400)
    expect((await send('DELETE', `${path}&all=true`)).status).toBe(204)
    expect(await isActive(suite, first?.access_token ?? '')).toBe(false)
    expect(await (await send('GET', path)).json()).toEqual([])
  })
})
