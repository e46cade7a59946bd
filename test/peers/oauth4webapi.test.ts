// oauth4webapi (npm), unchanged: it checks every answer strictly against the specifications.
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, authorize, createClient } from '../support/user_agent.js'

const redirectUri = 'http://127.0.0.1:5555/callback'
const insecure = { [oauth.allowInsecureRequests]: true }
let suite: Suite
let server: oauth.AuthorizationServer

beforeAll(async () => {
  suite = await startSuite({ config: { oidc: { dynamic_client_registration: { enabled: true } } } })
  const issuer = new URL(suite.config.urls.self.issuer)
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
})
afterAll(() => suite.stop())

async function clientCredentials(client_id: string, authentication: oauth.ClientAuth) {
  const client: oauth.Client = { client_id }
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, insecure)
  return oauth.processClientCredentialsResponse(server, client, answer)
}

describe('oauth4webapi', () => {
  it('RFC 8414: the authorization server metadata document is valid too', async () => {
    const issuer = new URL(suite.config.urls.self.issuer)
    const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' })
    expect((await oauth.processDiscoveryResponse(issuer, response)).token_endpoint).toBe(server.token_endpoint)
  })

  it('OIDC Core 3.3: code id_token', async () => {
    const response_types = ['code id_token']
    const grant_types = ['authorization_code', 'implicit']
    const registered = await createClient(suite, { response_types, grant_types })
    const client: oauth.Client = { client_id: registered.client_id }
    const verifier = oauth.generateRandomCodeVerifier()
    const nonce = oauth.generateRandomNonce()
    const url = new URL(server.authorization_endpoint ?? '')
    for (const [name, value] of Object.entries({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code id_token',
      scope: 'openid',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      nonce,
    }))
      url.searchParams.set(name, value)
    const callback = await authorize(suite, url, { subject: 'bob' })
    const parameters = await oauth.validateCodeIdTokenResponse(
      server,
      client,
      callback,
      nonce,
      oauth.expectNoState,
      undefined,
      insecure,
    )
    expect(parameters.get('code')).toBeTruthy()
  })

  it.each(['RS256', 'PS256', 'ES256', 'Ed25519'])('OIDC Core 9: private_key_jwt, %s', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] }
    const registered = await createClient(suite, {
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      jwks,
    })
    const authentication = oauth.PrivateKeyJwt({ key: privateKey, kid: 'own' })
    expect(await clientCredentials(registered.client_id, authentication)).toMatchObject({ token_type: 'bearer' })
  })

  it('RFC 7523 2.1: an assertion of a trusted issuer', async () => {
    const { privateKey, publicKey } = await generateKeyPair('PS256', { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid: 'of-the-idp' }
    const expires_at = '2099-01-01T00:00:00Z'
    const trusted = { issuer: 'https://idp.example', allow_any_subject: true, scope: ['read'], jwk, expires_at }
    expect((await adminJson(suite, 'POST', '/trust/grants/jwt-bearer/issuers', trusted)).status).toBe(201)
    const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const registered = await createClient(suite, { grant_types: [grantType], scope: 'read' })
    const assertion = await new SignJWT({ jti: 'the-one' })
      .setProtectedHeader({ alg: 'PS256', kid: 'of-the-idp' })
      .setIssuer('https://idp.example')
      .setSubject('mike')
      .setAudience(server.issuer)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
    const client: oauth.Client = { client_id: registered.client_id }
    const authentication = oauth.ClientSecretBasic(registered.client_secret)
    const parameters = { assertion, scope: 'read' }
    const answer = await oauth.genericTokenEndpointRequest(
      server,
      client,
      authentication,
      grantType,
      parameters,
      insecure,
    )
    expect(await oauth.processGenericTokenEndpointResponse(server, client, answer)).toMatchObject({ scope: 'read' })
  })

  it('OIDC Core 9: client_secret_jwt', async () => {
    const { client_id, client_secret } = await createClient(suite, {
      token_endpoint_auth_method: 'client_secret_jwt',
      grant_types: ['client_credentials'],
    })
    const tokens = await clientCredentials(client_id, oauth.ClientSecretJwt(client_secret))
    expect(tokens).toMatchObject({ token_type: 'bearer' })
  })

  it('code flow with PKCE, refresh, userinfo, introspection, revocation', async () => {
    const registered = await createClient(suite)
    const client: oauth.Client = { client_id: registered.client_id }
    const authentication = oauth.ClientSecretBasic(registered.client_secret)
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const nonce = oauth.generateRandomNonce()
    const url = new URL(server.authorization_endpoint ?? '')
    for (const [name, value] of Object.entries({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid offline_access profile',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    }))
      url.searchParams.set(name, value)

    const callback = await authorize(suite, url, {
      subject: 'bob',
      consent: { session: { id_token: { name: 'Bob' } } },
    })
    const parameters = oauth.validateAuthResponse(server, client, callback, state)
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      redirectUri,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ sub: 'bob', name: 'Bob' })

    const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, insecure)
    expect(await oauth.processUserInfoResponse(server, client, 'bob', userinfo)).toMatchObject({ name: 'Bob' })

    const refresh = await oauth.refreshTokenGrantRequest(
      server,
      client,
      authentication,
      tokens.refresh_token ?? '',
      insecure,
    )
    const refreshed = await oauth.processRefreshTokenResponse(server, client, refresh)

    const introspect = async (token: string) =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, authentication, token, insecure),
      )
    expect(await introspect(refreshed.access_token)).toMatchObject({ active: true, sub: 'bob' })
    const revocation = await oauth.revocationRequest(
      server,
      client,
      authentication,
      refreshed.refresh_token ?? '',
      insecure,
    )
    expect(await oauth.processRevocationResponse(revocation)).toBeUndefined()
    expect((await introspect(refreshed.access_token)).active).toBe(false)
  })

  it('RFC 7591: registers itself', async () => {
    const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'client_secret_post' }
    const answer = await oauth.dynamicClientRegistrationRequest(server, metadata, insecure)
    const client = await oauth.processDynamicClientRegistrationResponse(answer)
    expect(client).toMatchObject({ ...metadata, client_secret_expires_at: 0 })
    const authentication = oauth.ClientSecretPost(String(client.client_secret))
    const revocation = await oauth.revocationRequest(server, client, authentication, 'no token', insecure)
    expect(await oauth.processRevocationResponse(revocation)).toBeUndefined()
  })
})
