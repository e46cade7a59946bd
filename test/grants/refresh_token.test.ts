// The refresh token grant (RFC 6749 6, RFC 9700 4.14) at the token service.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import { refusalOf } from '../support/client_service.js'
import { eventually } from '../support/eventually.js'
import {
  authorize,
  countStatements,
  credentialsOf,
  isRevoked,
  issue,
  openAccessToken,
  refresh,
  registerClient,
  startGrant,
  startTokenServices,
  type TestClient,
  type TokenInstance,
  type TokenServices,
} from '../support/token_service.js'

let services: TokenServices
let one: TokenInstance
let other: TokenInstance
let strict: TokenInstance
let client: TestClient
let stranger: TestClient

const invalidGrant = { code: 'invalid_grant' }
const withGrace = (rotation_grace_period: number, rotation_grace_reuse_count = 3) => ({
  oauth2: { grant: { refresh_token: { rotation_grace_period, rotation_grace_reuse_count } } },
})

beforeAll(async () => {
  services = await startTokenServices({}, 2)
  one = services.one
  other = services.instances[1] as TokenInstance
  strict = await services.add(withGrace(0))
  client = await registerClient(services)
  stranger = await registerClient(services)
})
afterAll(() => services.stop())

/** The outcome of each of many refreshes at once: the answer, or the code of the refusal. */
const refreshAtOnce = (count: number, instances: readonly TokenInstance[], refreshToken: string) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      refresh(instances[index % instances.length] as TokenInstance, client, refreshToken).catch(
        (thrown: { code: string }) => thrown.code,
      ),
    ),
  )

const successesOf = (outcomes: readonly (IssueTokenResponse | string)[]): IssueTokenResponse[] =>
  outcomes.filter((outcome) => typeof outcome !== 'string')

describe('RFC 6749 6: a refresh', () => {
  it('RT-01: gives a successor and a new access token of the same grant, also to a public client', async () => {
    const open = await registerClient(services, { tokenEndpointAuthMethod: 'none' })
    for (const by of [client, open]) {
      const first = await authorize(one, by)
      const second = await refresh(one, by, first.refreshToken)
      const third = await refresh(other, by, second.refreshToken)
      expect(new Set([first.refreshToken, second.refreshToken, third.refreshToken]).size).toBe(3)
      expect(third.scope).toBe(first.scope)
      expect(third.idToken).not.toBe('')
      const token = openAccessToken(services.config, third.accessToken)
      expect(token).toMatchObject({ subject: 'alice', clientId: by.clientId })
      expect(token.grantId.toString('hex')).toBe(first.grantId.replaceAll('-', ''))
    }
  })

  it('design 5: is one statement that changes one row, in place', async () => {
    let { refreshToken } = await authorize(one, client)
    const hotUpdates = async () => {
      await services.database.query('SELECT pg_stat_force_next_flush()')
      const { rows } = await services.database.query(
        `SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'grant'`,
      )
      return rows[0]
    }
    const counted = await countStatements(services.database, async () => {
      for (let count = 0; count < 10; count++) refreshToken = (await refresh(one, client, refreshToken)).refreshToken
    })
    expect(counted).toMatchObject({ statements: 10, rows: 10 })
    expect(counted.texts).toHaveLength(1)
    await eventually(async () => (await hotUpdates()).all > 10)
    const { all, hot } = await hotUpdates()
    expect(hot).toBe(all)
  })

  it('hydra 4.8: takes the lifespans of the refresh, not those of the code', async () => {
    const own = { authorizationCodeGrantAccessToken: 100, refreshTokenGrantAccessToken: 200 }
    const by = await registerClient(services, { lifespans: own })
    const first = await authorize(one, by)
    expect(first.expiresIn).toBe(100)
    expect((await refresh(one, by, first.refreshToken)).expiresIn).toBe(200)
  })

  it('CO-07: what was tampered with or is another kind of handle is refused without a query', async () => {
    const { refreshToken, accessToken } = await authorize(one, client)
    const { code } = await startGrant(one, client)
    const [head = '', tail = ''] = refreshToken.split('.')
    const payload = Buffer.from(head.slice('tsr_rt_'.length), 'base64url')
    payload.writeUInt32BE(2, 16)
    const forged = [
      `tsr_rt_${payload.toString('base64url')}.${tail}`,
      head,
      `${refreshToken}.${tail}`,
      `${head}.${tail.slice(0, -2)}AA`,
      refreshToken.replace('tsr_rt_', 'tsr_ac_'),
      code,
      code.replace('tsr_ac_', 'tsr_rt_'),
      accessToken,
      'x'.repeat(100_000),
    ]
    const counted = await countStatements(services.database, async () => {
      for (const each of forged) expect(await refusalOf(refresh(one, client, each))).toMatchObject(invalidGrant)
    })
    expect(counted.texts).toEqual([])
    expect(await refusalOf(refresh(one, client, ''))).toMatchObject({ code: 'invalid_request' })
    await refresh(one, client, refreshToken)
  })

  it('RT-11: the access token before it lives on', async () => {
    const first = await authorize(one, client)
    await refresh(one, client, first.refreshToken)
    expect(await isRevoked(services, one, first.accessToken)).toBe(false)
  })

  it('RT-11: or is revoked, where the configuration says so', async () => {
    const tidy = await services.add({ oauth2: { grant: { refresh_token: { revoke_access_tokens: true } } } })
    const first = await authorize(tidy, client)
    const second = await refresh(tidy, client, first.refreshToken)
    const third = await refresh(tidy, client, second.refreshToken)
    const revoked = await Promise.all(
      [first, second, third].map(({ accessToken }) => isRevoked(services, tidy, accessToken)),
    )
    expect(revoked).toEqual([true, true, false])
  })
})

describe('reuse and the grace period', () => {
  it('RT-02: a rotated token that comes again after the grace period ends the grant', async () => {
    const first = await authorize(strict, client)
    const second = await refresh(strict, client, first.refreshToken)
    expect(await refusalOf(refresh(strict, client, first.refreshToken))).toMatchObject(invalidGrant)
    expect(await refusalOf(refresh(strict, client, second.refreshToken))).toMatchObject(invalidGrant)
    for (const { accessToken } of [first, second]) expect(await isRevoked(services, strict, accessToken)).toBe(true)
  })

  it('RT-03, RT-13: a retry inside the grace period gets the same successor, by any instance, and as often as allowed', async () => {
    const first = await authorize(one, client)
    const second = await refresh(one, client, first.refreshToken)
    for (const instance of [one, other, one]) {
      const retried = await refresh(instance, client, first.refreshToken)
      expect(retried.refreshToken).toBe(second.refreshToken)
      expect(retried.accessToken).not.toBe(second.accessToken)
    }
    expect(await refusalOf(refresh(one, client, first.refreshToken))).toMatchObject(invalidGrant)
    expect(await refusalOf(refresh(one, client, second.refreshToken))).toMatchObject(invalidGrant)
  })

  it('RT-03: a retry does not lengthen the grace period, and its end is the end', async () => {
    const brief = await services.add(withGrace(1))
    const first = await authorize(brief, client)
    const second = await refresh(brief, client, first.refreshToken)
    await refresh(brief, client, first.refreshToken)
    await eventually(async () => {
      const { rows } = await services.database.query(
        `SELECT 1 FROM "grant" WHERE id = $1 AND rotated_at < now() - interval '1 second'`,
        [first.grantId],
      )
      return rows.length > 0
    })
    expect(await refusalOf(refresh(brief, client, first.refreshToken))).toMatchObject(invalidGrant)
    expect(await isRevoked(services, brief, second.accessToken)).toBe(true)
  })

  it('RT-03: without a limit, as often as the period allows', async () => {
    const patient = await services.add(withGrace(60, 0))
    const first = await authorize(patient, client)
    const outcomes = await refreshAtOnce(20, [patient], first.refreshToken)
    expect(successesOf(outcomes)).toHaveLength(20)
  })

  it('RT-04: only the token just before is excused, not the one before that', async () => {
    const first = await authorize(one, client)
    const second = await refresh(one, client, first.refreshToken)
    const third = await refresh(one, client, second.refreshToken)
    expect(await refusalOf(refresh(one, client, first.refreshToken))).toMatchObject(invalidGrant)
    expect(await refusalOf(refresh(one, client, third.refreshToken))).toMatchObject(invalidGrant)
    expect(await isRevoked(services, one, third.accessToken)).toBe(true)
  })

  it('RT-05: of 50 refreshes at once without grace one wins, and none fails otherwise', async () => {
    const alsoStrict = await services.add(withGrace(0))
    for (const instances of [[strict], [strict, alsoStrict]]) {
      const { refreshToken } = await authorize(strict, client)
      const outcomes = await refreshAtOnce(50, instances, refreshToken)
      expect(successesOf(outcomes)).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'invalid_grant')).toHaveLength(49)
    }
  })

  it('RT-05: 50 refreshes at once with grace are one use of the token: all get the same successor, which is good', async () => {
    for (const instances of [[one], [one, other]]) {
      const { refreshToken } = await authorize(one, client)
      const outcomes = await refreshAtOnce(50, instances, refreshToken)
      const successes = successesOf(outcomes)
      expect(successes).toHaveLength(50)
      expect(new Set(successes.map((success) => success.refreshToken)).size).toBe(1)
      expect(successesOf(await refreshAtOnce(1, instances, successes[0]?.refreshToken ?? ''))).toHaveLength(1)
    }
  })

  it('RT-05: chains of many grants at once keep to themselves', async () => {
    const chains = await Promise.all(
      Array.from({ length: 20 }, (_, index) => authorize(one, client, { subject: `user-${index}` })),
    )
    const ends = await Promise.all(
      chains.map(async (first, index) => {
        let { refreshToken, accessToken } = first
        for (let step = 0; step < 5; step++)
          ({ refreshToken, accessToken } = await refresh((index + step) % 2 ? one : other, client, refreshToken))
        return openAccessToken(services.config, accessToken).subject
      }),
    )
    expect(ends).toEqual(chains.map((_, index) => `user-${index}`))
  })
})

describe('RT-06: whoever could not have used a token does no harm with it', () => {
  it('another client, wrong credentials, a public client with its own id', async () => {
    const open = await registerClient(services, { tokenEndpointAuthMethod: 'none' })
    const first = await authorize(one, client)
    const second = await refresh(one, client, first.refreshToken)
    const attempts = [first.refreshToken, second.refreshToken].flatMap((refreshToken) => [
      refresh(one, stranger, refreshToken),
      refresh(one, open, refreshToken),
      issue(one, client, 'refresh_token', { refresh_token: refreshToken }, credentialsOf(client, 'wrong secret')),
      issue(one, client, 'refresh_token', { refresh_token: refreshToken }, credentialsOf({ ...client, secret: '' })),
    ])
    const codes = await Promise.all(attempts.map(async (attempt) => (await refusalOf(attempt)).code))
    const expected = ['invalid_grant', 'invalid_grant', 'invalid_client', 'invalid_client']
    expect(codes).toEqual([...expected, ...expected])
    expect(await isRevoked(services, one, second.accessToken)).toBe(false)
    await refresh(one, client, second.refreshToken)
  })
})

describe('RT-07: the scope of a refresh', () => {
  it('RFC 6749 6: narrows the access token, and the refresh token keeps what was granted', async () => {
    const first = await authorize(one, client)
    const narrow = await refresh(one, client, first.refreshToken, { scope: 'photos.read' })
    expect(narrow).toMatchObject({ scope: 'photos.read', idToken: '' })
    expect(openAccessToken(services.config, narrow.accessToken).scope).toBe('photos.read')
    const wide = await refresh(one, client, narrow.refreshToken)
    expect(wide.scope).toBe(first.scope)
  })

  it('a wider scope is refused and uses nothing up', async () => {
    const first = await authorize(one, client)
    for (const scope of ['photos.read photos.write', 'admin', 'photos.read.more'])
      expect(await refusalOf(refresh(one, client, first.refreshToken, { scope }))).toMatchObject({
        code: 'invalid_scope',
      })
    await refresh(one, client, first.refreshToken)
  })
})

describe('RT-08: the end of refresh tokens', () => {
  it('one that was not used in time is refused', async () => {
    const by = await registerClient(services, { lifespans: { authorizationCodeGrantRefreshToken: 1 } })
    const { refreshToken, grantId } = await authorize(one, by)
    await untilExpired(grantId)
    expect(await refusalOf(refresh(one, by, refreshToken))).toMatchObject(invalidGrant)
  })

  it('each use begins the lifespan anew, up to the absolute end of the grant', async () => {
    const ending = await services.add({
      oauth2: { grant: { refresh_token: { absolute_lifespan: 2 } } },
      ttl: { refresh_token: 3_600 },
    })
    const first = await authorize(ending, client)
    const second = await refresh(ending, client, first.refreshToken)
    expect(second.expiresIn).toBeLessThanOrEqual(2)
    await untilExpired(first.grantId)
    expect(await refusalOf(refresh(ending, client, second.refreshToken))).toMatchObject(invalidGrant)
  })

  it('hydra 4.8: with `-1` they never expire', async () => {
    const endless = await services.add({ ttl: { refresh_token: undefined } } as never)
    const first = await authorize(endless, client)
    const second = await refresh(endless, client, first.refreshToken)
    const { rows } = await services.database.query('SELECT expires_at FROM "grant" WHERE id = $1', [first.grantId])
    expect(rows[0].expires_at).toBeNull()
    await refresh(endless, client, second.refreshToken)
  })

  const untilExpired = (grantId: string) =>
    eventually(async () => {
      const text = 'SELECT 1 FROM "grant" WHERE id = $1 AND expires_at < now()'
      return (await services.database.query(text, [grantId])).rows.length > 0
    })
})

describe('RT-09: what the client or the grant lost since', () => {
  const update = (clientId: string, client: Partial<Client>, paths: string[]) =>
    services.clients.updateClient({
      client: Client.create({ clientId, ...client }),
      updateMask: paths,
      clientSecret: '',
    })

  it('hydra 4.5: a client that may no longer have what was granted gets invalid_scope, and nothing is used up', async () => {
    const by = await registerClient(services)
    const { refreshToken } = await authorize(one, by, { audience: ['https://api.test/photos'] })
    await update(by.clientId, { scope: 'openid photos.read' }, ['scope'])
    expect(await refusalOf(refresh(one, by, refreshToken))).toMatchObject({ code: 'invalid_scope' })
    await update(by.clientId, { scope: 'openid offline_access photos.*', audience: [] }, ['scope', 'audience'])
    expect(await refusalOf(refresh(one, by, refreshToken))).toMatchObject({ code: 'invalid_scope' })
    await update(by.clientId, { audience: ['https://api.test/'] }, ['audience'])
    const next = await refresh(one, by, refreshToken)
    const counted = await countStatements(services.database, () => refresh(one, by, next.refreshToken))
    expect(counted.statements).toBe(1)
  })

  it('a client that may no longer refresh is refused', async () => {
    const by = await registerClient(services)
    const { refreshToken } = await authorize(one, by)
    await update(by.clientId, { grantTypes: ['authorization_code'] }, ['grant_types'])
    expect(await refusalOf(refresh(one, by, refreshToken))).toMatchObject({ code: 'unauthorized_client' })
  })

  it('a client that was deleted, and another of the same id', async () => {
    const by = await registerClient(services)
    const { refreshToken } = await authorize(one, by)
    await services.clients.deleteClient({ clientId: by.clientId })
    expect(await refusalOf(refresh(one, by, refreshToken))).toMatchObject({ code: 'invalid_client' })
    const heir = await registerClient(services, { clientId: by.clientId })
    expect(await refusalOf(refresh(one, heir, refreshToken))).toMatchObject(invalidGrant)
  })

  it('a grant that was revoked by its subject', async () => {
    const subject = 'leaver'
    const { refreshToken, accessToken } = await authorize(one, client, { subject })
    const { revoked } = await one.asConsent.revokeGrants({ selector: { $case: 'subject', value: subject } })
    expect(revoked).toBe(1)
    expect(await refusalOf(refresh(one, client, refreshToken))).toMatchObject(invalidGrant)
    expect(await isRevoked(services, one, accessToken)).toBe(true)
  })
})
