// Introspection of the tokens that the token service really issues: what is told of a good one, and when it stops being one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Consistency } from '#proto/introspection/v1/introspection_service.js'
import { nowMs, nowSeconds } from '../../services/kit/clock.js'
import { newUuid } from '../../services/kit/random.js'
import { eventually } from '../support/eventually.js'
import { type Registered, TokenSuite } from '../support/token_suite.js'

const inactive = {
  active: false,
  scope: '',
  clientId: '',
  sub: '',
  obfuscatedSubject: '',
  exp: 0,
  iat: 0,
  nbf: 0,
  aud: [],
  iss: '',
  tokenType: '',
  tokenUse: '',
  extJson: Buffer.alloc(0),
  jti: '',
  grantId: '',
}

let suite: TokenSuite
let opaque: Registered
let jwt: Registered

beforeAll(async () => {
  // What memory answers here must not depend on how busy the machine is.
  suite = await TokenSuite.start({ introspection: { max_staleness_ms: 30_000 } })
  opaque = await suite.register()
  jwt = await suite.register({ accessTokenStrategy: 'jwt' })
})
afterAll(() => suite.stop())

const forms = [
  ['opaque', () => opaque],
  ['JWT', () => jwt],
] as const

describe.each(forms)('RFC 7662 2.2: an access token (%s)', (_, who) => {
  it('tells what was granted', async () => {
    const claims = { tenant: 'acme', roles: ['a', 'b'] }
    const audience = ['https://api.example']
    const { accessToken, grantId } = await suite.authorize(who(), { scope: ['openid', 'read'], audience, claims })
    const told = await suite.introspect(accessToken)
    expect(told).toMatchObject({
      active: true,
      scope: 'openid read',
      clientId: who().client.clientId,
      sub: 'alice',
      aud: audience,
      iss: suite.config.urls.self.issuer,
      tokenType: 'Bearer',
      tokenUse: 'access_token',
      grantId,
    })
    expect(JSON.parse(told.extJson.toString())).toEqual(claims)
    expect(told.exp - told.iat).toBe(suite.config.ttl.access_token)
    expect(Math.abs(told.iat - nowSeconds())).toBeLessThanOrEqual(5)
    expect(told.jti).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  })

  it('of the client itself has no grant, and its subject is the client', async () => {
    const told = await suite.introspect(await suite.clientCredentials(who(), { scope: 'read' }))
    const { clientId } = who().client
    expect(told).toMatchObject({ active: true, sub: clientId, clientId, grantId: '', scope: 'read', aud: [] })
    expect(told.extJson).toHaveLength(0)
  })

  it('is answered from memory: no question to any other service', async () => {
    const token = await suite.clientCredentials(who())
    await suite.introspect(token)
    const before = JSON.stringify(Object.values(suite.links).map(({ calls }) => calls))
    for (let round = 0; round < 50; round++) expect(await suite.isActive(token)).toBe(true)
    expect(JSON.stringify(Object.values(suite.links).map(({ calls }) => calls))).toBe(before)
  })

  it('TK-12: answers the same whatever the hint', async () => {
    const token = await suite.clientCredentials(who())
    for (const tokenTypeHint of ['access_token', 'refresh_token', 'nonsense'])
      expect(await suite.isActive(token, { tokenTypeHint })).toBe(true)
  })

  it('covers the scopes that are asked for, or is not active', async () => {
    const { accessToken } = await suite.authorize(who(), { scope: ['openid', 'read', 'photos.*'] })
    for (const scope of ['read', 'openid read', 'photos.write', ' read  openid '])
      expect(await suite.isActive(accessToken, { scope }), scope).toBe(true)
    for (const scope of ['write', 'read write', 'photos', 'READ'])
      expect(await suite.introspect(accessToken, { scope }), scope).toEqual(inactive)
  })

  it('I4: is not active once its grant was revoked, in the same process at once', async () => {
    for (let round = 0; round < 20; round++) {
      const { accessToken, refreshToken, grantId } = await suite.authorize(who())
      expect(await suite.isActive(accessToken)).toBe(true)
      await suite.revoke(who(), round % 2 ? accessToken : refreshToken)
      expect(await suite.introspect(accessToken), grantId).toEqual(inactive)
      expect(await suite.introspect(refreshToken), grantId).toEqual(inactive)
    }
  })

  it('I4: is not active once the client gave it back (RFC 7009), and its neighbour is', async () => {
    const [token, neighbour] = [await suite.clientCredentials(who()), await suite.clientCredentials(who())]
    await suite.revoke(who(), token)
    expect(await suite.introspect(token)).toEqual(inactive)
    expect(await suite.isActive(neighbour)).toBe(true)
  })

  it('I12: is not active once its client was deleted, nor when the client is registered anew', async () => {
    const { clientId } = who().client
    const mortal = await suite.register({
      accessTokenStrategy: who().client.accessTokenStrategy,
      clientId: `mortal-${clientId}`,
    })
    const own = await suite.clientCredentials(mortal)
    const { accessToken, refreshToken } = await suite.authorize(mortal)
    for (const token of [own, accessToken, refreshToken]) expect(await suite.isActive(token)).toBe(true)
    await suite.clients.deleteClient({ clientId: mortal.client.clientId })
    for (const token of [own, accessToken, refreshToken]) expect(await suite.introspect(token)).toEqual(inactive)
    const reborn = await suite.register({ clientId: mortal.client.clientId })
    for (const token of [own, accessToken, refreshToken]) expect(await suite.introspect(token)).toEqual(inactive)
    expect(await suite.isActive(await suite.clientCredentials(reborn))).toBe(true)
  })

  it('is not active once the access tokens of its client were revoked; later ones are', async () => {
    const client = await suite.register({ accessTokenStrategy: who().client.accessTokenStrategy })
    const before = await suite.clientCredentials(client)
    const { accessToken, refreshToken } = await suite.authorize(client)
    await suite.tokens.revokeClientAccessTokens({ clientId: client.client.clientId })
    expect(await suite.introspect(before)).toEqual(inactive)
    expect(await suite.introspect(accessToken)).toEqual(inactive)
    expect(await suite.isActive(refreshToken)).toBe(true)
    const revokedAt = nowMs()
    await eventually(() => nowMs() > revokedAt)
    expect(await suite.isActive(await suite.clientCredentials(client))).toBe(true)
  })
})

describe('session data that is too large for a token', () => {
  const claims = { blob: 'x'.repeat(20_000) }

  it('comes from the grant, once, and is told with the token', async () => {
    const { accessToken } = await suite.authorize(opaque, { claims })
    expect(accessToken.length).toBeLessThan(700)
    const before = suite.links.tokens.calls.getGrantSession ?? 0
    for (let round = 0; round < 5; round++) {
      const told = await suite.introspect(accessToken)
      expect(JSON.parse(told.extJson.toString())).toEqual(claims)
    }
    expect((suite.links.tokens.calls.getGrantSession ?? 0) - before).toBe(1)
  })

  it('I11: is an outage, not a verdict, where it cannot be had', async () => {
    const { accessToken } = await suite.authorize(opaque, { claims })
    suite.links.tokens.cut()
    await expect(suite.introspect(accessToken)).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    suite.links.tokens.mend()
    expect(await suite.isActive(accessToken)).toBe(true)
  })
})

describe('a refresh token', () => {
  it('tells what was granted, and that it is a refresh token', async () => {
    const { refreshToken, grantId } = await suite.authorize(opaque, { claims: { tenant: 'acme' } })
    const told = await suite.introspect(refreshToken, { tokenTypeHint: 'access_token' })
    expect(told).toMatchObject({
      active: true,
      tokenUse: 'refresh_token',
      scope: 'openid offline read',
      clientId: opaque.client.clientId,
      sub: 'alice',
      jti: '',
      grantId,
    })
    expect(told.exp).toBeGreaterThan(nowSeconds())
  })

  it('is not active once it was used, and its successor is', async () => {
    const { refreshToken } = await suite.authorize(opaque)
    const next = await suite.issue(opaque, 'refresh_token', { refresh_token: refreshToken })
    expect(await suite.introspect(refreshToken)).toEqual(inactive)
    expect(await suite.isActive(next.refreshToken)).toBe(true)
  })

  it('must have the scopes that are asked for', async () => {
    const { refreshToken } = await suite.authorize(opaque)
    expect(await suite.isActive(refreshToken, { scope: 'read' })).toBe(true)
    expect(await suite.introspect(refreshToken, { scope: 'write' })).toEqual(inactive)
  })

  it('I11: is an outage, not a verdict, where the token service does not answer', async () => {
    const { refreshToken } = await suite.authorize(opaque)
    suite.links.tokens.cut()
    await expect(suite.introspect(refreshToken)).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    suite.links.tokens.mend()
  })
})

describe('TK-13, RFC 7662 4: a client that asks', () => {
  const api = 'https://api.example'

  it.each(forms)('sees its own tokens, those for nobody in particular, and those meant for it (%s)', async (_, who) => {
    const resource = await suite.register({ audience: [api] })
    const stranger = await suite.register({ audience: ['https://third.example'] })
    const asks = (callerClientId: string) => ({ callerClientId })
    const forApi = await suite.clientCredentials(who(), { audience: api })
    const forAll = await suite.clientCredentials(who())
    expect(await suite.isActive(forApi, asks(who().client.clientId))).toBe(true)
    expect(await suite.isActive(forApi, asks(resource.client.clientId))).toBe(true)
    expect(await suite.introspect(forApi, asks(stranger.client.clientId))).toEqual(inactive)
    expect(await suite.introspect(forApi, asks('nobody'))).toEqual(inactive)
    expect(await suite.isActive(forAll, asks(stranger.client.clientId))).toBe(true)
    expect(await suite.introspect(forAll, asks('nobody'))).toEqual(inactive)
  })

  it('by its client id in the audience', async () => {
    const resource = await suite.register({ clientId: 'the-resource-server', audience: [] })
    const other = await suite.register({ audience: ['the-resource-server'] })
    const token = await suite.clientCredentials(other, { audience: 'the-resource-server' })
    expect(await suite.isActive(token, { callerClientId: resource.client.clientId })).toBe(true)
    expect(await suite.isActive(token, { callerClientId: jwt.client.clientId })).toBe(false)
  })

  it('sees no refresh token but its own', async () => {
    const { refreshToken } = await suite.authorize(opaque)
    expect(await suite.isActive(refreshToken, { callerClientId: opaque.client.clientId })).toBe(true)
    expect(await suite.introspect(refreshToken, { callerClientId: jwt.client.clientId })).toEqual(inactive)
  })
})

describe('consistency STRONG', () => {
  it('asks the database for the revocation and the client service for the client', async () => {
    const token = await suite.clientCredentials(opaque)
    const before = { ...suite.links.revocations.calls, ...suite.links.clients.calls }
    expect(await suite.isActive(token, { consistency: Consistency.STRONG })).toBe(true)
    const after = { ...suite.links.revocations.calls, ...suite.links.clients.calls }
    expect(after.checkRevocation).toBe((before.checkRevocation ?? 0) + 1)
    expect(after.getClient).toBe((before.getClient ?? 0) + 1)
  })

  it('knows what memory does not know yet', async () => {
    const token = await suite.clientCredentials(opaque)
    const { accessToken, grantId } = await suite.authorize(opaque)
    suite.links.revocations.silence()
    await suite.revoke(opaque, token)
    const bounded = await suite.isActive(token)
    const asking = suite.introspect(token, { consistency: Consistency.STRONG })
    suite.links.revocations.mend()
    expect(bounded).toBe(true)
    expect(await asking).toEqual(inactive)
    expect(await suite.isActive(accessToken, { consistency: Consistency.STRONG }), grantId).toBe(true)
  })
})

describe('BatchIntrospect', () => {
  it('answers 1,000 tokens in their order', async () => {
    const good = [
      await suite.clientCredentials(opaque),
      await suite.clientCredentials(jwt),
      (await suite.authorize(opaque)).refreshToken,
    ]
    const tokens = Array.from({ length: 1_000 }, (_, index) =>
      index % 4 === 3 ? `bad-${index}` : (good[index % 4] ?? ''),
    )
    for (const consistency of [Consistency.BOUNDED, Consistency.STRONG]) {
      const { results } = await suite.introspection.batchIntrospect({ tokens, consistency })
      expect(results).toHaveLength(1_000)
      results.forEach((result, index) => {
        expect(result.active, String(index)).toBe(index % 4 !== 3)
        if (index % 4 !== 3) expect(result.tokenUse).toBe(index % 4 === 2 ? 'refresh_token' : 'access_token')
      })
    }
  })

  it('refuses more than 1,000', async () => {
    const tokens = Array.from({ length: 1_001 }, () => 'x')
    await expect(suite.introspection.batchIntrospect({ tokens, consistency: 0 })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect((await suite.introspection.batchIntrospect({ tokens: [], consistency: 0 })).results).toEqual([])
  })
})

it('a grant that is unknown to the log is still good: random ids revoke nothing', async () => {
  const { accessToken } = await suite.authorize(opaque)
  await expect(suite.tokens.revokeClientAccessTokens({ clientId: newUuid() })).resolves.toEqual({})
  expect(await suite.isActive(accessToken)).toBe(true)
})
