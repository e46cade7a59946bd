// TokenService beyond the token endpoint: revocation (RFC 7009), userinfo claims, refresh tokens for introspection, outages
// and the purge.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newUuid } from '../../services/kit/random.js'
import { openDatabase } from '../../services/token/store/database.js'
import { GrantStore } from '../../services/token/store/grant_store.js'
import { refusalOf } from '../support/client_service.js'
import { eventually } from '../support/eventually.js'
import {
  authorize,
  countStatements,
  credentialsOf,
  isRevoked,
  issue,
  redeem,
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
let client: TestClient
let stranger: TestClient
let jwtClient: TestClient
let open: TestClient

beforeAll(async () => {
  services = await startTokenServices({}, 2)
  one = services.one
  other = services.instances[1] as TokenInstance
  client = await registerClient(services)
  stranger = await registerClient(services)
  jwtClient = await registerClient(services, { accessTokenStrategy: 'jwt' })
  open = await registerClient(services, { tokenEndpointAuthMethod: 'none' })
})
afterAll(() => services.stop())

const revoke = (by: TestClient, token: string, tokenTypeHint = '', credentials = credentialsOf(by)) =>
  one.tokens.revokeToken({ token, tokenTypeHint, credentials })

const refused = async (call: Promise<unknown>) => (await refusalOf(call)).code

describe('RFC 7009: token revocation', () => {
  it('TK-17: a refresh token ends the grant: itself and every access token of it, opaque and JWT', async () => {
    for (const by of [client, jwtClient, open]) {
      const first = await authorize(one, by)
      const second = await refresh(one, by, first.refreshToken)
      await revoke(by, second.refreshToken)
      for (const { accessToken } of [first, second]) expect(await isRevoked(services, other, accessToken)).toBe(true)
      expect(await refused(refresh(other, by, second.refreshToken))).toBe('invalid_grant')
    }
  })

  it('RFC 7009 2.1: also one that was rotated', async () => {
    const first = await authorize(one, client)
    const second = await refresh(one, client, first.refreshToken)
    await revoke(client, first.refreshToken)
    expect(await refused(refresh(one, client, second.refreshToken))).toBe('invalid_grant')
  })

  it('hydra 4.7: an access token ends the grant just so', async () => {
    for (const by of [client, jwtClient]) {
      const { accessToken, refreshToken } = await authorize(one, by)
      await revoke(by, accessToken)
      expect(await isRevoked(services, other, accessToken)).toBe(true)
      expect(await refused(refresh(one, by, refreshToken))).toBe('invalid_grant')
    }
  })

  it('RFC 7009 2.1: a token without a grant ends alone', async () => {
    for (const by of [client, jwtClient]) {
      const [first, second] = await Promise.all([1, 2].map(() => issue(one, by, 'client_credentials')))
      await revoke(by, first?.accessToken ?? '')
      expect(await isRevoked(services, other, first?.accessToken ?? '')).toBe(true)
      expect(await isRevoked(services, other, second?.accessToken ?? '')).toBe(false)
    }
  })

  it("TK-15: another client's token stays active, and the answer is the same", async () => {
    for (const by of [client, jwtClient]) {
      const { accessToken, refreshToken } = await authorize(one, by)
      for (const token of [accessToken, refreshToken])
        for (const foreigner of [stranger, open]) expect(await revoke(foreigner, token)).toEqual({})
      expect(await isRevoked(services, one, accessToken)).toBe(false)
      expect((await refresh(one, by, refreshToken)).accessToken).not.toBe('')
    }
  })

  it('TK-16: unknown, malformed and revoked tokens, and wrong hints, are no error', async () => {
    const { accessToken, idToken, refreshToken } = await authorize(one, client)
    const { code } = await startGrant(one, client)
    const odd = ['x', '..', 'tsr_at_', 'tsr_rt_.', 'a.b.c', 'x'.repeat(100_000), code, idToken, `${accessToken}x`]
    for (const token of odd) expect(await revoke(client, token, 'access_token')).toEqual({})
    expect(await isRevoked(services, one, accessToken)).toBe(false)
    await revoke(client, refreshToken, 'access_token')
    expect(await revoke(client, refreshToken, 'no_such_hint')).toEqual({})
    expect(await isRevoked(services, one, accessToken)).toBe(true)
  })

  it('RFC 7009 2.1: needs the client, authenticated as it registered, and a token', async () => {
    const { accessToken } = await authorize(one, client)
    expect(await refused(revoke(client, accessToken, '', credentialsOf(client, 'wrong')))).toBe('invalid_client')
    expect(await refused(revoke({ ...client, secret: '' }, accessToken))).toBe('invalid_client')
    expect(
      await refused(one.tokens.revokeToken({ token: accessToken, tokenTypeHint: '', credentials: undefined })),
    ).toBe('invalid_client')
    expect(await refused(revoke(client, ''))).toBe('invalid_request')
    expect(await isRevoked(services, one, accessToken)).toBe(false)
  })

  it('TK-19: after a revocation beside refreshes of the same token nothing of the grant is active', async () => {
    for (let round = 0; round < 20; round++) {
      const { refreshToken, accessToken } = await authorize(one, client)
      const refreshes = [one, other, one].map((instance) =>
        refresh(instance, client, refreshToken).catch(() => undefined),
      )
      const [answers] = await Promise.all([Promise.all(refreshes), revoke(client, refreshToken)])
      for (const answer of answers) {
        if (!answer) continue
        expect(await isRevoked(services, other, answer.accessToken)).toBe(true)
        expect(await refused(refresh(one, client, answer.refreshToken))).toBe('invalid_grant')
      }
      expect(await isRevoked(services, other, accessToken)).toBe(true)
    }
  })
})

describe('RevokeGrants and RevokeClientAccessTokens', () => {
  it('end the grants of a subject at one client, and no others', async () => {
    const subject = newUuid()
    const [mine, elsewhere, another] = await Promise.all([
      authorize(one, client, { subject }),
      authorize(one, stranger, { subject }),
      authorize(one, client, { subject: `${subject}-2` }),
    ])
    const value = { subject, clientId: client.clientId }
    expect(await one.asConsent.revokeGrants({ selector: { $case: 'subjectAndClient', value } })).toEqual({
      revoked: 1,
      pending: false,
    })
    expect(await isRevoked(services, other, mine.accessToken)).toBe(true)
    for (const { accessToken } of [elsewhere, another])
      expect(await isRevoked(services, other, accessToken)).toBe(false)
    expect(await one.asConsent.revokeGrants({ selector: { $case: 'subjectAndClient', value } })).toEqual({
      revoked: 0,
      pending: false,
    })
    expect(await refused(one.asConsent.revokeGrants({ selector: undefined }))).toBe('invalid_request')
  })

  it('hydra 4.7: the access tokens of a client end, its refresh tokens stay good', async () => {
    const by = await registerClient(services)
    const first = await authorize(one, by)
    const machine = await issue(one, by, 'client_credentials')
    await one.tokens.revokeClientAccessTokens({ clientId: by.clientId })
    for (const { accessToken } of [first, machine]) expect(await isRevoked(services, other, accessToken)).toBe(true)
    await eventually(async () => {
      const { accessToken } = await refresh(one, by, first.refreshToken)
      return !(await isRevoked(services, other, accessToken))
    })
  })
})

describe('OpenID Connect Core 5.3.2: GetUserClaims', () => {
  it('hydra 4.18: the claims of the ID token without those that tell of one issue', async () => {
    const { grantId } = await authorize(one, client, {
      idTokenClaims: { email: 'alice@example.test', sub: 'mallory' },
      authenticatedAt: 1_700_000_000,
      requestedAt: 1_700_000_100,
      acr: 'silver',
      amr: ['pwd'],
      nonce: 'n-0S6_WzA2Mj',
      loginSessionId: newUuid(),
    })
    expect((await one.tokens.getUserClaims({ grantId })).claims).toEqual({
      iss: services.config.urls.self.issuer,
      sub: 'alice',
      aud: [client.clientId],
      iat: expect.any(Number),
      auth_time: 1_700_000_000,
      rat: 1_700_000_100,
      acr: 'silver',
      amr: ['pwd'],
      email: 'alice@example.test',
    })
  })

  it('design 5: are read once, and forgotten when the grant is revoked, by whatever instance', async () => {
    const { grantId } = await authorize(one, client)
    await one.tokens.getUserClaims({ grantId })
    const counted = await countStatements(services.database, () => one.tokens.getUserClaims({ grantId }))
    expect(counted.texts).toEqual([])
    await other.asConsent.revokeGrants({ selector: { $case: 'grantId', value: grantId } })
    expect(await refused(other.tokens.getUserClaims({ grantId }))).toBe('invalid_token')
    await eventually(
      async () => (await one.tokens.getUserClaims({ grantId }).catch(() => undefined)) === undefined,
      1_000,
    )
    expect(await refused(one.tokens.getUserClaims({ grantId }))).toBe('invalid_token')
  })

  it('I12: are not told of a grant that there is not, or whose client is gone', async () => {
    for (const grantId of ['', 'x', newUuid()])
      expect(await refused(one.tokens.getUserClaims({ grantId }))).toBe('invalid_token')
    const doomed = await registerClient(services)
    const { grantId } = await authorize(one, doomed)
    await one.tokens.getUserClaims({ grantId })
    await services.clients.deleteClient({ clientId: doomed.clientId })
    expect(await refused(one.tokens.getUserClaims({ grantId }))).toBe('invalid_token')
  })
})

describe('RFC 7662: InspectRefreshToken', () => {
  const inspect = (refreshToken: string) => one.asIntrospection.inspectRefreshToken({ refreshToken })

  it('says what the grant says', async () => {
    const { refreshToken, grantId } = await authorize(one, client, {
      audience: ['https://api.test/photos'],
      accessTokenClaims: { role: 'admin' },
      obfuscatedSubject: 'pairwise-1',
    })
    const answer = await inspect(refreshToken)
    expect(answer).toMatchObject({
      active: true,
      clientId: client.clientId,
      registrationId: client.registrationId,
      subject: 'alice',
      obfuscatedSubject: 'pairwise-1',
      scope: ['openid', 'offline_access', 'photos.read'],
      audience: ['https://api.test/photos'],
      grantId,
    })
    expect(answer.expiresAt - answer.issuedAt).toBe(services.config.ttl.refresh_token)
    expect(JSON.parse(answer.extJson.toString())).toEqual({ role: 'admin' })
  })

  it('TK-12: is inactive for what was rotated, revoked or never was, and for a client that is gone', async () => {
    const first = await authorize(one, client)
    const second = await refresh(one, client, first.refreshToken)
    expect((await inspect(second.refreshToken)).active).toBe(true)
    await revoke(client, second.refreshToken)
    const doomed = await registerClient(services)
    const orphan = await authorize(one, doomed)
    await services.clients.deleteClient({ clientId: doomed.clientId })
    const { code } = await startGrant(one, client)
    for (const token of [
      first.refreshToken,
      second.refreshToken,
      orphan.refreshToken,
      first.accessToken,
      code,
      'x',
      '',
    ])
      expect(await inspect(token)).toMatchObject({ active: false, clientId: '', subject: '', scope: [] })
  })
})

describe('GetServerMetadata', () => {
  it('RFC 8414 2: is drawn from the registries', async () => {
    expect((await one.tokens.getServerMetadata({})).metadata).toEqual({
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'implicit',
      ],
      response_types_supported: [
        'code',
        'token',
        'id_token',
        'id_token token',
        'code id_token',
        'code token',
        'code id_token token',
      ],
      userinfo_signing_alg_values_supported: ['none', 'ES256', 'EdDSA', 'PS256', 'RS256'],
      id_token_signing_alg_values_supported: ['ES256', 'EdDSA', 'PS256', 'RS256'],
      userinfo_signed_response_alg: ['ES256', 'EdDSA', 'PS256', 'RS256'],
      id_token_signed_response_alg: ['ES256', 'EdDSA', 'PS256', 'RS256'],
    })
  })
})

describe('I11: an outage is no verdict', () => {
  it('TK-18: whatever needs the database is temporarily unavailable, and nothing is used up', async () => {
    const { refreshToken, accessToken } = await authorize(one, client)
    const { code } = await startGrant(one, client)
    const locking = await services.database.connect()
    await locking.query('BEGIN')
    await locking.query('LOCK TABLE "grant" IN ACCESS EXCLUSIVE MODE')
    try {
      const calls = [
        redeem(one, client, code),
        refresh(one, client, refreshToken),
        revoke(client, refreshToken),
        revoke(client, accessToken),
        startGrant(one, client),
        one.asIntrospection.inspectRefreshToken({ refreshToken }),
      ]
      const codes = await Promise.all(calls.map(refused))
      expect(codes.every((each) => each === 'temporarily_unavailable')).toBe(true)
    } finally {
      await locking.query('ROLLBACK')
      locking.release()
    }
    expect((await redeem(one, client, code)).accessToken).not.toBe('')
    expect((await refresh(one, client, refreshToken)).accessToken).not.toBe('')
  })
})

describe('the purge', () => {
  it('deletes grants that are over, and keeps the others', async () => {
    const database = openDatabase({ dsn: services.config.dsn, maxConnections: 2 })
    const store = new GrantStore(database, { gracePeriod: 0, graceReuseCount: 0 })
    const [abandoned, living, ended, tokenLives, revoked] = await Promise.all([
      startGrant(one, client),
      authorize(one, client),
      authorize(one, client),
      authorize(one, client),
      authorize(one, client),
    ])
    const past = `now() - interval '1 minute'`
    const setAll = (id: string, set: string) =>
      services.database.query(`UPDATE "grant" SET purge_at = ${past} ${set} WHERE id = $1`, [id])
    await setAll(abandoned.grantId, `, expires_at = ${past}`)
    await setAll(living.grantId, `, access_expires_at = ${past}`)
    await setAll(ended.grantId, `, expires_at = ${past}, access_expires_at = ${past}`)
    await setAll(tokenLives.grantId, `, expires_at = ${past}`)
    await setAll(revoked.grantId, `, revoked_at = ${past}, access_expires_at = ${past}`)
    await store.purge({ signal: new AbortController().signal })
    const { rows } = await services.database.query(
      'SELECT id, purge_at > now() AS later FROM "grant" WHERE id = ANY ($1)',
      [[abandoned, living, ended, tokenLives, revoked].map(({ grantId }) => grantId)],
    )
    expect(rows.map(({ id }) => id).sort()).toEqual([living.grantId, tokenLives.grantId].sort())
    expect(rows.every(({ later }) => later)).toBe(true)
    await database.close()
  })
})
