// @ory/hydra-client 26.2.0 (npm), unchanged: clients, login and consent requests, sessions, introspection, key sets.
import {
  Configuration,
  type JsonWebKey,
  JwkApi,
  MetadataApi,
  OAuth2Api,
  OidcApi,
  WellknownApi,
} from '@ory/hydra-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, signJwt } from '../support/assertions.js'
import { deviceGrant, poll } from '../support/device.js'
import { post } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, UserAgent } from '../support/user_agent.js'

const redirectUri = 'http://127.0.0.1:5555/callback'
let suite: Suite
let oauth2: OAuth2Api

beforeAll(async () => {
  suite = await startSuite({ config: { oidc: { dynamic_client_registration: { enabled: true } } } })
  oauth2 = new OAuth2Api(new Configuration({ basePath: suite.adminUrl }))
})
afterAll(() => suite.stop())

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
  `${suite.publicUrl}/oauth2/auth?${new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    scope: 'openid offline read',
    redirect_uri: redirectUri,
    state: 'state-of-the-sdk',
  })}`

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
    const open = new OAuth2Api(new Configuration({ basePath: suite.publicUrl }))
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
    const open = new OidcApi(new Configuration({ basePath: suite.publicUrl }))
    const oAuth2Client = { client_name: 'dynamic', redirect_uris: [redirectUri] }
    const { data: created, status } = await open.createOidcDynamicClient({ oAuth2Client })
    expect(status).toBe(201)
    const id = created.client_id ?? ''
    const holderOf = (accessToken = '') => new OidcApi(new Configuration({ basePath: suite.publicUrl, accessToken }))
    const holder = holderOf(created.registration_access_token)
    const { data: got } = await holder.getOidcDynamicClient({ id })
    expect(got).toMatchObject({ client_id: id, client_name: 'dynamic' })
    const { data: set } = await holder.setOidcDynamicClient({ id, oAuth2Client: { ...got, client_name: 'set' } })
    expect(set.client_name).toBe('set')
    await expect(holder.getOidcDynamicClient({ id })).rejects.toMatchObject({ response: { status: 401 } })
    const withSecret = { id, oAuth2Client: { ...got, client_secret: 'chosen by the client' } }
    const next = holderOf(set.registration_access_token)
    await expect(next.setOidcDynamicClient(withSecret)).rejects.toMatchObject({ response: { status: 403 } })
    expect((await next.deleteOidcDynamicClient({ id })).status).toBe(204)
    await expect(oauth2.getOAuth2Client({ id })).rejects.toMatchObject({ response: { status: 404 } })
  })

  it('a client of the admin API manages itself with the token that it was answered', async () => {
    const client = await registered()
    const accessToken = client.registration_access_token ?? ''
    const holder = new OidcApi(new Configuration({ basePath: suite.publicUrl, accessToken }))
    const { data } = await holder.getOidcDynamicClient({ id: client.client_id })
    expect(data.registration_client_uri).toBe(client.registration_client_uri)
  })
})

describe('@ory/hydra-client: the rest', () => {
  it('reads discovery, published keys, key sets, health and version', async () => {
    const wellKnown = new WellknownApi(new Configuration({ basePath: suite.publicUrl }))
    const { data: keys } = await wellKnown.discoverJsonWebKeys()
    expect(keys.keys?.length).toBeGreaterThan(1)
    const metadata = new MetadataApi(new Configuration({ basePath: suite.adminUrl }))
    expect((await metadata.isReady()).data.status).toBe('ok')
    expect((await metadata.isAlive()).data.status).toBe('ok')
    expect((await metadata.getVersion()).data.version).toBeTruthy()
    const jwk = new JwkApi(new Configuration({ basePath: suite.adminUrl }))
    const { data: set } = await jwk.getJsonWebKeySet({ set: 'hydra.openid.id-token' })
    expect(set.keys?.length).toBeGreaterThan(0)
    for (const key of set.keys ?? []) expect(key.d).toBeUndefined()
  })
})
