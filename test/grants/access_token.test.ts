// Access tokens in both forms: opaque, and JWT (RFC 9068).
import { decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config } from '../../services/kit/config/config.js'
import { refusalOf } from '../support/client_service.js'
import type { Overrides } from '../support/config.js'
import {
  authorize,
  issue,
  openAccessToken,
  publishedKeys,
  refresh,
  registerClient,
  startTokenServices,
  type TestClient,
  type TokenServices,
} from '../support/token_service.js'

let services: TokenServices
let client: TestClient
let jwtClient: TestClient

beforeAll(async () => {
  services = await startTokenServices()
  client = await registerClient(services)
  jwtClient = await registerClient(services, { accessTokenStrategy: 'jwt' })
})
afterAll(() => services.stop())

describe('RFC 9068: access tokens as JWTs', () => {
  it('2.1, 2.2: type, algorithm and the claims that are required', async () => {
    const { accessToken, grantId } = await authorize(services.one, jwtClient, { audience: ['https://api.test/photos'] })
    const { issuer } = services.config.urls.self
    const { payload, protectedHeader } = await jwtVerify(accessToken, await publishedKeys(services.one), {
      typ: 'at+jwt',
      issuer,
      audience: 'https://api.test/photos',
    })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: issuer,
      sub: 'alice',
      aud: ['https://api.test/photos'],
      iat: expect.any(Number),
      nbf: payload.iat,
      exp: Number(payload.iat) + 3_600,
      jti: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      client_id: jwtClient.clientId,
      scp: ['openid', 'offline_access', 'photos.read'],
      ext: {},
      gid: grantId,
      rid: jwtClient.registrationId,
    })
  })

  it('2.2: the subject of a client credentials token is the client, and it has no grant', async () => {
    const { accessToken } = await issue(services.one, jwtClient, 'client_credentials', { scope: 'photos.read' })
    const payload = decodeJwt(accessToken)
    expect(payload).toMatchObject({ sub: jwtClient.clientId, client_id: jwtClient.clientId, aud: [] })
    expect(payload).not.toHaveProperty('gid')
  })

  it("the client's own choice of the form comes before the configuration's", async () => {
    const jwt = await services.add({ strategies: { access_token: 'jwt' } })
    expect((await authorize(jwt, client)).accessToken.split('.')).toHaveLength(3)
    const opaque = await registerClient(services, { accessTokenStrategy: 'opaque' })
    expect((await authorize(jwt, opaque)).accessToken).toMatch(/^tsr_at_[\w-]+$/)
    expect((await authorize(services.one, client)).accessToken).toMatch(/^tsr_at_[\w-]+$/)
  })

  it.each([
    ['list', { scp: ['photos.read'] }],
    ['string', { scope: 'photos.read' }],
    ['both', { scp: ['photos.read'], scope: 'photos.read' }],
  ] as const)('hydra 2: strategies.jwt.scope_claim %s', async (scope_claim, expected) => {
    const instance = await services.add({ strategies: { jwt: { scope_claim } } })
    const { scp, scope } = decodeJwt((await authorize(instance, jwtClient, { scope: ['photos.read'] })).accessToken)
    expect({ ...(scp ? { scp } : {}), ...(scope ? { scope } : {}) }).toEqual(expected)
  })

  const claimsUnder = async (oauth2: Overrides<Config['oauth2']>) => {
    const instance = await services.add({ oauth2 })
    const accessTokenClaims = { role: 'admin', team: 'red', sub: 'mallory', gid: 'x', iss: 'evil', scp: ['all'] }
    return decodeJwt((await authorize(instance, jwtClient, { accessTokenClaims })).accessToken)
  }

  it('hydra 4.9: allowed_top_level_claims stand at the top too, and reserved ones never', async () => {
    const payload = await claimsUnder({ allowed_top_level_claims: ['role', 'sub', 'gid', 'iss', 'scp'] })
    expect(payload).toMatchObject({ role: 'admin', sub: 'alice', iss: services.config.urls.self.issuer })
    expect(payload.gid).not.toBe('x')
    expect(payload.scp).not.toContain('all')
    expect(payload.ext).toMatchObject({ role: 'admin', team: 'red', sub: 'mallory' })
    expect(payload).not.toHaveProperty('team')
  })

  it('hydra 4.9: without mirroring there is no ext, or what was not promoted', async () => {
    const bare = await claimsUnder({ allowed_top_level_claims: ['role'], mirror_top_level_claims: false })
    expect(bare).toMatchObject({ role: 'admin' })
    expect(bare).not.toHaveProperty('ext')
    const rest = await claimsUnder({
      allowed_top_level_claims: ['role'],
      mirror_top_level_claims: false,
      preserve_ext_claims: true,
    })
    expect(rest.ext).not.toHaveProperty('role')
    expect(rest.ext).toHaveProperty('team', 'red')
  })

  it('hydra 2: oauth2.exclude_not_before_claim', async () => {
    expect(await claimsUnder({ exclude_not_before_claim: true })).not.toHaveProperty('nbf')
  })
})

describe('opaque access tokens', () => {
  it('design 2: carry small session data, and refer to large', async () => {
    const small = await authorize(services.one, client, { accessTokenClaims: { role: 'admin' } })
    const token = openAccessToken(services.config, small.accessToken)
    expect(token.extByReference).toBe(false)
    expect(JSON.parse(token.extJson.toString())).toEqual({ role: 'admin' })

    const accessTokenClaims = { notes: 'x'.repeat(2_000) }
    const large = await authorize(services.one, client, { accessTokenClaims })
    expect(openAccessToken(services.config, large.accessToken)).toMatchObject({ extByReference: true })
    expect(large.accessToken.length).toBeLessThan(400)
    const { extJson } = await services.one.asIntrospection.getGrantSession({ grantId: large.grantId })
    expect(JSON.parse(extJson.toString())).toEqual(accessTokenClaims)
    const again = await refresh(services.one, client, large.refreshToken)
    expect(openAccessToken(services.config, again.accessToken)).toMatchObject({ extByReference: true })
  })

  it('design 2: the session of a grant that is no more, or never was, is not found', async () => {
    const { grantId } = await authorize(services.one, client, { accessTokenClaims: { role: 'admin' } })
    await services.one.asConsent.revokeGrants({ selector: { $case: 'grantId', value: grantId } })
    for (const id of [grantId, crypto.randomUUID(), 'x', ''])
      expect(await refusalOf(services.one.asIntrospection.getGrantSession({ grantId: id }))).toMatchObject({
        code: 'not_found',
      })
  })

  it('hydra 1.5: have no dot, so that nobody takes them for JWTs', async () => {
    expect((await authorize(services.one, client)).accessToken).not.toContain('.')
  })
})
