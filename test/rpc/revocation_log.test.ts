// The log of revocations on the database: what each way of revoking ends, and that nobody misses it.
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Revocation, RevocationKind, type RevocationServiceService } from '#proto/token/v1/revocation_service.js'
import { nowMs, nowSeconds } from '../../services/kit/clock.js'
import { setLogLevel } from '../../services/kit/log.js'
import { newTimedId, newUuid, uuidFromBytes } from '../../services/kit/random.js'
import type { Remote } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import { RevocationLog } from '../../services/token/revocations/revocation_log.js'
import { createRevocationService } from '../../services/token/revocations/revocation_service.js'
import { openDatabase, type TokenDatabase } from '../../services/token/store/database.js'
import { eventually } from '../support/eventually.js'
import { freshDatabase } from '../support/postgres.js'

let fresh: Awaited<ReturnType<typeof freshDatabase>>
let admin: pg.Client
let instances: Instance[]

beforeAll(async () => {
  setLogLevel('silent')
  fresh = await freshDatabase()
  admin = new pg.Client({ connectionString: fresh.dsn, options: '-c search_path=token' })
  await admin.connect()
})
beforeEach(async () => {
  instances = []
  await admin.query('TRUNCATE "grant", revocation, revocation_writer')
})
afterEach(async () => {
  for (const instance of instances) await instance.stop()
})
afterAll(async () => {
  await admin.end()
  await fresh.drop()
  setLogLevel('info')
})

/** One process that serves the log. */
class Instance {
  readonly database: TokenDatabase
  readonly log: RevocationLog
  readonly revocations: Remote<typeof RevocationServiceService>
  readonly seen: Revocation[] = []
  keysRevision = 'keys-1'
  lastKeysRevision = ''
  readonly #reading = new AbortController()

  constructor() {
    this.database = openDatabase({ dsn: fresh.dsn, maxConnections: 6 })
    this.log = new RevocationLog({ database: this.database, longestAccessTokenLifespan: 86_400 })
    this.log.start()
    this.revocations = inProcess(
      createRevocationService(this.log, () => this.keysRevision, { stalenessMs: () => 7, missingBeforeMs: 0 }),
      'introspection',
    )
    instances.push(this)
    void this.#read()
  }

  async #read(): Promise<void> {
    for await (const message of this.revocations.watchRevocations(
      { cursor: Buffer.alloc(0) },
      { signal: this.#reading.signal },
    )) {
      this.seen.push(...message.revocations)
      this.lastKeysRevision = message.keysRevision
    }
  }

  async stop(): Promise<void> {
    this.#reading.abort()
    await this.log.stop()
    await this.database.close()
  }
}

interface GrantRow {
  readonly subject?: string
  readonly clientId?: string
  readonly loginSessionId?: string
  /** Seconds from now; null: no access token was issued. */
  readonly accessExpiresIn?: number | null
}

async function insertGrant(row: GrantRow = {}): Promise<string> {
  const id = newUuid()
  const { subject = 'alice', clientId = 'app', loginSessionId = null, accessExpiresIn = 3_600 } = row
  await admin.query(
    `INSERT INTO "grant" (id, registration_id, client_id, subject, scope, amr, login_session_id, purge_at, access_expires_at)
     VALUES ($1, $2, $3, $4, 'openid', '{}', $5, now() + interval '1 day', now() + make_interval(secs => $6))`,
    [id, newUuid(), clientId, subject, loginSessionId, accessExpiresIn],
  )
  return id
}

async function revokedGrants(): Promise<string[]> {
  const { rows } = await admin.query('SELECT id FROM "grant" WHERE revoked_at IS NOT NULL')
  return rows.map(({ id }) => id).sort()
}

const question = {
  tokenId: newUuid(),
  grantId: '',
  clientId: 'app',
  subject: 'alice',
  issuedAtMs: 0,
  registrationId: '',
}

describe('revoking a grant', () => {
  it('I4: ends its row and tells the readers of this process before it answers, others within 1 s', async () => {
    const [a, b] = [new Instance(), new Instance()]
    const grantId = await insertGrant()
    await a.log.revokeToken(uuidFromBytes(newTimedId()), nowSeconds() + 60)
    await eventually(() => a.seen.length === 1 && b.seen.length === 1)
    expect(await a.log.revokeGrant(grantId)).toBe(true)
    expect(a.seen.at(-1)).toMatchObject({ kind: RevocationKind.GRANT, key: grantId, notBeforeMs: 0 })
    expect(await revokedGrants()).toEqual([grantId])
    await eventually(() => b.seen.some(({ key }) => key === grantId), 1_000)
  })

  it('outlives the last access token of the grant, and names none where none was issued', async () => {
    const a = new Instance()
    const [long, none] = [await insertGrant({ accessExpiresIn: 7_200 }), await insertGrant({ accessExpiresIn: null })]
    await eventually(() => a.lastKeysRevision !== '')
    expect(await a.log.revokeGrant(none)).toBe(true)
    expect(await a.log.revokeGrant(long)).toBe(true)
    expect(a.seen.map(({ key }) => key)).toEqual([long])
    expect(a.seen[0]?.expiresAt).toBeGreaterThanOrEqual(nowSeconds() + 7_200)
    expect(await revokedGrants()).toEqual([long, none].sort())
  })

  it('that is over, unknown or no id is no error and writes nothing', async () => {
    const a = new Instance()
    const grantId = await insertGrant()
    await a.log.revokeGrant(grantId)
    for (const id of [grantId, newUuid(), 'no-uuid', '', `${grantId}\0`])
      expect(await a.log.revokeGrant(id)).toBe(false)
    expect((await admin.query('SELECT FROM revocation')).rowCount).toBe(1)
  })

  it('100 at once travel in few statements', async () => {
    const a = new Instance()
    const ids: string[] = []
    while (ids.length < 100) ids.push(await insertGrant())
    const before = await writeCount()
    await Promise.all(ids.map((id) => a.log.revokeGrant(id)))
    expect((await writeCount()) - before).toBeLessThanOrEqual(4)
    expect(await revokedGrants()).toEqual(ids.sort())
    expect((await admin.query('SELECT FROM revocation')).rowCount).toBe(100)
  })
})

const writeCount = () => callsOf('%INSERT INTO revocation%')

async function callsOf(pattern: string): Promise<number> {
  const { rows } = await admin.query(
    `SELECT coalesce(sum(calls), 0)::int AS calls FROM public.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
      WHERE d.datname = current_database() AND query ILIKE $1`,
    [pattern],
  )
  return rows[0].calls
}

describe('revoking many grants', () => {
  it('takes those of the subject, the subject and client, or the login session, and no others', async () => {
    const a = new Instance()
    const session = newUuid()
    const aliceApp = await insertGrant({ loginSessionId: session })
    const aliceOther = await insertGrant({ clientId: 'other' })
    const bobApp = await insertGrant({ subject: 'bob', loginSessionId: session })
    expect(await a.log.revokeGrants({ by: 'subjectAndClient', subject: 'alice', clientId: 'app' })).toMatchObject({
      revoked: 1,
    })
    expect(await revokedGrants()).toEqual([aliceApp])
    expect(await a.log.revokeGrants({ by: 'loginSession', loginSessionId: session })).toMatchObject({ revoked: 1 })
    expect(await revokedGrants()).toEqual([aliceApp, bobApp].sort())
    expect(await a.log.revokeGrants({ by: 'subject', subject: 'alice' })).toMatchObject({ revoked: 1 })
    expect(await revokedGrants()).toEqual([aliceApp, bobApp, aliceOther].sort())
    expect(await a.log.revokeGrants({ by: 'subject', subject: 'nobody' })).toMatchObject({ revoked: 0 })
    expect(await a.log.revokeGrants({ by: 'loginSession', loginSessionId: 'no-uuid' })).toMatchObject({ revoked: 0 })
  })

  it('a login session that began with a grant has its id, and no other grant is taken for it', async () => {
    const a = new Instance()
    const [first, inAnother] = [await insertGrant(), await insertGrant({ loginSessionId: newUuid() })]
    const second = await insertGrant({ loginSessionId: first })
    expect(await a.log.revokeGrants({ by: 'loginSession', loginSessionId: inAnother })).toMatchObject({ revoked: 0 })
    expect(await a.log.revokeGrants({ by: 'loginSession', loginSessionId: first })).toMatchObject({ revoked: 2 })
    expect(await revokedGrants()).toEqual([first, second].sort())
  })

  it('AD-10: takes 3,000 of one subject', async () => {
    const a = new Instance()
    await admin.query(
      `INSERT INTO "grant" (id, registration_id, client_id, subject, scope, amr, purge_at, access_expires_at)
       SELECT gen_random_uuid(), gen_random_uuid(), 'app', 'busy', 'openid', '{}', now() + interval '1 day', now() + interval '1 hour'
         FROM generate_series(1, 3000)`,
    )
    expect(await a.log.revokeGrants({ by: 'subject', subject: 'busy' })).toMatchObject({ revoked: 3_000 })
    await eventually(() => a.seen.length === 3_001)
    expect(a.seen[0]).toMatchObject({ kind: RevocationKind.SUBJECT, key: 'busy', clientId: '' })
    expect(Math.abs((a.seen[0]?.notBeforeMs ?? 0) - nowMs())).toBeLessThan(60_000)
    expect((await admin.query(`SELECT FROM "grant" WHERE subject = 'busy'`)).rowCount).toBe(0)
  })
})

describe('RL-06: the same grant revoked by several at once', () => {
  it('is revoked once, by whoever was first, and stands in the log once', async () => {
    const all = [new Instance(), new Instance(), new Instance()]
    for (let round = 0; round < 20; round++) {
      const grantId = await insertGrant()
      const results = await Promise.all([...all, ...all].map(({ log }) => log.revokeGrant(grantId)))
      expect(results.filter(Boolean)).toHaveLength(1)
    }
    expect((await admin.query('SELECT FROM revocation')).rowCount).toBe(20)
    await eventually(() => all.every(({ seen }) => seen.length === 20))
  })
})

describe('RFC 7009 2.2: a token that is revoked again and again', () => {
  it('stands in the log once, so that nobody can fill it', async () => {
    const a = new Instance()
    const tokenId = uuidFromBytes(newTimedId())
    const revoke = () => a.log.revokeToken(tokenId, nowSeconds() + 60)
    await Promise.all(Array.from({ length: 50 }, revoke))
    for (let round = 0; round < 5; round++) await revoke()
    expect((await admin.query('SELECT FROM revocation')).rowCount).toBe(1)
  })

  it('that has expired long ago is not written at all', async () => {
    const a = new Instance()
    await a.log.revokeToken(uuidFromBytes(newTimedId()), nowSeconds() - 3_600)
    expect((await admin.query('SELECT FROM revocation')).rowCount).toBe(0)
  })
})

describe('CheckRevocation', () => {
  it('knows a token, a grant, and whatever a client held at the moment', async () => {
    const [a, b] = [new Instance(), new Instance()]
    const check = (asked: Partial<typeof question>) =>
      b.revocations.checkRevocation({ ...question, ...asked }).then(({ revoked }) => revoked)
    const [tokenId, grantId] = [uuidFromBytes(newTimedId()), await insertGrant()]
    expect(await check({ tokenId, grantId })).toBe(false)
    await a.log.revokeToken(tokenId, nowSeconds() + 60)
    expect(await check({ tokenId })).toBe(true)
    await a.log.revokeGrant(grantId)
    expect(await check({ grantId })).toBe(true)
    const before = nowMs()
    await a.log.revokeClientTokens('app')
    expect(await check({ issuedAtMs: before })).toBe(true)
    expect(await check({ issuedAtMs: nowMs() + 1 })).toBe(false)
    expect(await check({ issuedAtMs: before, clientId: 'other' })).toBe(false)
    const registrationId = newUuid()
    await a.log.revokeRegistration(registrationId)
    expect(await check({ issuedAtMs: nowMs() + 1, registrationId })).toBe(true)
    expect(await check({ issuedAtMs: nowMs() + 1, registrationId: newUuid() })).toBe(false)
  })

  it('I4: is true for every revocation that was answered, on every instance, at once', async () => {
    const [a, b] = [new Instance(), new Instance()]
    for (let round = 0; round < 50; round++) {
      const tokenId = uuidFromBytes(newTimedId())
      await a.log.revokeToken(tokenId, nowSeconds() + 60)
      expect(await b.revocations.checkRevocation({ ...question, tokenId })).toEqual({ revoked: true })
    }
  })

  it('answers many at once by few statements, each for itself', async () => {
    const a = new Instance()
    const tokenIds = Array.from({ length: 200 }, () => uuidFromBytes(newTimedId()))
    await Promise.all(
      tokenIds.filter((_, index) => index % 3 === 0).map((id) => a.log.revokeToken(id, nowSeconds() + 60)),
    )
    const before = await callsOf('%WITH ORDINALITY AS q%')
    const answers = await Promise.all(
      tokenIds.map((tokenId) => a.revocations.checkRevocation({ ...question, tokenId })),
    )
    expect(answers.map(({ revoked }) => revoked)).toEqual(tokenIds.map((_, index) => index % 3 === 0))
    expect((await callsOf('%WITH ORDINALITY AS q%')) - before).toBeLessThanOrEqual(4)
  })

  it('RL-19: reads by key however long the log is', async () => {
    const a = new Instance()
    await admin.query(
      `INSERT INTO revocation (writer, seq, kind, key, not_before_ms, expires_at)
       SELECT $1, n, 1, gen_random_uuid()::text, 0, now() + interval '1 hour' FROM generate_series(1, 20000) n`,
      [newUuid()],
    )
    await admin.query('ANALYZE revocation')
    const read = async () => {
      await admin.query('SELECT pg_stat_force_next_flush()')
      const { rows } = await admin.query(`SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'revocation'`)
      return Number(rows[0].seq_tup_read)
    }
    const before = await read()
    for (let round = 0; round < 10; round++)
      expect(await a.revocations.checkRevocation(question)).toEqual({ revoked: false })
    await a.stop()
    instances.pop()
    expect(await read()).toBe(before)
  })
})

describe('the feed', () => {
  it('tells the revision of the published keys', async () => {
    const a = new Instance()
    await eventually(() => a.lastKeysRevision === 'keys-1')
    a.keysRevision = 'keys-2'
    await eventually(() => a.lastKeysRevision === 'keys-2')
  })

  it('refuses a cursor that it does not know with OUT_OF_RANGE', async () => {
    const a = new Instance()
    const feed = a.revocations.watchRevocations({ cursor: Buffer.from('unknown') })
    await expect(feed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'position_lost' })
  })

  it('begins with every live entry, also of processes that are gone', async () => {
    const gone = new Instance()
    const tokenIds = Array.from({ length: 300 }, () => uuidFromBytes(newTimedId()))
    await Promise.all(tokenIds.map((id) => gone.log.revokeToken(id, nowSeconds() + 60)))
    const late = new Instance()
    await eventually(() => late.seen.length === tokenIds.length)
    expect(late.seen.map(({ key }) => key).sort()).toEqual(tokenIds.sort())
  })
})

describe('TK-18: while the database fails', () => {
  it('revoking says so, and once it answers again nothing is missing', async () => {
    const a = new Instance()
    const grantId = await insertGrant()
    await a.log.revokeToken(newUuid(), nowSeconds() + 60)
    await eventually(() => a.seen.length === 1)
    await admin.query('ALTER TABLE revocation RENAME TO hidden')
    await expect(a.log.revokeGrant(grantId)).rejects.toThrow()
    expect(await revokedGrants()).toEqual([])
    await admin.query('ALTER TABLE hidden RENAME TO revocation')
    expect(await a.log.revokeGrant(grantId)).toBe(true)
    expect(a.seen.at(-1)?.key).toBe(grantId)
  })

  it('RL-01: a killed connection leaves the outcome open; asked again, it is settled and known here', async () => {
    const a = new Instance()
    for (let round = 0; round < 5; round++) {
      const grantId = await insertGrant()
      const blocker = new pg.Client({ connectionString: fresh.dsn, options: '-c search_path=token' })
      await blocker.connect()
      await blocker.query('BEGIN')
      await blocker.query('SELECT FROM "grant" WHERE id = $1 FOR UPDATE', [grantId])
      const revoking = a.log.revokeGrant(grantId)
      const failed = expect(revoking).rejects.toMatchObject({ code: 'temporarily_unavailable' })
      await eventually(async () => {
        const { rowCount } = await admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%UPDATE "grant"%'`,
        )
        return (rowCount ?? 0) > 0
      })
      await failed
      await blocker.query('ROLLBACK')
      await blocker.end()
      await a.log.revokeGrant(grantId)
      expect(a.seen.filter(({ key }) => key === grantId)).toHaveLength(1)
    }
  })
})
