// ID tokens (OpenID Connect Core 2, 3.1.3.7) as the token endpoint gives them.
import { decodeProtectedHeader, type JWTVerifyResult, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newUuid } from '../../services/kit/random.js'
import { leftHalfHash } from '../../services/token/tokens/id_token.js'
import {
  authorize,
  publishedKeys,
  refresh,
  registerClient,
  startTokenServices,
  type TestClient,
  type TokenServices,
} from '../support/token_service.js'

let services: TokenServices
let client: TestClient

beforeAll(async () => {
  services = await startTokenServices()
  client = await registerClient(services)
})
afterAll(() => services.stop())

const verify = async (idToken: string, audience = client.clientId): Promise<JWTVerifyResult> =>
  jwtVerify(idToken, await publishedKeys(services.one), { issuer: services.config.urls.self.issuer, audience })

describe('OpenID Connect Core 2: the ID token', () => {
  it('CO-10: says what the authentication was, and which access token it came with', async () => {
    const loginSessionId = newUuid()
    const answer = await authorize(services.one, client, {
      nonce: 'n-0S6_WzA2Mj',
      authenticatedAt: 1_700_000_000,
      requestedAt: 1_700_000_100,
      acr: 'urn:mace:incommon:iap:silver',
      amr: ['pwd', 'otp'],
      loginSessionId,
    })
    const { payload } = await verify(answer.idToken)
    expect(payload).toEqual({
      iss: services.config.urls.self.issuer,
      sub: 'alice',
      aud: [client.clientId],
      iat: expect.any(Number),
      exp: Number(payload.iat) + 3_600,
      auth_time: 1_700_000_000,
      rat: 1_700_000_100,
      nonce: 'n-0S6_WzA2Mj',
      acr: 'urn:mace:incommon:iap:silver',
      amr: ['pwd', 'otp'],
      sid: loginSessionId,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at_hash: leftHalfHash('sha256', answer.accessToken),
    })
  })

  it('OpenID Connect Core 3.1.3.7: has no claim for what is not known', async () => {
    const { payload } = await verify((await authorize(services.one, client)).idToken)
    for (const claim of ['nonce', 'acr', 'amr', 'auth_time', 'rat']) expect(payload).not.toHaveProperty(claim)
  })

  it('Back-Channel Logout 2.1: where no login session is named, sid is the one that began with the grant', async () => {
    const { grantId, idToken } = await authorize(services.one, client)
    expect((await verify(idToken)).payload.sid).toBe(grantId)
  })

  it('hydra 4.9: carries what the consent app says, and nothing that is not its to say', async () => {
    const idTokenClaims = {
      email: 'alice@example.test',
      address: { country: 'NZ' },
      ...{ iss: 'evil', sub: 'mallory', aud: 'evil', exp: 1, iat: 1, nonce: 'x', at_hash: 'x', sid: 'x', acr: 'x' },
      ...{ amr: ['x'], auth_time: 1, jti: 'x', azp: 'x', rat: 1, c_hash: 'x', nbf: 4_102_444_800 },
    }
    const { payload } = await verify((await authorize(services.one, client, { idTokenClaims })).idToken)
    expect(payload).toMatchObject({ email: 'alice@example.test', address: { country: 'NZ' }, sub: 'alice' })
    for (const claim of ['nonce', 'acr', 'amr', 'auth_time', 'azp', 'rat', 'c_hash', 'nbf'])
      expect(payload).not.toHaveProperty(claim)
    expect(payload.sid).not.toBe('x')
  })

  it('the subject is the one that the client is to see', async () => {
    const { idToken } = await authorize(services.one, client, { obfuscatedSubject: 'pairwise-1' })
    expect((await verify(idToken)).payload.sub).toBe('pairwise-1')
  })

  it('OpenID Connect Core 12.2: a refreshed one keeps auth_time and the rest, and has no nonce', async () => {
    const first = await authorize(services.one, client, { nonce: 'n-0S6_WzA2Mj', authenticatedAt: 1_700_000_000 })
    const second = await refresh(services.one, client, first.refreshToken)
    const before = (await verify(first.idToken)).payload
    const after = (await verify(second.idToken)).payload
    expect(after).toMatchObject({ iss: before.iss, sub: before.sub, aud: before.aud, auth_time: 1_700_000_000 })
    expect(after.jti).not.toBe(before.jti)
    expect(after).not.toHaveProperty('nonce')
    expect(after.at_hash).toBe(leftHalfHash('sha256', second.accessToken))
  })

  it.each([
    ['', 'RS256', 'sha256'],
    ['RS256', 'RS256', 'sha256'],
    ['PS256', 'PS256', 'sha256'],
    ['ES256', 'ES256', 'sha256'],
    ['EdDSA', 'EdDSA', 'sha512'],
  ] as const)(
    'OpenID Connect Registration 2: id_token_signed_response_alg "%s" means %s',
    async (registered, alg, hash) => {
      const by = await registerClient(services, { idTokenSignedResponseAlg: registered })
      const { idToken, accessToken } = await authorize(services.one, by)
      expect(decodeProtectedHeader(idToken)).toEqual({ alg, typ: 'JWT', kid: expect.any(String) })
      expect((await verify(idToken, by.clientId)).payload.at_hash).toBe(leftHalfHash(hash, accessToken))
    },
  )

  it('hydra 4.8: lives as long as the client says', async () => {
    const by = await registerClient(services, { lifespans: { authorizationCodeGrantIdToken: 90 } })
    const { payload } = await verify((await authorize(services.one, by)).idToken, by.clientId)
    expect(Number(payload.exp) - Number(payload.iat)).toBe(90)
  })
})
