// @ory/hydra-client 1.11.8 (npm), unchanged, on the paths of Hydra v1: every operation that it has and that is served.
import { AdminApi, Configuration, MetadataApi, PublicApi } from '@ory/hydra-client-v1'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey } from '../support/assertions.js'
import { authorizationUrl as authorizationUrlOf, logIn, redirectUri } from '../support/oauth.js'
import { SdkCalls } from '../support/sdk_calls.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptLogin, UserAgent } from '../support/user_agent.js'

const calls = new SdkCalls()
let suite: Suite
let admin: AdminApi
let open: PublicApi

beforeAll(async () => {
  suite = await startSuite()
  admin = calls.watch(new AdminApi(new Configuration({ basePath: suite.adminUrl })))
  open = calls.watch(new PublicApi(new Configuration({ basePath: suite.publicUrl })))
})
afterAll(() => suite.stop())

const registered = async (metadata: Record<string, unknown> = {}) => {
  const { data } = await admin.createOAuth2Client({
    client_name: 'sdk',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    scope: 'openid offline read',
    ...metadata,
  })
  return { ...data, client_id: data.client_id ?? '', client_secret: data.client_secret ?? '' }
}

const authorizationUrl = (clientId: string) =>
  authorizationUrlOf(
    suite,
    { client_id: clientId },
    { scope: 'openid offline read', state: 'state-of-the-sdk', nonce: undefined },
  )

const isActive = async (token = '') => (await admin.introspectOAuth2Token(token)).data.active
const challengeAt = (url: URL, kind: string) => url.searchParams.get(`${kind}_challenge`) ?? ''
const scope = 'openid offline'

describe('@ory/hydra-client 1.11: clients and keys', () => {
  it('creates, gets, lists by limit and offset, replaces, patches and deletes clients', async () => {
    const client = await registered({ owner: 'v1' })
    const second = await registered({ owner: 'v1' })
    const page = await admin.listOAuth2Clients(1, 1, undefined, 'v1')
    expect(page.data.map(({ client_id }) => client_id)).toEqual([second.client_id])
    expect(page.headers['x-total-count']).toBe('2')
    const { data: got } = await admin.getOAuth2Client(client.client_id)
    const { data: replaced } = await admin.updateOAuth2Client(client.client_id, { ...got, client_name: 'replaced' })
    expect(replaced.client_name).toBe('replaced')
    const change = [{ op: 'replace', path: '/client_name', value: 'patched' as unknown as object }]
    expect((await admin.patchOAuth2Client(client.client_id, change)).data.client_name).toBe('patched')
    expect((await admin.deleteOAuth2Client(client.client_id)).status).toBe(204)
    await expect(admin.getOAuth2Client(client.client_id)).rejects.toMatchObject({ response: { status: 404 } })
    const again = admin.createOAuth2Client({ client_id: second.client_id })
    await expect(again).rejects.toMatchObject({ response: { status: 409 } })
  })

  it('creates, imports, gets, replaces and deletes keys', async () => {
    const set = 'of-the-v1-sdk'
    const { data: created } = await admin.createJsonWebKeySet(set, { alg: 'ES256', use: 'sig', kid: 'first' })
    const [key] = created.keys ?? []
    if (!key) throw new Error('no key')
    expect((await admin.updateJsonWebKey('second', set, { ...key, kid: 'second' })).data.kid).toBe('second')
    expect((await admin.getJsonWebKey('second', set)).data.keys).toHaveLength(1)
    await admin.updateJsonWebKeySet(set, { keys: [{ ...key, kid: 'third' }] })
    expect((await admin.getJsonWebKeySet(set)).data.keys?.map(({ kid }) => kid)).toEqual(['third'])
    expect((await admin.deleteJsonWebKey('third', set)).status).toBe(204)
    await admin.createJsonWebKeySet(set, { alg: 'ES256', use: 'sig', kid: 'fourth' })
    expect((await admin.deleteJsonWebKeySet(set)).status).toBe(204)
    await expect(admin.getJsonWebKey('fourth', set)).rejects.toMatchObject({ response: { status: 404 } })
  })
})

describe('@ory/hydra-client 1.11: login, consent, logout', () => {
  it('accepts login and consent, lists and revokes the consent, and is told 410 afterwards', async () => {
    const client = await registered()
    const agent = new UserAgent()
    const login = challengeAt(await agent.redirectFrom(authorizationUrl(client.client_id)), 'login')
    expect((await admin.getLoginRequest(login)).data).toMatchObject({ skip: false, challenge: login })
    const loggedIn = await admin.acceptLoginRequest(login, { subject: 'carol', remember: true, remember_for: 3600 })
    const consent = challengeAt(await agent.redirectFrom(loggedIn.data.redirect_to), 'consent')
    const { data: request } = await admin.getConsentRequest(consent)
    expect(request).toMatchObject({ subject: 'carol', requested_scope: ['openid', 'offline', 'read'] })
    expect(request.client?.client_id).toBe(client.client_id)
    const consented = await admin.acceptConsentRequest(consent, {
      grant_scope: ['openid', 'offline'],
      handled_at: new Date().toISOString(),
      session: { access_token: { tier: 'gold' }, id_token: {} },
    })
    const callback = await agent.redirectFrom(consented.data.redirect_to)
    expect(callback.searchParams.get('code')).toBeTruthy()
    for (const used of [admin.getLoginRequest(login), admin.getConsentRequest(consent)])
      await expect(used).rejects.toMatchObject({ response: { status: 410, data: { redirect_to: expect.any(String) } } })

    const { data: sessions } = await admin.listSubjectConsentSessions('carol')
    expect(sessions[0]).toMatchObject({ grant_scope: ['openid', 'offline'], consent_request: { subject: 'carol' } })
    expect((await admin.revokeConsentSessions('carol', client.client_id)).status).toBe(204)
    expect((await admin.listSubjectConsentSessions('carol')).data).toEqual([])
    expect((await admin.revokeAuthenticationSession('carol')).status).toBe(204)
  })

  it('rejects login and consent', async () => {
    const client = await registered()
    const agent = new UserAgent()
    const refusal = { error: 'access_denied', error_description: 'No entry.' }
    const login = challengeAt(await agent.redirectFrom(authorizationUrl(client.client_id)), 'login')
    const noLogin = await agent.redirectFrom((await admin.rejectLoginRequest(login, refusal)).data.redirect_to)
    expect(noLogin.searchParams.get('error')).toBe('access_denied')
    const goOn = await acceptLogin(suite, await agent.redirectFrom(authorizationUrl(client.client_id)))
    const consent = challengeAt(await agent.redirectFrom(goOn), 'consent')
    const noConsent = await agent.redirectFrom((await admin.rejectConsentRequest(consent, refusal)).data.redirect_to)
    expect(noConsent.searchParams.get('error')).toBe('access_denied')
  })

  it('gets, rejects and accepts a logout request', async () => {
    const agent = new UserAgent()
    await logIn(suite, await registered(), { scope }, { subject: 'emil', login: { remember: true } }, agent)
    const ask = async () => challengeAt(await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout`), 'logout')
    const refused = await ask()
    expect((await admin.getLogoutRequest(refused)).data).toMatchObject({ subject: 'emil', rp_initiated: false })
    expect((await admin.rejectLogoutRequest(refused, { error: 'access_denied' })).status).toBe(204)
    const { data } = await admin.acceptLogoutRequest(await ask())
    expect((await agent.fetch(data.redirect_to)).status).toBeLessThan(400)
  })
})

describe('@ory/hydra-client 1.11: tokens and the rest', () => {
  it('issues, uses and revokes tokens; ends all of a client; flushes', async () => {
    const client = await registered()
    const auth = { username: client.client_id, password: client.client_secret }
    const call = [undefined, undefined, undefined, undefined, { auth }] as const
    const { data: machine } = await open.oauth2Token('client_credentials', ...call)
    expect(await isActive(machine.access_token)).toBe(true)
    expect((await admin.deleteOAuth2Token(client.client_id)).status).toBe(204)
    expect(await isActive(machine.access_token)).toBe(false)
    const tokens = await logIn(suite, client, { scope }, { subject: 'dora' })
    const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } }
    expect((await open.userinfo(bearer)).data.sub).toBe('dora')
    expect((await open.revokeOAuth2Token(tokens.refresh_token, { auth })).status).toBe(200)
    expect(await isActive(tokens.access_token)).toBe(false)
    expect((await admin.flushInactiveOAuth2Tokens({ notAfter: new Date().toISOString() })).status).toBe(204)
  })

  it('trusts an issuer of assertions, lists it by limit and offset, and trusts it no more', async () => {
    const { jwk } = newKey('ES256')
    const body = {
      issuer: 'https://v1.test',
      subject: 'ann',
      scope: ['read'],
      jwk: jwk as never,
    }
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const { data: trusted } = await admin.trustJwtGrantIssuer({ ...body, expires_at })
    const id = trusted.id ?? ''
    expect((await admin.getTrustedJwtGrantIssuer(id)).data).toMatchObject({ issuer: 'https://v1.test', subject: 'ann' })
    const page = await admin.listTrustedJwtGrantIssuers('https://v1.test', 5, 0)
    expect(page.data.map((each) => each.id)).toEqual([id])
    expect(page.headers['x-total-count']).toBe('1')
    expect((await admin.deleteTrustedJwtGrantIssuer(id)).status).toBe(204)
    await expect(admin.getTrustedJwtGrantIssuer(id)).rejects.toMatchObject({ response: { status: 404 } })
  })

  it('reads discovery, published keys, health and version, and is sent on where browsers are', async () => {
    expect((await open.discoverOpenIDConfiguration()).data.issuer).toBe(suite.config.urls.self.issuer)
    expect((await open.wellKnown()).data.keys?.length).toBeGreaterThan(1)
    const metadata = calls.watch(new MetadataApi(new Configuration({ basePath: suite.adminUrl })))
    expect((await metadata.isAlive()).data.status).toBe('ok')
    expect((await metadata.isReady()).data.status).toBe('ok')
    expect((await metadata.getVersion()).data.version).toBeTruthy()
    const { searchParams } = new URL(authorizationUrl((await registered()).client_id))
    const asBrowser = { maxRedirects: 0, validateStatus: (status: number) => status === 302 }
    const asked = await open.oauthAuth({ ...asBrowser, params: searchParams })
    expect(asked.headers.location).toContain('login_challenge=')
    expect((await open.disconnectUser()).status).toBeLessThan(400)
  })
})

it('@ory/hydra-client 1.11: no operation is left out', () => {
  const registration =
    'Hydra 1.11 alone had it at /connect/register; it is served where Hydra has it since, at /oauth2/register'
  calls.expectAllOf([AdminApi, PublicApi, MetadataApi], {
    'PublicApi.dynamicClientRegistrationCreateOAuth2Client': registration,
    'PublicApi.dynamicClientRegistrationDeleteOAuth2Client': registration,
    'PublicApi.dynamicClientRegistrationGetOAuth2Client': registration,
    'PublicApi.dynamicClientRegistrationUpdateOAuth2Client': registration,
  })
})
