// openid-client (npm), unchanged, as relying party: discovery, code flow with PKCE, refresh, userinfo, introspection,
// revocation, logout.
import { exportJWK, generateKeyPair, importPKCS8 } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, signJwt } from '../support/assertions.js'
import { allowDevice, challengeAt, decideDevice, deviceGrant, type StartedDevice } from '../support/device.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

const redirectUri = 'http://127.0.0.1:5555/callback'
let suite: Suite

beforeAll(async () => {
  const subject_identifiers = { supported_types: ['public', 'pairwise'], pairwise: { salt: 'the salt of these tests' } }
  suite = await startSuite({
    config: { oidc: { dynamic_client_registration: { enabled: true }, subject_identifiers } },
  })
})
afterAll(() => suite.stop())

const assertionKey = newKey('ES256', 'of-the-client')

/** How the library authenticates, by the method's name. */
const authentications: Record<string, (secret: string) => client.ClientAuth> = {
  none: () => client.None(),
  client_secret_basic: (secret) => client.ClientSecretBasic(secret),
  client_secret_post: (secret) => client.ClientSecretPost(secret),
  client_secret_jwt: (secret) => client.ClientSecretJwt(secret),
  private_key_jwt: () => async (server, metadata, body, headers) => {
    const pkcs8 = assertionKey.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const key = await importPKCS8(String(pkcs8), 'ES256')
    return client.PrivateKeyJwt({ key, kid: assertionKey.kid })(server, metadata, body, headers)
  },
}

async function discover(metadata: Record<string, unknown>): Promise<client.Configuration> {
  const method = String(metadata.token_endpoint_auth_method ?? 'client_secret_basic')
  const keys = method === 'private_key_jwt' ? { jwks: { keys: [assertionKey.jwk] } } : {}
  const registered = await createClient(suite, { ...keys, ...metadata })
  const authentication = authentications[method]?.(registered.client_secret)
  const { id_token_signed_response_alg = 'RS256', userinfo_signed_response_alg } = metadata
  const hints = {
    id_token_signed_response_alg: String(id_token_signed_response_alg),
    ...(userinfo_signed_response_alg ? { userinfo_signed_response_alg: String(userinfo_signed_response_alg) } : {}),
  }
  const issuer = new URL(suite.config.urls.self.issuer)
  return client.discovery(issuer, registered.client_id, hints, authentication, {
    execute: [client.allowInsecureRequests],
  })
}

async function logIn(configuration: client.Configuration, scope: string, agent = new UserAgent()) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const callback = await authorize(suite, url, { subject: 'alice', login: { remember: true } }, agent)
  return client.authorizationCodeGrant(configuration, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  })
}

/** The form that the page of response mode form_post sends by itself. */
function formOf(page: string): URLSearchParams {
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  return new URLSearchParams(Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value])))
}

describe('openid-client', () => {
  for (const method of Object.keys(authentications))
    for (const alg of ['RS256', 'ES256', 'EdDSA', 'PS256'])
      it(`code flow with PKCE: ${method}, ID token ${alg}`, async () => {
        const configuration = await discover({ token_endpoint_auth_method: method, id_token_signed_response_alg: alg })
        const tokens = await logIn(configuration, 'openid offline_access')
        expect(tokens.claims()?.sub).toBe('alice')
        const userinfo = await client.fetchUserInfo(configuration, tokens.access_token, 'alice')
        expect(userinfo.sub).toBe('alice')
        const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')
        expect(refreshed.refresh_token).toBeTruthy()
        expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
        expect(refreshed.access_token).not.toBe(tokens.access_token)
      })

  it.each(['id_token', 'code id_token'])('%s', async (response_type) => {
    const grant_types = ['authorization_code', 'implicit']
    const configuration = await discover({ response_types: [response_type], grant_types })
    const isHybrid = response_type.startsWith('code')
    if (isHybrid) client.useCodeIdTokenResponseType(configuration)
    else client.useIdTokenResponseType(configuration)
    const nonce = client.randomNonce()
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid',
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const callback = await authorize(suite, url, { subject: 'alice' })
    const claims = isHybrid
      ? (
          await client.authorizationCodeGrant(configuration, callback, {
            expectedNonce: nonce,
            pkceCodeVerifier: verifier,
          })
        ).claims()
      : await client.implicitAuthentication(configuration, callback, nonce)
    expect(claims?.sub).toBe('alice')
  })

  it('OAuth 2.0 Form Post Response Mode: code id_token', async () => {
    const configuration = await discover({
      response_types: ['code id_token'],
      grant_types: ['authorization_code', 'implicit'],
    })
    client.useCodeIdTokenResponseType(configuration)
    const [nonce, verifier] = [client.randomNonce(), client.randomPKCECodeVerifier()]
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      response_mode: 'form_post',
      scope: 'openid',
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const agent = new UserAgent()
    const consent = await agent.redirectFrom(await acceptLogin(suite, await agent.redirectFrom(url)))
    const page = await agent.fetch(await acceptConsent(suite, consent))
    const posted = new Request(redirectUri, { method: 'POST', body: formOf(await page.text()) })
    const checks = { expectedNonce: nonce, pkceCodeVerifier: verifier }
    const tokens = await client.authorizationCodeGrant(configuration, posted, checks)
    expect(tokens.claims()?.sub).toBe('alice')
  })

  it('OIDC Core 5.3.2: signed userinfo, its signature checked', async () => {
    const configuration = await discover({ userinfo_signed_response_alg: 'ES256' })
    client.enableNonRepudiationChecks(configuration)
    const tokens = await logIn(configuration, 'openid')
    expect((await client.fetchUserInfo(configuration, tokens.access_token, 'alice')).sub).toBe('alice')
  })

  it('OIDC Core 8.1: a pairwise subject, the same in the ID token, at userinfo and after a refresh', async () => {
    const configuration = await discover({ subject_type: 'pairwise' })
    const tokens = await logIn(configuration, 'openid offline_access')
    const sub = tokens.claims()?.sub ?? ''
    expect(sub).toMatch(/^[0-9a-f]{64}$/)
    expect((await client.fetchUserInfo(configuration, tokens.access_token, sub)).sub).toBe(sub)
    const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')
    expect(refreshed.claims()?.sub).toBe(sub)
  })

  it('RP-Initiated Logout: ends the session and comes back with state', async () => {
    const post_logout_redirect_uri = 'http://127.0.0.1:5555/bye'
    const configuration = await discover({ post_logout_redirect_uris: [post_logout_redirect_uri] })
    const agent = new UserAgent()
    const tokens = await logIn(configuration, 'openid', agent)
    const url = client.buildEndSessionUrl(configuration, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri,
      state: 'the-state-of-it',
    })
    const challenge = (await agent.redirectFrom(url)).searchParams.get('logout_challenge') ?? ''
    const path = `/oauth2/auth/requests/logout/accept?logout_challenge=${encodeURIComponent(challenge)}`
    const { redirect_to } = (await (await adminJson(suite, 'PUT', path)).json()) as { redirect_to: string }
    expect(String(await agent.redirectFrom(redirect_to))).toBe(`${post_logout_redirect_uri}?state=the-state-of-it`)
    const silent = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid',
      prompt: 'none',
    })
    expect((await agent.redirectFrom(silent)).searchParams.get('error')).toBe('login_required')
  })

  it('RFC 9101: a signed request object', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'request', alg: 'ES256', use: 'sig' }] }
    const configuration = await discover({ jwks, request_object_signing_alg: 'ES256' })
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const parameters = {
      redirect_uri: redirectUri,
      scope: 'openid',
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const key = { key: privateKey, kid: 'request' }
    const url = await client.buildAuthorizationUrlWithJAR(configuration, parameters, key)
    const callback = await authorize(suite, url, { subject: 'alice' })
    const checks = { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true }
    expect((await client.authorizationCodeGrant(configuration, callback, checks)).claims()?.sub).toBe('alice')
  })

  it.each(['client_secret_basic', 'client_secret_jwt', 'private_key_jwt'])(
    'introspection and revocation at the public endpoints: %s',
    async (token_endpoint_auth_method) => {
      const configuration = await discover({ token_endpoint_auth_method })
      const tokens = await logIn(configuration, 'openid offline_access')
      const before = await client.tokenIntrospection(configuration, tokens.access_token)
      expect(before).toMatchObject({ active: true, sub: 'alice', scope: 'openid offline_access' })
      await client.tokenRevocation(configuration, tokens.refresh_token ?? '')
      expect(await client.tokenIntrospection(configuration, tokens.access_token)).toEqual({ active: false })
      await expect(client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')).rejects.toMatchObject({
        error: 'invalid_grant',
      })
    },
  )

  it('the device flow (RFC 8628)', async () => {
    const configuration = await discover({ redirect_uris: [], grant_types: [deviceGrant, 'refresh_token'] })
    const started = await client.initiateDeviceAuthorization(configuration, { scope: 'openid offline_access' })
    expect(started.expires_in).toBe(600)
    const polled = client.pollDeviceAuthorizationGrant(configuration, { ...started, interval: 0.2 })
    await allowDevice(suite, started as StartedDevice, { subject: 'alice' })
    const tokens = await polled
    expect(tokens.claims()?.sub).toBe('alice')
    expect((await client.fetchUserInfo(configuration, tokens.access_token, 'alice')).sub).toBe('alice')
    expect((await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')).access_token).toBeTruthy()
  })

  it('the device flow that its end-user denies', async () => {
    const configuration = await discover({ redirect_uris: [], grant_types: [deviceGrant] })
    const started = await client.initiateDeviceAuthorization(configuration, { scope: 'openid' })
    const at = await new UserAgent().redirectFrom(started.verification_uri)
    await decideDevice(suite, 'reject', challengeAt(at), { user_code: started.user_code })
    await expect(
      client.pollDeviceAuthorizationGrant(configuration, { ...started, interval: 0.2 }),
    ).rejects.toMatchObject({ error: 'access_denied' })
  })

  it('RFC 7523 2.1: an assertion of a trusted issuer', async () => {
    const key = newKey('ES256', 'of-the-idp')
    const expires_at = '2099-01-01T00:00:00Z'
    const trusted = { issuer: 'idp', subject: 'mike', scope: ['read'], jwk: key.jwk, expires_at }
    expect((await adminJson(suite, 'POST', '/trust/grants/jwt-bearer/issuers', trusted)).status).toBe(201)
    const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const configuration = await discover({ grant_types: [grantType], scope: 'read' })
    expect(configuration.serverMetadata().grant_types_supported).toContain(grantType)
    const claims = clientClaims('mike', configuration.serverMetadata().issuer, { iss: 'idp' })
    const parameters = { assertion: signJwt(key, claims), scope: 'read' }
    const tokens = await client.genericGrantRequest(configuration, grantType, parameters)
    expect(tokens.scope).toBe('read')
    expect(await client.tokenIntrospection(configuration, tokens.access_token)).toMatchObject({ sub: 'mike' })
    await expect(client.genericGrantRequest(configuration, grantType, parameters)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  it('client credentials', async () => {
    const configuration = await discover({ grant_types: ['client_credentials'], scope: 'read' })
    const tokens = await client.clientCredentialsGrant(configuration, { scope: 'read' })
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read' })
    expect(tokens.expires_in).toBeGreaterThan(3500)
  })

  it('JWT access tokens (RFC 9068) verify with the published keys', async () => {
    const configuration = await discover({
      grant_types: ['client_credentials'],
      scope: 'read',
      access_token_strategy: 'jwt',
    })
    const tokens = await client.clientCredentialsGrant(configuration, { scope: 'read' })
    const { createRemoteJWKSet, jwtVerify } = await import('jose')
    const keys = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri ?? ''))
    const { protectedHeader, payload } = await jwtVerify(tokens.access_token, keys, {
      issuer: suite.config.urls.self.issuer,
      typ: 'at+jwt',
    })
    expect(protectedHeader.alg).toBe('ES256')
    expect(payload.client_id).toBe(configuration.clientMetadata().client_id)
    const introspected = await client.tokenIntrospection(configuration, tokens.access_token)
    expect(introspected.active).toBe(true)
  })

  it.each(['client_secret_basic', 'none'])('dynamic client registration, and a code flow: %s', async (method) => {
    const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: method }
    const authentication = method === 'none' ? client.None() : client.ClientSecretBasic()
    const issuer = new URL(suite.config.urls.self.issuer)
    const configuration = await client.dynamicClientRegistration(issuer, metadata, authentication, {
      execute: [client.allowInsecureRequests],
    })
    expect(configuration.clientMetadata()).toMatchObject(metadata)
    expect((await logIn(configuration, 'openid')).claims()?.sub).toBe('alice')
  })
})
