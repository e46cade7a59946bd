// AD-10: ending all that a subject has allowed, where that is far more than can be ended one by one.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { isActive, logIn, obtainCode, redeem, refresh, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

type Client = Awaited<ReturnType<typeof createClient>>

let suite: Suite
let database: pg.Client
let client: Client
let other: Client

beforeAll(async () => {
  suite = await startSuite()
  database = new pg.Client({ connectionString: suite.config.dsn })
  await database.connect()
  client = await createClient(suite)
  other = await createClient(suite)
})
afterAll(async () => {
  await database.end()
  await suite.stop()
})

/** As if the subject had been through the flow of its one consent session that often. */
async function multiply(subject: string, by: number): Promise<void> {
  for (const table of ['token."grant"', 'consent.consent_session']) {
    const { fields } = await database.query(`SELECT * FROM ${table} LIMIT 0`)
    const columns = fields.filter(({ name }) => name !== 'id').map(({ name }) => `"${name}"`)
    await database.query(
      `INSERT INTO ${table} (id, ${columns})
       SELECT gen_random_uuid(), ${columns} FROM ${table}, generate_series(1, ${by}) WHERE subject = $1`,
      [subject],
    )
  }
}

const countOf = async (table: string, subject: string): Promise<number> =>
  (await database.query(`SELECT count(*)::int AS n FROM ${table} WHERE subject = $1`, [subject])).rows[0].n

const endAll = (subject: string, which = 'all=true') =>
  adminJson(suite, 'DELETE', `/oauth2/auth/sessions/consent?subject=${subject}&${which}`)

describe('AD-10: ending 5,000 consent sessions of a subject', () => {
  it('ends every token and code at once, and what comes later is as good as ever', async () => {
    const tokens = await logIn(suite, client, {}, { subject: 'busy' })
    await multiply('busy', 5_000)
    const bystander = await logIn(suite, client, {}, { subject: 'bystander' })
    const code = await obtainCode(suite, client, {}, { subject: 'busy' })
    expect((await endAll('busy')).status).toBe(204)
    expect(await isActive(suite, tokens.access_token)).toBe(false)
    expect((await userinfo(suite, tokens.access_token)).status).toBe(401)
    expect((await refresh(suite, client, tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect((await redeem(suite, client, code)).body.error).toBe('invalid_grant')
    expect(await countOf('token."grant"', 'busy')).toBe(0)
    expect(await countOf('consent.consent_session', 'busy')).toBe(0)
    expect(await isActive(suite, bystander.access_token)).toBe(true)
    const later = await logIn(suite, client, {}, { subject: 'busy' })
    expect(await isActive(suite, later.access_token)).toBe(true)
    expect((await refresh(suite, client, later.refresh_token)).status).toBe(200)
    expect((await endAll('busy')).status).toBe(204)
    expect((await refresh(suite, client, later.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('of one client, spares the others', async () => {
    const spared = await logIn(suite, other, {}, { subject: 'partial' })
    await logIn(suite, client, {}, { subject: 'partial' })
    await multiply('partial', 1_000)
    const ended = await logIn(suite, client, {}, { subject: 'partial' })
    const sparedToo = await logIn(suite, other, {}, { subject: 'partial' })
    expect((await endAll('partial', `client=${client.client_id}`)).status).toBe(204)
    expect(await isActive(suite, ended.access_token)).toBe(false)
    expect((await refresh(suite, client, ended.refresh_token)).body.error).toBe('invalid_grant')
    for (const { access_token, refresh_token } of [spared, sparedToo]) {
      expect(await isActive(suite, access_token)).toBe(true)
      expect((await refresh(suite, other, refresh_token)).status).toBe(200)
    }
  })

  it('waits for no row that another transaction holds: 202, and nothing is good from then on', async () => {
    const tokens = await logIn(suite, client, {}, { subject: 'held' })
    await multiply('held', 2_000)
    const { grant_id: held } = (
      await database.query(
        `SELECT id AS grant_id FROM token."grant" WHERE subject = 'held' AND rotated_at IS NOT NULL LIMIT 1`,
      )
    ).rows[0]
    const holder = new pg.Client({ connectionString: suite.config.dsn })
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM token."grant" WHERE id = $1 FOR UPDATE', [held])
    expect((await endAll('held')).status).toBe(202)
    expect(await countOf('token."grant"', 'held')).toBe(1)
    expect(await isActive(suite, tokens.access_token)).toBe(false)
    expect((await refresh(suite, client, tokens.refresh_token)).body.error).toBe('invalid_grant')
    await holder.query('ROLLBACK')
    await holder.end()
    await eventually(async () => (await countOf('token."grant"', 'held')) === 0)
  })

  it('ends a held grant for whoever presents its refresh token, before the row is gone', async () => {
    const tokens = await logIn(suite, client, {}, { subject: 'noted' })
    await multiply('noted', 1_500)
    await database.query(
      `INSERT INTO token.subject_revocation VALUES (now() + interval '1 second', now() + interval '1 hour', 'noted', '')`,
    )
    expect((await refresh(suite, client, tokens.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringContaining('revoked'),
    })
    expect(await isActive(suite, tokens.refresh_token)).toBe(false)
    expect((await userinfo(suite, tokens.access_token)).status).toBe(401)
  })
})
