// The authorization code grant (RFC 6749 4.1, RFC 7636) at the token service.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import { newUuid } from '../../services/kit/random.js'
import { refusalOf } from '../support/client_service.js'
import { eventually } from '../support/eventually.js'
import {
  authorize,
  codeChallenge,
  codeVerifier,
  countStatements,
  credentialsOf,
  isRevoked,
  issue,
  openAccessToken,
  redeem,
  redirectUri,
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

beforeAll(async () => {
  services = await startTokenServices({}, 2)
  one = services.one
  other = services.instances[1] as TokenInstance
  client = await registerClient(services)
  stranger = await registerClient(services)
})
afterAll(() => services.stop())

const invalidGrant = { code: 'invalid_grant' }

describe('RFC 6749 4.1.3: redeeming a code', () => {
  it('PK-01: the right verifier gets the tokens of the grant', async () => {
    const { code, grantId } = await startGrant(one, client, { audience: ['https://api.test/photos'] })
    const answer = await redeem(one, client, code)
    expect(answer).toMatchObject({ tokenType: 'bearer', expiresIn: 3_600, scope: 'openid offline_access photos.read' })
    expect(answer.refreshToken).toMatch(/^tsr_rt_[\w-]+\.[\w-]+$/)
    expect(answer.idToken.split('.')).toHaveLength(3)
    const token = openAccessToken(services.config, answer.accessToken)
    expect(token).toMatchObject({ subject: 'alice', hasEndUser: true, audience: ['https://api.test/photos'] })
    expect(token.grantId.toString('hex')).toBe(grantId.replaceAll('-', ''))
  })

  it('RFC 6749 5.1: no refresh token without offline access, no ID token without openid', async () => {
    expect(await authorize(one, client, { scope: ['photos.read'] })).toMatchObject({ refreshToken: '', idToken: '' })
    expect((await authorize(one, client, { scope: ['offline'] })).refreshToken).not.toBe('')
  })

  it('RT-10: no refresh token for a client that may not use one', async () => {
    const plain = await registerClient(services, { grantTypes: ['authorization_code'] })
    expect((await authorize(one, plain)).refreshToken).toBe('')
  })

  it('hydra 4.8: the lifespans of the client come before those of the configuration', async () => {
    const brief = await registerClient(services, { lifespans: { authorizationCodeGrantAccessToken: 120 } })
    expect((await authorize(one, brief)).expiresIn).toBe(120)
  })

  it('design 5: it is one statement that changes one row', async () => {
    await authorize(one, client)
    const { code } = await startGrant(one, client)
    const counted = await countStatements(services.database, () => redeem(one, client, code))
    expect(counted.texts).toHaveLength(1)
    expect(counted).toMatchObject({ statements: 1, rows: 1 })
  })

  it('design 5: it begins with one statement that writes one row', async () => {
    const counted = await countStatements(services.database, () => startGrant(one, client))
    expect(counted).toMatchObject({ statements: 1, rows: 1 })
  })
})

describe('RFC 7636: proof key for code exchange', () => {
  it('RFC 7636 App. B: the example of the specification', () => {
    const challenge = createHash('sha256').update(codeVerifier).digest('base64url')
    expect(challenge).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
  })

  it('PK-02: a wrong verifier is refused and uses nothing up', async () => {
    const { code } = await startGrant(one, client)
    const wrong = [
      '',
      'x'.repeat(43),
      codeChallenge.toString('base64url'),
      `${codeVerifier}x`,
      codeVerifier.toLowerCase(),
    ]
    for (const code_verifier of wrong)
      expect(await refusalOf(redeem(one, client, code, { code_verifier }))).toMatchObject(invalidGrant)
    expect((await redeem(one, client, code)).accessToken).not.toBe('')
  })

  it('PK-03: a verifier where the request had no challenge is refused', async () => {
    const { code } = await startGrant(one, client, { codeChallenge: Buffer.alloc(0) })
    expect(await refusalOf(redeem(one, client, code))).toMatchObject(invalidGrant)
    expect((await redeem(one, client, code, { code_verifier: '' })).accessToken).not.toBe('')
  })

  it('PK-07: a verifier has 43 to 128 unreserved characters', async () => {
    const attempt = async (verifier: string) => {
      const challenge = createHash('sha256').update(verifier).digest()
      const { code } = await startGrant(one, client, { codeChallenge: challenge })
      return redeem(one, client, code, { code_verifier: verifier })
    }
    for (const verifier of ['a'.repeat(43), 'a'.repeat(128), `${'-._~'.repeat(11)}`])
      expect((await attempt(verifier)).accessToken).not.toBe('')
    for (const verifier of ['a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(43)}+`, `${'a'.repeat(43)}\n`])
      expect(await refusalOf(attempt(verifier))).toMatchObject(invalidGrant)
  })
})

describe('RU-19: the redirect URI at the token endpoint', () => {
  it('another one, or none where there was one, is refused and uses nothing up', async () => {
    const { code } = await startGrant(one, client)
    for (const redirect_uri of ['', 'https://app.test/cb/', 'https://app.test/other'])
      expect(await refusalOf(redeem(one, client, code, { redirect_uri }))).toMatchObject(invalidGrant)
    await redeem(one, client, code)
  })

  it('RFC 6749 4.1.3: none is needed where the authorization request had none', async () => {
    for (const redirect_uri of ['', redirectUri]) {
      const { code } = await startGrant(one, client, { redirectUri: '' })
      await redeem(one, client, code, { redirect_uri })
    }
  })
})

describe('a code is redeemed once', () => {
  it('CO-01, CO-02: a second redemption that is right in all else is refused and revokes what the first gave', async () => {
    for (const second of [one, other]) {
      const { code } = await startGrant(one, client)
      const first = await redeem(one, client, code)
      expect(await refusalOf(redeem(second, client, code))).toMatchObject(invalidGrant)
      expect(await isRevoked(services, one, first.accessToken)).toBe(true)
      expect(await refusalOf(refresh(one, client, first.refreshToken))).toMatchObject(invalidGrant)
    }
  })

  it('CO-03: a replay by somebody who could not have redeemed the code leaves its tokens alone', async () => {
    const { code } = await startGrant(one, client)
    const first = await redeem(one, client, code)
    const replays = [
      redeem(one, client, code, { code_verifier: 'y'.repeat(43) }),
      redeem(one, client, code, { redirect_uri: 'https://app.test/other' }),
      redeem(one, stranger, code),
      issue(one, client, 'authorization_code', { code }, credentialsOf(client, 'wrong secret')),
    ]
    const codes = await Promise.all(replays.map(async (replay) => (await refusalOf(replay)).code))
    expect(codes).toEqual(['invalid_grant', 'invalid_grant', 'invalid_grant', 'invalid_client'])
    expect(await isRevoked(services, one, first.accessToken)).toBe(false)
    expect((await refresh(one, client, first.refreshToken)).accessToken).not.toBe('')
  })

  it('CO-04: of 50 redemptions at once over two instances one wins, and none fails otherwise', async () => {
    for (const instances of [[one], [one, other]]) {
      const { code } = await startGrant(one, client)
      const attempts = Array.from({ length: 50 }, (_, index) =>
        redeem(instances[index % instances.length] as TokenInstance, client, code).then(
          () => 'won',
          (thrown: { code: string }) => thrown.code,
        ),
      )
      const outcomes = await Promise.all(attempts)
      expect(outcomes.filter((outcome) => outcome === 'won')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'invalid_grant')).toHaveLength(49)
    }
  })

  it('CO-04: many codes redeemed at once each give their own tokens', async () => {
    const started = await Promise.all(
      Array.from({ length: 40 }, (_, index) => startGrant(one, client, { subject: `user-${index}` })),
    )
    const answers = await Promise.all(started.map(({ code }, index) => redeem(index % 2 ? one : other, client, code)))
    const subjects = answers.map(({ accessToken }) => openAccessToken(services.config, accessToken).subject)
    expect(subjects).toEqual(started.map((_, index) => `user-${index}`))
  })

  it('CO-05: an expired code is refused', async () => {
    const hasty = await services.add({ ttl: { auth_code: 1 } })
    const { code } = await startGrant(hasty, client)
    await eventually(async () => {
      const { rows } = await services.database.query(
        'SELECT 1 FROM "grant" WHERE generation = 0 AND expires_at < now()',
      )
      return rows.length > 0
    })
    expect(await refusalOf(redeem(hasty, client, code))).toMatchObject(invalidGrant)
  })

  it('CO-06: another client cannot redeem a code, nor use it up', async () => {
    const { code } = await startGrant(one, client)
    expect(await refusalOf(redeem(one, stranger, code))).toMatchObject(invalidGrant)
    await redeem(one, client, code)
  })

  it('CO-07: what was tampered with, cut, put together or is another kind of handle is refused without a query', async () => {
    const { code } = await startGrant(one, client)
    const { code: second } = await startGrant(one, client)
    const { refreshToken, accessToken } = await authorize(one, client)
    const [head = '', tail = ''] = code.split('.')
    const forged = [
      `${head.slice(0, -1)}${head.endsWith('A') ? 'B' : 'A'}.${tail}`,
      `${head}.${tail.slice(0, -2)}AA`,
      head,
      `${head}.`,
      `${head}.${tail}.${tail}`,
      `${head}.${second.split('.')[1]}`,
      code.slice(0, 20),
      `${code}=`,
      code.toUpperCase(),
      refreshToken,
      refreshToken.replace('tsr_rt_', 'tsr_ac_'),
      accessToken,
      'x'.repeat(100_000),
    ]
    const counted = await countStatements(services.database, async () => {
      for (const each of forged) expect(await refusalOf(redeem(one, client, each))).toMatchObject(invalidGrant)
    })
    expect(counted.texts).toEqual([])
    expect(await refusalOf(redeem(one, client, ''))).toMatchObject({ code: 'invalid_request' })
    await redeem(one, client, code)
  })

  it('CO-08: the database holds no usable code', async () => {
    const { code } = await startGrant(one, client)
    const { rows } = await services.database.query('SELECT g::text AS row FROM "grant" g')
    const parts = code.slice('tsr_ac_'.length).split('.')
    const macAsHex = Buffer.from(parts[1] ?? '', 'base64url').toString('hex')
    for (const { row } of rows) for (const secret of [...parts, macAsHex]) expect(row).not.toContain(secret)
  })

  it('CO-09: a code is dead once its grant was revoked, by consent or by session', async () => {
    const loginSessionId = newUuid()
    const byGrant = await startGrant(one, client)
    const bySession = await startGrant(one, client, { loginSessionId })
    const byOwnSession = await startGrant(one, client)
    await one.asConsent.revokeGrants({ selector: { $case: 'grantId', value: byGrant.grantId } })
    await one.asConsent.revokeGrants({ selector: { $case: 'loginSessionId', value: loginSessionId } })
    await one.asConsent.revokeGrants({ selector: { $case: 'loginSessionId', value: byOwnSession.grantId } })
    for (const { code } of [byGrant, bySession, byOwnSession])
      expect(await refusalOf(redeem(one, client, code))).toMatchObject(invalidGrant)
  })

  it('CO-09: a code is dead once its client was deleted, also for a new client of the same id', async () => {
    const doomed = await registerClient(services)
    const { code } = await startGrant(one, doomed)
    await services.clients.deleteClient({ clientId: doomed.clientId })
    expect(await refusalOf(redeem(one, doomed, code))).toMatchObject({ code: 'invalid_client' })
    const heir = await registerClient(services, { clientId: doomed.clientId })
    expect(await refusalOf(redeem(one, heir, code))).toMatchObject(invalidGrant)
  })
})

describe('StartGrant', () => {
  it('BR-03: a grant is begun once, also by 20 at once over two instances', async () => {
    const grantId = newUuid()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        startGrant(index % 2 ? one : other, client, { grantId }).then(
          () => 'begun',
          (thrown: { code: string }) => thrown.code,
        ),
      ),
    )
    expect(outcomes.filter((outcome) => outcome === 'begun')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(19)
  })

  it('BR-03: a grant that was revoked cannot be begun again', async () => {
    const { grantId } = await startGrant(one, client)
    await one.asConsent.revokeGrants({ selector: { $case: 'grantId', value: grantId } })
    expect(await refusalOf(startGrant(one, client, { grantId }))).toMatchObject({ code: 'conflict' })
  })

  it('is refused for a registration that is no more, and for response types that there are not', async () => {
    const gone = startGrant(one, { ...client, registrationId: newUuid() })
    expect(await refusalOf(gone)).toMatchObject({ code: 'invalid_client' })
    for (const responseType of ['', 'none', 'code x', '__proto__'])
      expect(await refusalOf(startGrant(one, client, { responseType }))).toMatchObject({
        code: 'unsupported_response_type',
      })
  })

  it.each<[string, Partial<StartGrantRequest>]>([
    ['a grant without a UUID', { grantId: 'x' }],
    ['a login session without a UUID', { loginSessionId: 'x' }],
    ['no subject', { subject: '' }],
    ['a scope of two words', { scope: ['openid admin'] }],
    ['an audience with a space', { audience: ['https://a.test https://b.test'] }],
    ['a challenge that is no SHA-256', { codeChallenge: Buffer.from('short') }],
    ['NUL in a text', { nonce: 'a\0b' }],
  ])('refuses %s', async (_, request) => {
    expect(await refusalOf(startGrant(one, client, request))).toMatchObject({ code: 'invalid_request' })
  })
})
