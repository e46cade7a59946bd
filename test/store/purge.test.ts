// What the purge of each store leaves where it is told a time (Hydra v1 `notAfter`): with no service beside it that purges too.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConsentStore } from '../../services/consent/store/consent_store.js'
import { UsedIds } from '../../services/kit/used_ids.js'
import { openDatabase } from '../../services/token/store/database.js'
import { DeviceCodeStore } from '../../services/token/store/device_code_store.js'
import { GrantStore } from '../../services/token/store/grant_store.js'
import { TrustedIssuerStore } from '../../services/token/store/trusted_issuer_store.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

let fresh: FreshDatabase
let database: pg.Client
const until = { signal: new AbortController().signal }
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)

beforeAll(async () => {
  fresh = await freshDatabase()
  database = new pg.Client({ connectionString: fresh.dsn })
  await database.connect()
})
afterAll(async () => {
  await database.end()
  await fresh.drop()
})

describe('RFC 7523: what is kept for assertions', () => {
  it('RL-18: trusted issuers and used assertions that have expired go, and nothing else goes', async () => {
    const tokens = openDatabase({ dsn: fresh.dsn, maxConnections: 2 })
    await database.query(
      `INSERT INTO token.trusted_issuer (id, issuer, subject, allow_any_subject, kid, scope, public_jwk, expires_at)
       SELECT gen_random_uuid(), 'idp', n::text, false, 'k', '', '{}', now() - n * interval '1 minute'
       FROM generate_series(-2, 1100) AS n WHERE n <> 0`,
    )
    await database.query(
      `INSERT INTO token.used_assertion SELECT sha256(n::text::bytea), now() - n * interval '1 minute'
       FROM generate_series(-3, 1100) AS n WHERE n <> 0`,
    )
    await new TrustedIssuerStore(tokens).purge(until)
    await new UsedIds(tokens, 'used_assertion').purge(until)
    const count = async (table: string) =>
      (await database.query(`SELECT count(*)::int AS count FROM token.${table}`)).rows[0].count
    expect([await count('trusted_issuer'), await count('used_assertion')]).toEqual([2, 3])
    await tokens.close()
  })
})

describe('Hydra 1.3: notAfter', () => {
  it('grants that began after it stay, and codes that expired after it', async () => {
    const tokens = openDatabase({ dsn: fresh.dsn, maxConnections: 2 })
    const grants = new GrantStore(tokens, { gracePeriod: 0, graceReuseCount: 0 })
    const codes = new DeviceCodeStore(tokens)
    await database.query(
      `INSERT INTO token."grant" (id, registration_id, client_id, subject, scope, purge_at, expires_at, requested_at)
       SELECT gen_random_uuid(), gen_random_uuid(), 'c', 'alice', '', now() - interval '1 minute', now() - interval '1 minute',
         now() - n * interval '1 hour' FROM generate_series(1, 5) AS n`,
    )
    await database.query(
      `INSERT INTO token.device_try (key, tries, expires_at)
       SELECT n::text, 1, now() - n * interval '1 hour' FROM generate_series(1, 5) AS n`,
    )
    expect(await grants.purge(until, hoursAgo(3.5))).toBe(2)
    expect(await codes.purge(until, hoursAgo(3.5))).toBe(2)
    expect(await grants.purge(until)).toBe(3)
    expect(await codes.purge(until)).toBe(3)
    await tokens.close()
  })

  it('sessions that expired after it stay', async () => {
    const store = new ConsentStore({ dsn: fresh.dsn, maxConnections: 2, flowLifespan: 60, sessionLifespan: 60 })
    await database.query(
      `INSERT INTO consent.login_session (id, subject, authenticated_at, expires_at, acr, amr, identity_provider_session_id)
       SELECT gen_random_uuid(), 'alice', now(), now() - n * interval '1 hour', '', '{}', ''
       FROM generate_series(-1, 5) AS n WHERE n <> 0`,
    )
    expect(await store.purge(until, hoursAgo(3.5))).toBe(2)
    expect(await store.purge(until)).toBe(3)
    expect(await store.purge(until)).toBe(0)
    await store.close()
  })
})
