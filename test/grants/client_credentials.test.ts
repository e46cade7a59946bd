// The client credentials grant (RFC 6749 4.4) at the token service.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../support/client_service.js'
import {
  countStatements,
  credentialsOf,
  issue,
  openAccessToken,
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

const ask = (parameters: Record<string, string> = {}, by = client) =>
  issue(services.one, by, 'client_credentials', parameters)

describe('RFC 6749 4.4: client credentials', () => {
  it('RFC 6749 4.4.3: a token for the client itself, in the scope that was asked for', async () => {
    const answer = await ask({ scope: 'photos.read photos.read' })
    expect(answer).toMatchObject({ tokenType: 'bearer', expiresIn: 3_600, scope: 'photos.read' })
    const token = openAccessToken(services.config, answer.accessToken)
    expect(token).toMatchObject({
      clientId: client.clientId,
      subject: client.clientId,
      hasEndUser: false,
      audience: [],
    })
    expect(token.expiresAt - token.issuedAt).toBe(3_600)
    expect(token.grantId).toHaveLength(0)
  })

  it('RT-10: neither a refresh token nor an ID token, whatever the scope', async () => {
    const answer = await ask({ scope: 'openid offline_access' })
    expect(answer).toMatchObject({ refreshToken: '', idToken: '' })
  })

  it('RFC 6749 3.3: a scope that the client did not register is refused', async () => {
    expect(await refusalOf(ask({ scope: 'photos.read admin' }))).toMatchObject({ code: 'invalid_scope' })
  })

  it('hydra 4.4: exactly the audience that was asked for, within what the client registered', async () => {
    const { accessToken } = await ask({ audience: 'https://api.test/photos/albums' })
    expect(openAccessToken(services.config, accessToken).audience).toEqual(['https://api.test/photos/albums'])
    expect(await refusalOf(ask({ audience: 'https://other.test/' }))).toMatchObject({ code: 'invalid_request' })
  })

  it('hydra 2: without a scope none is granted, or all where the configuration says so', async () => {
    expect((await ask()).scope).toBe('')
    const generous = await services.add({ oauth2: { client_credentials: { default_grant_allowed_scope: true } } })
    const { scope } = await issue(generous, client, 'client_credentials')
    expect(scope).toBe('openid offline_access photos.read photos.write')
  })

  it("hydra 4.8: the client's own lifespan comes before the configuration's", async () => {
    const brief = await registerClient(services, { lifespans: { clientCredentialsGrantAccessToken: 60 } })
    expect((await ask({}, brief)).expiresIn).toBe(60)
  })

  it('TK-06: a public client is refused', async () => {
    const open = await registerClient(services, { tokenEndpointAuthMethod: 'none' })
    expect(await refusalOf(ask({}, open))).toMatchObject({ code: 'unauthorized_client' })
  })

  it('design 5: it costs no statement once the client is known', async () => {
    await ask()
    const { texts } = await countStatements(services.database, async () => {
      for (let count = 0; count < 20; count++) await ask({ scope: 'photos.read' })
    })
    expect(texts).toEqual([])
  })
})

describe('RFC 6749 5.2: the token endpoint', () => {
  it('TK-07: an unknown grant type, none, and one that the client did not register', async () => {
    for (const grantType of ['password', 'constructor', '__proto__', 'AUTHORIZATION_CODE'])
      expect(await refusalOf(issue(services.one, client, grantType))).toMatchObject({ code: 'unsupported_grant_type' })
    expect(await refusalOf(issue(services.one, client, ''))).toMatchObject({ code: 'invalid_request' })
    const other = await registerClient(services, { grantTypes: ['authorization_code'] })
    expect(await refusalOf(ask({}, other))).toMatchObject({ code: 'unauthorized_client' })
  })

  it('TK-05: a wrong secret and an unknown client, also after a success', async () => {
    await ask()
    const wrong = issue(services.one, client, 'client_credentials', {}, credentialsOf(client, 'wrong-secret'))
    expect(await refusalOf(wrong)).toMatchObject({ code: 'invalid_client' })
    const unknown = { ...client, clientId: 'nobody' }
    expect(await refusalOf(ask({}, unknown))).toMatchObject({ code: 'invalid_client' })
  })

  it('I12: a rotated secret and a deleted client are refused at once', async () => {
    const doomed = await registerClient(services)
    await ask({}, doomed)
    const { clientId } = doomed
    const { clientSecret } = await services.clients.rotateClientSecret({ clientId })
    await services.clients.dropRotatedClientSecrets({ clientId })
    expect(await refusalOf(ask({}, doomed))).toMatchObject({ code: 'invalid_client' })
    const renewed = { ...doomed, secret: clientSecret }
    await ask({}, renewed)
    await services.clients.deleteClient({ clientId })
    expect(await refusalOf(ask({}, renewed))).toMatchObject({ code: 'invalid_client' })
  })
})
