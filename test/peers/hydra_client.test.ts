// @ory/hydra-client 26.2.0 (npm), unchanged: every operation that it has and that is served.
import {
  Configuration,
  type JsonWebKey,
  JwkApi,
  MetadataApi,
  OAuth2Api,
  OidcApi,
  WellknownApi,
} from '@ory/hydra-client'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, signJwt } from '../support/assertions.js'
import { deviceGrant, poll } from '../support/device.js'
import { authorizationUrl as authorizationUrlOf, logIn, post, redirectUri } from '../support/oauth.js'
import { SdkCalls } from '../support/sdk_calls.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, UserAgent } from '../support/user_agent.js'

const calls = new SdkCalls()
let suite: Suite
let oauth2: OAuth2Api
let open: OAuth2Api
let jwk: JwkApi

beforeAll(async () => {
  suite = await startSuite({ config: { oidc: { dynamic_client_registration: { enabled: true } } } })
  oauth2 = calls.watch(new OAuth2Api(new Configuration({ basePath: suite.adminUrl })))
  open = calls.watch(new OAuth2Api(new Configuration({ basePath: suite.publicUrl })))
  jwk = calls.watch(new JwkApi(new Configuration({ basePath: suite.adminUrl })))
})
afterAll(() => suite.stop())

const oidcWith = (accessToken = '') =>
  calls.watch(new OidcApi(new Configuration({ basePath: suite.publicUrl, ...(accessToken && { accessToken }) })))

const registered = async (metadata: Record<string, unknown> = {}) => {
  const { data } = await oauth2.createOAuth2Client({
    oAuth2Client: {
      client_name: 'sdk',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'openid offline read',
      ...metadata,
    },
  })
  return { ...data, client_id: data.client_id ?? '', client_secret: data.client_secret ?? '' }
}

const authorizationUrl = (clientId: string) =>
  authorizationUrlOf(
    suite,
    { client_id: clientId },
    { scope: 'openid offline read', state: 'state-of-the-sdk', nonce: undefined },
  )

describe('@ory/hydra-client: clients', () => {
  it('creates, gets, lists, replaces, patches, rotates and deletes', async () => {
    const client = await registered({ owner: 'team', metadata: { level: 3 } })
    expect(client.client_secret).toHaveLength(26)
    const got = await oauth2.getOAuth2Client({ id: client.client_id })
    expect(got.data).toMatchObject({ client_name: 'sdk', owner: 'team', metadata: { level: 3 } })
    expect(got.data.client_secret).toBeUndefined()

    const listed = await oauth2.listOAuth2Clients({ owner: 'team' })
    expect(listed.data.map((each) => each.client_id)).toContain(client.client_id)

    const replaced = await oauth2.setOAuth2Client({
      id: client.client_id,
      oAuth2Client: { ...got.data, client_name: 'replaced' },
    })
    expect(replaced.data.client_name).toBe('replaced')
    const patched = await oauth2.patchOAuth2Client({
      id: client.client_id,
      jsonPatch: [{ op: 'replace', path: '/client_name', value: 'patched' }],
    })
    expect(patched.data.client_name).toBe('patched')

    expect((await oauth2.deleteOAuth2Client({ id: client.client_id })).status).toBe(204)
    await expect(oauth2.getOAuth2Client({ id: client.client_id })).rejects.toMatchObject({ response: { status: 404 } })
  })

  it('lists in pages that the Link header leads through', async () => {
    const owner = 'pages'
    const ids = new Set<string>()
    for (let index = 0; index < 5; index++) ids.add((await registered({ owner })).client_id)
    const seen = new Set<string>()
    let pageToken: string | undefined
    do {
      const page = await oauth2.listOAuth2Clients({ owner, pageSize: 2, ...(pageToken ? { pageToken } : {}) })
      for (const client of page.data) seen.add(client.client_id ?? '')
      const next = /<([^>]+)>; rel="next"/.exec(String(page.headers.link ?? ''))?.[1]
      pageToken = next ? (new URL(next, suite.adminUrl).searchParams.get('page_token') ?? undefined) : undefined
    } while (pageToken)
    expect(seen).toEqual(ids)
  })
})

describe('@ory/hydra-client: login, consent and sessions', () => {
  it('gets and accepts both requests, lists and revokes the consent session', async () => {
    const client = await registered()
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(client.client_id))
    const loginChallenge = login.searchParams.get('login_challenge') ?? ''
    const loginRequest = await oauth2.getOAuth2LoginRequest({ loginChallenge })
    expect(loginRequest.data).toMatchObject({ skip: false, requested_scope: ['openid', 'offline', 'read'] })
    expect(loginRequest.data.client.client_id).toBe(client.client_id)
    const loggedIn = await oauth2.acceptOAuth2LoginRequest({
      loginChallenge,
      acceptOAuth2LoginRequest: { subject: 'carol', remember: true, remember_for: 3600, context: { from: 'login' } },
    })

    const consent = await agent.redirectFrom(loggedIn.data.redirect_to)
    const consentChallenge = consent.searchParams.get('consent_challenge') ?? ''
    const consentRequest = await oauth2.getOAuth2ConsentRequest({ consentChallenge })
    expect(consentRequest.data).toMatchObject({ subject: 'carol', skip: false, context: { from: 'login' } })
    const consented = await oauth2.acceptOAuth2ConsentRequest({
      consentChallenge,
      acceptOAuth2ConsentRequest: {
        grant_scope: ['openid', 'offline'],
        remember: true,
        session: { access_token: { tier: 'gold' }, id_token: { nickname: 'C' } },
      },
    })
    const callback = await agent.redirectFrom(consented.data.redirect_to)
    expect(callback.searchParams.get('state')).toBe('state-of-the-sdk')
    const code = callback.searchParams.get('code') ?? ''

    const basic = Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')
    const issued = await fetch(`${suite.publicUrl}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }),
    })
    const tokens = (await issued.json()) as { access_token: string; refresh_token: string }
    const introspected = await oauth2.introspectOAuth2Token({ token: tokens.access_token })
    expect(introspected.data).toMatchObject({
      active: true,
      sub: 'carol',
      client_id: client.client_id,
      scope: 'openid offline',
      ext: { tier: 'gold' },
      token_use: 'access_token',
    })

    const sessions = await oauth2.listOAuth2ConsentSessions({ subject: 'carol' })
    expect(sessions.data).toHaveLength(1)
    expect(sessions.data[0]).toMatchObject({ grant_scope: ['openid', 'offline'], remember: true })

    await oauth2.revokeOAuth2ConsentSessions({ subject: 'carol', client: client.client_id })
    expect((await oauth2.listOAuth2ConsentSessions({ subject: 'carol' })).data).toHaveLength(0)
    expect((await oauth2.introspectOAuth2Token({ token: tokens.access_token })).data).toEqual({ active: false })
    expect((await oauth2.introspectOAuth2Token({ token: tokens.refresh_token })).data).toEqual({ active: false })

    expect((await oauth2.revokeOAuth2LoginSessions({ subject: 'carol' })).status).toBe(204)
    const again = await agent.redirectFrom(authorizationUrl(client.client_id))
    const fresh = await oauth2.getOAuth2LoginRequest({
      loginChallenge: again.searchParams.get('login_challenge') ?? '',
    })
    expect(fresh.data.skip).toBe(false)
  })

  it('rejects a login and a consent request', async () => {
    const client = await registered()
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(client.client_id))
    const { data } = await oauth2.rejectOAuth2LoginRequest({
      loginChallenge: login.searchParams.get('login_challenge') ?? '',
      rejectOAuth2Request: { error: 'access_denied', error_description: 'No entry.' },
    })
    const callback = await agent.redirectFrom(data.redirect_to)
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(callback.searchParams.get('error_description')).toContain('No entry.')
    expect(callback.searchParams.get('state')).toBe('state-of-the-sdk')
    expect(callback.searchParams.get('iss')).toBe(suite.config.urls.self.issuer)
  })
})

describe('@ory/hydra-client: the device flow', () => {
  it('starts it, accepts the user code and gets the tokens', async () => {
    const client = await registered({ redirect_uris: [], grant_types: [deviceGrant] })
    const auth = { username: client.client_id, password: client.client_secret }
    const body = new URLSearchParams({ scope: 'openid' })
    const { data: started } = await open.oAuth2DeviceFlow({ auth, data: body })
    const agent = new UserAgent()
    const at = await agent.redirectFrom(started.verification_uri_complete ?? '')
    const { data: accepted } = await oauth2.acceptUserCodeRequest({
      deviceChallenge: at.searchParams.get('device_challenge') ?? '',
      acceptDeviceUserCodeRequest: { user_code: started.user_code ?? '' },
    })
    const login = await agent.redirectFrom(accepted.redirect_to)
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const consentChallenge = consent.searchParams.get('consent_challenge') ?? ''
    const { data: request } = await oauth2.getOAuth2ConsentRequest({ consentChallenge })
    expect(request).toHaveProperty('device_challenge_id')
    const end = await agent.redirectFrom(await acceptConsent(suite, consent))
    expect(end.pathname).toBe('/oauth2/fallbacks/device/done')
    expect((await agent.fetch(end)).status).toBe(200)
    const tokens = await poll(suite, client, { device_code: started.device_code ?? '' })
    expect(tokens).toMatchObject({ status: 200, body: { token_type: 'bearer', scope: 'openid' } })
  })
})

describe('@ory/hydra-client: trusted issuers', () => {
  it('trusts, gets, lists and deletes; an assertion is good for a token meanwhile', async () => {
    const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    const client = await registered({ grant_types: [grantType] })
    const key = newKey('RS256', 'of-the-idp')
    const { data: trusted, status } = await oauth2.trustOAuth2JwtGrantIssuer({
      trustOAuth2JwtGrantIssuer: {
        issuer: 'https://idp.example',
        subject: 'mike@example.com',
        scope: ['read'],
        jwk: key.jwk as unknown as JsonWebKey,
        expires_at: '2099-01-01T00:00:00Z',
      },
    })
    expect(status).toBe(201)
    expect(trusted.public_key).toEqual({ set: 'https://idp.example', kid: 'of-the-idp' })
    const id = trusted.id ?? ''
    expect((await oauth2.getTrustedOAuth2JwtGrantIssuer({ id })).data).toEqual(trusted)
    const listed = await oauth2.listTrustedOAuth2JwtGrantIssuers({ issuer: 'https://idp.example', pageSize: 10 })
    expect(listed.data).toEqual([trusted])

    const exchange = () => {
      const { issuer: aud } = suite.config.urls.self
      const claims = clientClaims('mike@example.com', aud, { iss: 'https://idp.example' })
      const form = { grant_type: grantType, assertion: signJwt(key, claims), scope: 'read' }
      return post(suite, '/oauth2/token', form, client)
    }
    const { body } = await exchange()
    const { data } = await oauth2.introspectOAuth2Token({ token: String(body.access_token) })
    expect(data).toMatchObject({ active: true, sub: 'mike@example.com', scope: 'read' })
    expect((await oauth2.deleteTrustedOAuth2JwtGrantIssuer({ id })).status).toBe(204)
    await expect(oauth2.getTrustedOAuth2JwtGrantIssuer({ id })).rejects.toMatchObject({ response: { status: 404 } })
    expect((await exchange()).body.error).toBe('invalid_grant')
  })
})

describe('@ory/hydra-client: dynamic client registration', () => {
  it('creates, gets, sets and deletes a client of its own', async () => {
    const oAuth2Client = { client_name: 'dynamic', redirect_uris: [redirectUri] }
    const { data: created, status } = await oidcWith().createOidcDynamicClient({ oAuth2Client })
    expect(status).toBe(201)
    const id = created.client_id ?? ''
    const holder = oidcWith(created.registration_access_token)
    const { data: got } = await holder.getOidcDynamicClient({ id })
    expect(got).toMatchObject({ client_id: id, client_name: 'dynamic' })
    const { data: set } = await holder.setOidcDynamicClient({ id, oAuth2Client: { ...got, client_name: 'set' } })
    expect(set.client_name).toBe('set')
    await expect(holder.getOidcDynamicClient({ id })).rejects.toMatchObject({ response: { status: 401 } })
    const withSecret = { id, oAuth2Client: { ...got, client_secret: 'chosen by the client' } }
    const next = oidcWith(set.registration_access_token)
    await expect(next.setOidcDynamicClient(withSecret)).rejects.toMatchObject({ response: { status: 403 } })
    expect((await next.deleteOidcDynamicClient({ id })).status).toBe(204)
    await expect(oauth2.getOAuth2Client({ id })).rejects.toMatchObject({ response: { status: 404 } })
  })

  it('a client of the admin API manages itself with the token that it was answered', async () => {
    const client = await registered()
    const holder = oidcWith(client.registration_access_token)
    const { data } = await holder.getOidcDynamicClient({ id: client.client_id })
    expect(data.registration_client_uri).toBe(client.registration_client_uri)
  })
})

describe('@ory/hydra-client: the rest', () => {
  it('reads discovery, published keys, key sets, health and version', async () => {
    const wellKnown = calls.watch(new WellknownApi(new Configuration({ basePath: suite.publicUrl })))
    const { data: keys } = await wellKnown.discoverJsonWebKeys()
    expect(keys.keys?.length).toBeGreaterThan(1)
    expect((await oidcWith().discoverOidcConfiguration()).data.issuer).toBe(suite.config.urls.self.issuer)
    const metadata = calls.watch(new MetadataApi(new Configuration({ basePath: suite.adminUrl })))
    expect((await metadata.isReady()).data.status).toBe('ok')
    expect((await metadata.isAlive()).data.status).toBe('ok')
    expect((await metadata.getVersion()).data.version).toBeTruthy()
    const { data: set } = await jwk.getJsonWebKeySet({ set: 'hydra.openid.id-token' })
    expect(set.keys?.length).toBeGreaterThan(0)
    for (const key of set.keys ?? []) expect(key.d).toBeUndefined()
  })

  it('creates, imports, gets, replaces and deletes keys', async () => {
    const set = 'of-the-sdk'
    const createJsonWebKeySet = { alg: 'ES256', use: 'sig', kid: 'first' }
    const { data: created } = await jwk.createJsonWebKeySet({ set, createJsonWebKeySet })
    const [key] = created.keys ?? []
    if (!key) throw new Error('no key')
    expect(key).toMatchObject({ ...createJsonWebKeySet, kty: 'EC' })
    const { data: second } = await jwk.setJsonWebKey({ set, kid: 'second', jsonWebKey: { ...key, kid: 'second' } })
    expect(second.kid).toBe('second')
    expect((await jwk.getJsonWebKey({ set, kid: 'second' })).data.keys).toHaveLength(1)
    await jwk.setJsonWebKeySet({ set, jsonWebKeySet: { keys: [{ ...key, kid: 'third' }] } })
    expect((await jwk.getJsonWebKeySet({ set })).data.keys?.map(({ kid }) => kid)).toEqual(['third'])
    expect((await jwk.deleteJsonWebKey({ set, kid: 'third' })).status).toBe(204)
    await jwk.createJsonWebKeySet({ set, createJsonWebKeySet })
    expect((await jwk.deleteJsonWebKeySet({ set })).status).toBe(204)
    await expect(jwk.getJsonWebKeySet({ set })).rejects.toMatchObject({ response: { status: 404 } })
  })
})

describe('@ory/hydra-client: tokens and logout', () => {
  it('issues, uses, refreshes and revokes tokens; sets lifespans; ends all access tokens of a client', async () => {
    const client = await registered({ grant_types: ['client_credentials', 'authorization_code', 'refresh_token'] })
    const auth = { username: client.client_id, password: client.client_secret }
    const isActive = async (token = '') => (await oauth2.introspectOAuth2Token({ token })).data.active
    const { data: machine } = await open.oauth2TokenExchange({ grantType: 'client_credentials' }, { auth })
    expect(await isActive(machine.access_token)).toBe(true)
    expect((await oauth2.deleteOAuth2Token({ clientId: client.client_id })).status).toBe(204)
    expect(await isActive(machine.access_token)).toBe(false)

    const tokens = await logIn(suite, client, { scope: 'openid offline' }, { subject: 'dora' })
    expect((await oidcWith(tokens.access_token).getOidcUserInfo()).data.sub).toBe('dora')
    const oAuth2ClientTokenLifespans = { refresh_token_grant_access_token_lifespan: '30s' }
    const changed = await oauth2.setOAuth2ClientLifespans({ id: client.client_id, oAuth2ClientTokenLifespans })
    expect(changed.data).toMatchObject(oAuth2ClientTokenLifespans)
    const refresh = { grantType: 'refresh_token', refreshToken: tokens.refresh_token }
    const again = await open.oauth2TokenExchange(refresh, { auth })
    expect(again.data.expires_in).toBe(30)
    expect((await open.revokeOAuth2Token({ token: again.data.refresh_token ?? '' }, { auth })).status).toBe(200)
    expect(await isActive(tokens.access_token)).toBe(false)
  })

  it('is sent on by the addresses that are for browsers', async () => {
    const asBrowser = { maxRedirects: 0, validateStatus: (status: number) => status === 302 }
    const { searchParams } = new URL(authorizationUrl((await registered()).client_id))
    const asked = await open.oAuth2Authorize({ ...asBrowser, params: searchParams })
    expect(asked.headers.location).toContain('login_challenge=')
    const verifying = await open.performOAuth2DeviceVerificationFlow(asBrowser)
    expect(verifying.headers.location).toContain('device_challenge=')
    expect((await oidcWith().revokeOidcSession()).status).toBeLessThan(400)
  })

  it('gets, rejects and accepts a logout request, rejects a consent request, and is told 410', async () => {
    const client = await registered()
    const agent = new UserAgent()
    const decision = { subject: 'emil', login: { remember: true } }
    const tokens = await logIn(suite, client, { scope: 'openid offline' }, decision, agent)
    const ask = async () => {
      const at = await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout?id_token_hint=${tokens.id_token}`)
      return at.searchParams.get('logout_challenge') ?? ''
    }
    const refused = await ask()
    const { data: request } = await oauth2.getOAuth2LogoutRequest({ logoutChallenge: refused })
    expect(request).toMatchObject({ subject: 'emil', rp_initiated: true, sid: decodeJwt(tokens.id_token).sid })
    expect((await oauth2.rejectOAuth2LogoutRequest({ logoutChallenge: refused })).status).toBe(204)
    const { data: accepted } = await oauth2.acceptOAuth2LogoutRequest({ logoutChallenge: await ask() })
    expect((await agent.fetch(accepted.redirect_to)).status).toBeLessThan(400)

    const login = await agent.redirectFrom(authorizationUrl(client.client_id))
    const consent = await agent.redirectFrom(await acceptLogin(suite, login))
    const consentChallenge = consent.searchParams.get('consent_challenge') ?? ''
    const rejectOAuth2Request = { error: 'access_denied', error_description: 'Not this.' }
    const { data } = await oauth2.rejectOAuth2ConsentRequest({ consentChallenge, rejectOAuth2Request })
    const callback = await agent.redirectFrom(data.redirect_to)
    expect(callback.searchParams.get('error_description')).toContain('Not this.')
    const gone = oauth2.getOAuth2ConsentRequest({ consentChallenge })
    await expect(gone).rejects.toMatchObject({ response: { status: 410, data: { redirect_to: expect.any(String) } } })
  })
})

it('@ory/hydra-client: no operation is left out', () => {
  calls.expectAllOf([OAuth2Api, OidcApi, JwkApi, MetadataApi, WellknownApi], {
    'OidcApi.createVerifiableCredential': 'not planned: the verifiable-credential draft',
  })
})
