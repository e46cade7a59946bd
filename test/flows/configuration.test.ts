// What keys of the configuration do, seen from outside: one server that says most things otherwise than the defaults, and one
// that leaves the pages out.
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeviceClient, startDevice } from '../support/device.js'
import {
  authorizationUrl,
  introspect,
  logIn,
  newPkce,
  post,
  redirectUri,
  refresh,
  type Tokens,
} from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite

const pages = 'http://127.0.0.1:3000'

beforeAll(async () => {
  suite = await startSuite({
    config: {
      ttl: {
        login_consent_request: 77,
        authentication_session: 500,
        access_token: 111,
        refresh_token: 222,
        id_token: 333,
        device_user_code: 444,
      },
      strategies: { access_token: 'jwt', scope: 'exact', jwt: { scope_claim: 'both' } },
      oauth2: {
        include_legacy_error_fields: true,
        exclude_not_before_claim: true,
        allowed_top_level_claims: ['tenant', 'sub'],
        mirror_top_level_claims: false,
        preserve_ext_claims: true,
        pkce: { enforced: true },
        client_credentials: { default_grant_allowed_scope: true },
        device_authorization: {
          token_polling_interval: 9,
          user_code: { length: 12, character_set: 'ABCDEFGH' },
        },
        grant: { refresh_token: { rotation_grace_period: 0, revoke_access_tokens: true } },
      },
      urls: {
        registration: `${pages}/register`,
        error: `${pages}/error`,
        post_logout_redirect: `${pages}/bye`,
        device: { verification: `${pages}/device`, success: `${pages}/connected` },
      },
      serve: {
        cookies: {
          names: { session: 'id_session', login_csrf: 'id_login' },
          paths: { session: '/oauth2' },
          domain: '127.0.0.1',
          same_site_mode: 'Strict',
        },
      },
      webfinger: {
        oidc_discovery: {
          token_url: 'https://edge.example.com/token',
          supported_claims: ['email'],
          supported_scope: ['profile'],
        },
      },
      clients: { http: { disallow_private_ip_ranges: false } },
    },
  })
})
afterAll(() => suite.stop())

const machine = { grant_types: ['client_credentials'], scope: 'read write' }
const now = () => Math.floor(Date.now() / 1_000)

/** Whether a moment is so many seconds from now, give or take what the test took. */
const expectIn = (moment: unknown, seconds: number) => {
  expect(Number(moment)).toBeGreaterThan(now() + seconds - 60)
  expect(Number(moment)).toBeLessThanOrEqual(now() + seconds + 1)
}

describe('hydra 2: ttl', () => {
  it('ttl.access_token, ttl.id_token, ttl.refresh_token: of what the code flow gives', async () => {
    const tokens = await logIn(suite, await createClient(suite))
    expect(tokens.expires_in).toBe(111)
    const id = decodeJwt(tokens.id_token)
    expect(Number(id.exp) - Number(id.iat)).toBe(333)
    const access = decodeJwt(tokens.access_token)
    expect(Number(access.exp) - Number(access.iat)).toBe(111)
    expectIn((await introspect(suite, tokens.refresh_token)).exp, 222)
  })

  it('ttl.login_consent_request: the cookie of a flow, ttl.authentication_session: that of a session, at most', async () => {
    const url = authorizationUrl(suite, await createClient(suite), challengeOf())
    const started = await fetch(url, { redirect: 'manual' })
    expect(started.headers.get('set-cookie')).toMatch(/^id_login_\S+=\S+;.* Max-Age=77$/)
    const [session] = (await lastCookies(url, { remember: true, remember_for: 3_600 })).filter(isSession)
    expect(session).toMatch(/; Max-Age=500$/)
  })

  it('ttl.device_user_code', async () => {
    const device = await startDevice(suite, await createDeviceClient(suite))
    expect(device.expires_in).toBe(444)
  })
})

const isSession = (line: string): boolean => /^id_session(_dev)?=/.test(line)

/** The cookies of the last answer of a flow. */
async function lastCookies(url: string, login: Record<string, unknown>): Promise<string[]> {
  const agent = new UserAgent()
  const consentUrl = await agent.redirectFrom(await acceptLogin(suite, await agent.redirectFrom(url), { login }))
  const last = await agent.fetch(await acceptConsent(suite, consentUrl))
  return last.headers.getSetCookie()
}

const challengeOf = () => ({ code_challenge: newPkce().challenge, code_challenge_method: 'S256' })

describe("hydra 4.8: a client's own lifespans", () => {
  const setLifespans = async (clientId: string, lifespans: Record<string, string | null>) => {
    const answer = await adminJson(suite, 'PUT', `/clients/${clientId}/lifespans`, lifespans)
    expect(answer.status).toBe(200)
  }

  it('authorization_code_grant_* hold for the first tokens, refresh_token_grant_* for those of a refresh', async () => {
    const client = await createClient(suite)
    await setLifespans(client.client_id, {
      authorization_code_grant_access_token_lifespan: '1000s',
      authorization_code_grant_id_token_lifespan: '1001s',
      authorization_code_grant_refresh_token_lifespan: '1002s',
      refresh_token_grant_access_token_lifespan: '2000s',
      refresh_token_grant_id_token_lifespan: '2001s',
      refresh_token_grant_refresh_token_lifespan: '2002s',
    })
    const expectLifespans = async (tokens: Tokens, [access, id, refreshing]: readonly number[]) => {
      expect(tokens.expires_in).toBe(access)
      const claims = decodeJwt(tokens.id_token)
      expect(Number(claims.exp) - Number(claims.iat)).toBe(id)
      expectIn((await introspect(suite, tokens.refresh_token)).exp, refreshing ?? 0)
    }
    const first = await logIn(suite, client)
    await expectLifespans(first, [1000, 1001, 1002])
    const again = await refresh(suite, client, first.refresh_token)
    await expectLifespans(again.body as unknown as Tokens, [2000, 2001, 2002])
  })

  it('client_credentials_grant_access_token_lifespan; null is the configuration again', async () => {
    const client = await createClient(suite, machine)
    const issue = () => post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, client)
    await setLifespans(client.client_id, { client_credentials_grant_access_token_lifespan: '1234s' })
    expect((await issue()).body.expires_in).toBe(1234)
    await setLifespans(client.client_id, { client_credentials_grant_access_token_lifespan: null })
    expect((await issue()).body.expires_in).toBe(111)
  })

  it('implicit_grant_access_token_lifespan, implicit_grant_id_token_lifespan', async () => {
    const client = await createClient(suite, {
      grant_types: ['implicit'],
      response_types: ['token id_token'],
    })
    await setLifespans(client.client_id, {
      implicit_grant_access_token_lifespan: '700s',
      implicit_grant_id_token_lifespan: '701s',
    })
    const agent = new UserAgent()
    const url = authorizationUrl(suite, client, { response_type: 'token id_token', scope: 'openid' })
    const callback = await authorize(suite, url, {}, agent)
    const answer = new URLSearchParams(callback.hash.slice(1))
    expect(answer.get('expires_in')).toBe('700')
    const id = decodeJwt(String(answer.get('id_token')))
    expect(Number(id.exp) - Number(id.iat)).toBe(701)
  })
})

describe('hydra 2 and 4.9: JWT access tokens', () => {
  it('strategies.access_token, strategies.jwt.scope_claim, oauth2.exclude_not_before_claim', async () => {
    const { access_token: token } = await logIn(suite, await createClient(suite))
    const claims = decodeJwt(token)
    expect(claims).toMatchObject({ scp: ['openid', 'offline_access'], scope: 'openid offline_access' })
    expect(claims).not.toHaveProperty('nbf')
  })

  it('oauth2.allowed_top_level_claims, mirror_top_level_claims, preserve_ext_claims', async () => {
    const session = { access_token: { tenant: 'acme', tier: 'gold', sub: 'mallory' } }
    const client = await createClient(suite)
    const { access_token: token } = await logIn(suite, client, {}, { consent: { session } })
    expect(decodeJwt(token)).toMatchObject({ tenant: 'acme', sub: 'alice', ext: { tier: 'gold' } })
    expect((decodeJwt(token).ext as object) ?? {}).not.toHaveProperty('tenant')
  })

  it('a client may choose the other form', async () => {
    const client = await createClient(suite, { ...machine, access_token_strategy: 'opaque' })
    const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, client)
    expect(body.access_token).toMatch(/^tsr_at_[\w-]+$/)
  })
})

describe('hydra 2: oauth2', () => {
  it('oauth2.client_credentials.default_grant_allowed_scope: no scope is all of them', async () => {
    const client = await createClient(suite, machine)
    const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, client)
    expect(body.scope).toBe('read write')
  })

  it('strategies.scope exact: a wildcard covers only itself', async () => {
    const client = await createClient(suite, { ...machine, scope: 'files.*' })
    const ask = (scope: string) => post(suite, '/oauth2/token', { grant_type: 'client_credentials', scope }, client)
    expect((await ask('files.read')).body.error).toBe('invalid_scope')
    expect((await ask('files.*')).status).toBe(200)
  })

  it('oauth2.pkce.enforced: confidential clients need it too', async () => {
    const refused = await new UserAgent().redirectFrom(authorizationUrl(suite, await createClient(suite)))
    expect(refused.href).toContain(redirectUri)
    expect(refused.searchParams.get('error')).toBe('invalid_request')
    expect(refused.searchParams.get('error_description')).toMatch(/code_challenge|PKCE/)
  })

  it('hydra 4.17: oauth2.include_legacy_error_fields: hint and status are members of their own, at every door', async () => {
    const client = await createClient(suite)
    const members = { error: expect.any(String), error_description: expect.any(String), error_hint: expect.any(String) }
    const atToken = await post(suite, '/oauth2/token', { grant_type: 'authorization_code', code: 'x' }, client)
    expect(atToken.body).toMatchObject({ ...members, status_code: atToken.status })
    const atAdmin = await adminJson(suite, 'GET', '/clients/absent')
    expect(await atAdmin.json()).toMatchObject({ ...members, error: 'Not Found', status_code: 404 })
  })

  it('oauth2.grant.refresh_token.rotation_grace_period 0: a second use is reuse; revoke_access_tokens: the old go', async () => {
    const client = await createClient(suite)
    const first = await logIn(suite, client)
    const second = await refresh(suite, client, first.refresh_token)
    expect(second.status).toBe(200)
    expect(await introspect(suite, first.access_token)).toEqual({ active: false })
    expect(await introspect(suite, String(second.body.access_token))).toMatchObject({ active: true })
    expect((await refresh(suite, client, first.refresh_token)).body.error).toBe('invalid_grant')
    expect(await introspect(suite, String(second.body.access_token))).toEqual({ active: false })
  })

  it('oauth2.device_authorization.token_polling_interval, user_code.length and character_set', async () => {
    const device = await startDevice(suite, await createDeviceClient(suite))
    expect(device.interval).toBe(9)
    expect(device.user_code.replaceAll('-', '')).toMatch(/^[A-H]{12}$/)
  })

  it('oauth2.expose_internal_errors has no effect: what is internal is never told', async () => {
    const { body } = await post(suite, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: 'x' })
    expect(body).not.toHaveProperty('error_debug')
  })
})

describe('hydra 2: urls', () => {
  it('urls.error: is shown what cannot go to a client', async () => {
    const at = await new UserAgent().redirectFrom(authorizationUrl(suite, { client_id: 'nobody' }))
    expect(`${at.origin}${at.pathname}`).toBe(`${pages}/error`)
    expect(at.searchParams.get('error')).toBe('invalid_client')
  })

  it('urls.registration: prompt=registration leads there', async () => {
    const url = authorizationUrl(suite, await createClient(suite), { ...challengeOf(), prompt: 'registration' })
    const at = await new UserAgent().redirectFrom(url)
    expect(at.href).toContain(`${pages}/register?login_challenge=`)
  })

  it('urls.post_logout_redirect: where the browser goes when nobody is logged in', async () => {
    const at = await new UserAgent().redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout`)
    expect(at.href).toBe(`${pages}/bye`)
  })

  it('urls.device.verification: the page that codes are typed at', async () => {
    const at = await new UserAgent().redirectFrom(`${suite.publicUrl}/oauth2/device/verify`)
    expect(at.href).toContain(`${pages}/device?device_challenge=`)
  })

  it('urls.self.issuer and urls.self.public: the one is said, the other is called', async () => {
    const other = await startSuite({
      config: { urls: { self: { issuer: 'https://id.example.com/tenant/', public: 'https://edge.example.com' } } },
    })
    const metadata = await discover(other)
    expect(metadata).toMatchObject({
      issuer: 'https://id.example.com/tenant/',
      authorization_endpoint: 'https://edge.example.com/oauth2/auth',
      jwks_uri: 'https://edge.example.com/.well-known/jwks.json',
    })
    const client = await createClient(other, { ...machine, access_token_strategy: 'jwt' })
    const { body } = await post(other, '/oauth2/token', { grant_type: 'client_credentials', scope: 'read' }, client)
    expect(decodeJwt(String(body.access_token)).iss).toBe('https://id.example.com/tenant/')
    await other.stop()
  })
})

const discover = async ({ publicUrl }: Pick<Suite, 'publicUrl'>): Promise<Record<string, unknown>> =>
  (await (await fetch(`${publicUrl}/.well-known/openid-configuration`)).json()) as Record<string, unknown>

describe('hydra 2: webfinger, serve.cookies', () => {
  it('webfinger.oidc_discovery: metadata says what the operator says', async () => {
    expect(await discover(suite)).toMatchObject({
      token_endpoint: 'https://edge.example.com/token',
      claims_supported: expect.arrayContaining(['sub', 'email']),
      scopes_supported: expect.arrayContaining(['openid', 'profile']),
      userinfo_endpoint: `${suite.publicUrl}/userinfo`,
    })
  })

  it('serve.cookies.names, domain, same_site_mode, paths: as said, and a removal reaches what was set', async () => {
    const url = authorizationUrl(suite, await createClient(suite), challengeOf())
    const cookies = await lastCookies(url, { remember: true })
    const [session] = cookies.filter(isSession)
    expect(session).toMatch(/; Path=\/oauth2; HttpOnly; SameSite=Strict; Domain=127\.0\.0\.1/)
    const [csrf] = cookies.filter((line) => !isSession(line))
    expect(csrf).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Domain=127\.0\.0\.1; Max-Age=0$/)
  })
})

describe('hydra 4.12: key sets', () => {
  it('keys.publish_before_use: a new key is published at once, and the one before goes on signing', async () => {
    const client = await createClient(suite, machine)
    const kidOf = async () => {
      const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, client)
      const [header = ''] = String(body.access_token).split('.')
      return JSON.parse(Buffer.from(header, 'base64url').toString()).kid as string
    }
    const before = await kidOf()
    const set = '/keys/hydra.jwt.access-token'
    const added = await adminJson(suite, 'POST', set, { alg: 'ES256', use: 'sig', kid: 'the-next' })
    expect(added.status).toBe(201)
    const { keys } = (await (await fetch(`${suite.publicUrl}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[]
    }
    // The answer may be some seconds old; the set itself is not.
    const { keys: own } = (await (await adminJson(suite, 'GET', set)).json()) as { keys: { kid: string }[] }
    expect(own.map(({ kid }) => kid)).toContain('the-next')
    expect(keys.map(({ kid }) => kid)).toContain(before)
    expect(await kidOf()).toBe(before)
  })
})

describe('hydra 1.5: pages that are not configured', () => {
  let bare: Suite
  beforeAll(async () => {
    // A consent service on its own does not start without a page.
    bare = await startSuite({ shape: 'one', config: { urls: { consent: '', logout: '', error: '' } } })
  })
  afterAll(() => bare.stop())

  const textOf = async (url: URL) => (await fetch(url)).text()

  it('urls.consent, urls.error: a page of this server says so', async () => {
    const agent = new UserAgent()
    const loginUrl = await agent.redirectFrom(authorizationUrl(bare, await createClient(bare)))
    const at = await agent.redirectFrom(await acceptLogin(bare, loginUrl))
    expect(at.href).toContain(`${bare.publicUrl}/oauth2/fallbacks/consent?consent_challenge=`)
    expect(await textOf(at)).toContain('urls.consent')
    const refused = await fetch(authorizationUrl(bare, { client_id: 'nobody' }), { redirect: 'manual' })
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('invalid_client')
  })

  it('hydra 4.17: without the older members, an error has two', async () => {
    const { status, body } = await post(bare, '/oauth2/token', { grant_type: 'authorization_code', code: 'x' })
    expect(status).toBe(401)
    expect(Object.keys(body)).toEqual(['error', 'error_description'])
    const atAdmin = (await (await adminJson(bare, 'GET', '/clients/absent')).json()) as object
    expect(atAdmin).toEqual({ error: 'Not Found', error_description: expect.any(String) })
  })
})
