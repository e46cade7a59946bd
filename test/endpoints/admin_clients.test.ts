// Clients on the admin port: Hydra's JSON there and back.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { lastRequest, startGateway, type TestGateway } from '../support/fake_services.js'

const stored = Client.fromPartial({
  clientId: 'app',
  clientName: 'App',
  redirectUris: ['https://a.test/cb'],
  grantTypes: ['authorization_code'],
  responseTypes: ['code'],
  scope: 'openid',
  subjectType: 'public',
  tokenEndpointAuthMethod: 'client_secret_basic',
  metadata: { level: 3 },
  lifespans: { authorizationCodeGrantAccessToken: 5_400, refreshTokenGrantRefreshToken: 30 },
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
  updatedAt: new Date('2026-01-02T03:04:06Z'),
  revision: 4,
  registrationId: 'r',
})

const { createdAt, updatedAt } = stored
const dated = (client: Client | undefined) => client && { ...client, createdAt, updatedAt }

let failure: OAuthError | undefined
let nextPageToken = ''
let totalSize = 0
let server: TestGateway
beforeAll(async () => {
  const answer = <T>(value: T): T => {
    if (failure) throw failure
    return value
  }
  server = await startGateway({
    clients: {
      createClient: async ({ client, clientSecret }) =>
        answer({
          client: dated(client),
          clientSecret: clientSecret || 'generated',
          registrationAccessToken: 'tsr_rg_x',
        }),
      getClient: async () => answer({ client: stored }),
      listClients: async () => answer({ clients: [stored], nextPageToken, totalSize }),
      updateClient: async ({ client, clientSecret }) => answer({ client: dated(client), clientSecret }),
      deleteClient: async () => answer({}),
      rotateClientSecret: async () => answer({ client: stored, clientSecret: 'rotated' }),
      dropRotatedClientSecrets: async () => answer({ client: stored }),
    },
  })
})
beforeEach(() => {
  failure = undefined
  nextPageToken = ''
})
afterAll(() => server.close())

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.adminUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

describe('Hydra: oAuth2Client', () => {
  const json = {
    client_id: 'app',
    client_name: 'App',
    client_secret_expires_at: 0,
    redirect_uris: ['https://a.test/cb'],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    scope: 'openid',
    audience: [],
    owner: '',
    policy_uri: '',
    tos_uri: '',
    client_uri: '',
    logo_uri: '',
    allowed_cors_origins: [],
    contacts: [],
    subject_type: 'public',
    token_endpoint_auth_method: 'client_secret_basic',
    skip_consent: false,
    skip_logout_consent: false,
    jwks: {},
    metadata: { level: 3 },
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:06Z',
    authorization_code_grant_access_token_lifespan: '1h30m0s',
    authorization_code_grant_id_token_lifespan: null,
    authorization_code_grant_refresh_token_lifespan: null,
    client_credentials_grant_access_token_lifespan: null,
    implicit_grant_access_token_lifespan: null,
    implicit_grant_id_token_lifespan: null,
    jwt_bearer_grant_access_token_lifespan: null,
    refresh_token_grant_access_token_lifespan: null,
    refresh_token_grant_id_token_lifespan: null,
    refresh_token_grant_refresh_token_lifespan: '30s',
    device_authorization_grant_access_token_lifespan: null,
    device_authorization_grant_id_token_lifespan: null,
    device_authorization_grant_refresh_token_lifespan: null,
  }

  it('a client is answered with all that Hydra has, with and without the prefix', async () => {
    for (const prefix of ['/admin', '']) {
      const answer = await send('GET', `${prefix}/clients/app`)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual(json)
    }
  })

  it('what is answered can be sent back: nothing is lost', async () => {
    await send('PUT', '/admin/clients/app', { ...json, client_secret: 'secret-of-mine' })
    const { client, updateMask, clientSecret } = lastRequest(server.calls, 'updateClient')
    expect(client).toEqual({
      ...stored,
      createdAt: undefined,
      updatedAt: undefined,
      revision: 0,
      registrationId: '',
    })
    expect([updateMask, clientSecret]).toEqual([undefined, 'secret-of-mine'])
  })

  it('every member of Hydra arrives', async () => {
    const texts = {
      sector_identifier_uri: 'sectorIdentifierUri',
      jwks_uri: 'jwksUri',
      token_endpoint_auth_signing_alg: 'tokenEndpointAuthSigningAlg',
      request_object_signing_alg: 'requestObjectSigningAlg',
      userinfo_signed_response_alg: 'userinfoSignedResponseAlg',
      id_token_signed_response_alg: 'idTokenSignedResponseAlg',
      frontchannel_logout_uri: 'frontchannelLogoutUri',
      backchannel_logout_uri: 'backchannelLogoutUri',
      access_token_strategy: 'accessTokenStrategy',
      initiate_login_uri: 'initiateLoginUri',
      owner: 'owner',
      policy_uri: 'policyUri',
      tos_uri: 'tosUri',
      client_uri: 'clientUri',
      logo_uri: 'logoUri',
    }
    const lists = {
      audience: 'audience',
      allowed_cors_origins: 'allowedCorsOrigins',
      contacts: 'contacts',
      request_uris: 'requestUris',
      post_logout_redirect_uris: 'postLogoutRedirectUris',
    }
    const flags = {
      skip_consent: 'skipConsent',
      skip_logout_consent: 'skipLogoutConsent',
      frontchannel_logout_session_required: 'frontchannelLogoutSessionRequired',
      backchannel_logout_session_required: 'backchannelLogoutSessionRequired',
    }
    const body = {
      ...Object.fromEntries(Object.keys(texts).map((name) => [name, `value of ${name}`])),
      ...Object.fromEntries(Object.keys(lists).map((name) => [name, [name]])),
      ...Object.fromEntries(Object.keys(flags).map((name) => [name, true])),
      jwks: { keys: [] },
    }
    const answer = await send('POST', '/admin/clients', body)
    expect(await answer.json()).toMatchObject(body)
    const { client } = lastRequest(server.calls, 'createClient')
    expect(client).toMatchObject({
      ...Object.fromEntries(Object.entries(texts).map(([name, field]) => [field, `value of ${name}`])),
      ...Object.fromEntries(Object.entries(lists).map(([name, field]) => [field, [name]])),
      ...Object.fromEntries(Object.values(flags).map((field) => [field, true])),
      jwks: { keys: [] },
    })
  })

  for (const body of [
    { owner: 1 },
    { redirect_uris: 'https://a.test' },
    { redirect_uris: [1] },
    { skip_consent: 'true' },
    { metadata: [] },
    { jwks: 'x' },
    { authorization_code_grant_access_token_lifespan: 3600 },
    { authorization_code_grant_access_token_lifespan: 'soon' },
    { authorization_code_grant_access_token_lifespan: '0s' },
    { authorization_code_grant_access_token_lifespan: '9999999h' },
  ])
    it(`RFC 7591 3.2.2: a member of the wrong type is refused: ${JSON.stringify(body)}`, async () => {
      const answer = await send('POST', '/admin/clients', body)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: 'invalid_client_metadata' })
    })
})

describe('Hydra: what each call answers', () => {
  it('POST: 201 with the secret and where the client is', async () => {
    const answer = await send('POST', '/admin/clients', { client_id: 'a/b c' })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe('/admin/clients/a%2Fb%20c')
    expect(await answer.json()).toMatchObject({ client_id: 'a/b c', client_secret: 'generated' })
  })

  it('GET, PUT: 200 without a secret that was not set; the path says which client', async () => {
    expect(await (await send('GET', '/admin/clients/app')).json()).not.toHaveProperty('client_secret')
    const answer = await send('PUT', '/admin/clients/a%2Fb', { client_id: 'other' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ client_id: 'a/b' })
  })

  it('DELETE: 204', async () => {
    const answer = await send('DELETE', '/admin/clients/app')
    expect([answer.status, await answer.text()]).toEqual([204, ''])
  })

  it('secrets/rotate: POST shows the new secret, DELETE none', async () => {
    const rotated = await send('POST', '/admin/clients/app/secrets/rotate')
    expect(rotated.status).toBe(200)
    expect(await rotated.json()).toMatchObject({ client_id: 'app', client_secret: 'rotated' })
    const dropped = await send('DELETE', '/clients/app/secrets/rotate')
    expect(dropped.status).toBe(200)
    expect(await dropped.json()).not.toHaveProperty('client_secret')
  })

  it('PUT lifespans: sets them and nothing else', async () => {
    const body = { client_credentials_grant_access_token_lifespan: '1h' }
    expect((await send('PUT', '/admin/clients/app/lifespans', body)).status).toBe(200)
    expect(lastRequest(server.calls, 'updateClient')).toMatchObject({
      client: { clientId: 'app', lifespans: { clientCredentialsGrantAccessToken: 3_600 } },
      updateMask: ['lifespans'],
    })
  })

  it("errors have Hydra's names", async () => {
    for (const [code, status, name] of [
      ['not_found', 404, 'Not Found'],
      ['conflict', 409, 'Conflict'],
      ['invalid_client_metadata', 400, 'invalid_client_metadata'],
      ['temporarily_unavailable', 503, 'temporarily_unavailable'],
    ] as const) {
      failure = new OAuthError(code, 'Why.')
      const answer = await send('GET', '/admin/clients/app')
      expect(answer.status).toBe(status)
      expect(await answer.json()).toEqual({ error: name, error_description: 'Why.' })
    }
  })
})

describe('AD-04: lists', () => {
  it('the Link header leads to the first and the next page and keeps the filter', async () => {
    nextPageToken = 'next page+1'
    const answer = await send('GET', '/admin/clients?owner=a%26b&page_size=2&page_token=x')
    expect(answer.headers.get('link')).toBe(
      '</admin/clients?owner=a%26b&page_size=2>; rel="first",' +
        '</admin/clients?owner=a%26b&page_size=2&page_token=next+page%2B1>; rel="next"',
    )
    expect(await answer.json()).toMatchObject([{ client_id: 'app' }])
    expect(lastRequest(server.calls, 'listClients')).toEqual({
      pageSize: 2,
      pageToken: 'x',
      clientName: '',
      owner: 'a&b',
    })
  })

  it('after the last page there is no next', async () => {
    expect((await send('GET', '/clients')).headers.get('link')).toBe('</clients>; rel="first"')
  })

  it('the size is bounded', async () => {
    for (const [size, sent] of [
      ['1000000000', 500],
      ['0', 0],
      ['500', 500],
    ] as const) {
      await send('GET', `/admin/clients?page_size=${size}`)
      expect(lastRequest(server.calls, 'listClients').pageSize).toBe(sent)
    }
    for (const size of ['-1', 'NaN', '1e3', '1.5', '99999999999', '0x10'])
      expect((await send('GET', `/admin/clients?page_size=${size}`)).status).toBe(400)
  })
})

describe('Hydra v1, AD-04: lists by limit and offset', () => {
  const pageAt = async (query: string) => {
    const { headers } = await send('GET', `/clients?owner=a&${query}`)
    const links = (headers.get('link') ?? '').split(',').map((link) => {
      const [, path = '', rel = ''] = /^<(.*)>; rel="(.*)"$/.exec(link) ?? []
      return [rel, path.replace('/clients?owner=a&', '')]
    })
    return { total: headers.get('x-total-count'), ...Object.fromEntries(links) }
  }

  it('X-Total-Count says how many there are, Link leads to the first, the previous, the next and the last page', async () => {
    totalSize = 12
    const first = 'limit=5&offset=0'
    const last = 'limit=5&offset=10'
    expect(await pageAt('limit=5')).toEqual({ total: '12', first, next: 'limit=5&offset=5', last })
    expect(await pageAt('limit=5&offset=5')).toEqual({ total: '12', first, prev: first, next: last, last })
    expect(await pageAt('limit=5&offset=10')).toEqual({ total: '12', first, prev: 'limit=5&offset=5', last })
    expect(await pageAt('limit=5&offset=7')).toMatchObject({ prev: 'limit=5&offset=2', last })
    expect(await pageAt('limit=5&offset=100')).toEqual({ total: '12', first, prev: last, last })
    expect(await pageAt('limit=6&offset=6')).toMatchObject({ last: 'limit=6&offset=6' })
    totalSize = 0
    expect(await pageAt('offset=0')).toEqual({ total: '0', first: 'limit=100&offset=0', last: 'limit=100&offset=0' })
  })

  it('limit and offset are bounded', async () => {
    for (const [query, pageSize, offset] of [
      ['limit=1000000000', 500, 0],
      ['limit=0&offset=3', 100, 3],
      ['offset=9999999999', 100, 0x7fff_ffff],
    ] as const) {
      await send('GET', `/clients?${query}`)
      expect(lastRequest(server.calls, 'listClients')).toMatchObject({ pageSize, offset, pageToken: '' })
    }
    const { length } = server.calls
    for (const bad of ['-1', 'NaN', '1e3', '1.5', '99999999999', '0x10'])
      for (const name of ['limit', 'offset']) expect((await send('GET', `/clients?${name}=${bad}`)).status).toBe(400)
    for (const both of ['limit=5&page_size=5', 'offset=5&page_token=x'])
      expect((await send('GET', `/clients?${both}`)).status).toBe(400)
    expect(server.calls).toHaveLength(length)
  })
})

describe('RFC 6902: PATCH', () => {
  const patch = (operations: unknown, type = 'application/json') =>
    send('PATCH', '/admin/clients/app', operations, { 'content-type': type })

  it('changes what it names and nothing else', async () => {
    const operations = [
      { op: 'replace', path: '/client_name', value: 'New' },
      { op: 'add', path: '/redirect_uris/-', value: 'https://b.test/cb' },
      { op: 'add', path: '/post_logout_redirect_uris/0', value: 'https://a.test/out' },
      { op: 'add', path: '/metadata/a~1b', value: { c: 1 } },
      { op: 'copy', from: '/metadata/level', path: '/metadata/copied' },
      { op: 'test', path: '/owner', value: '' },
      { op: 'remove', path: '/authorization_code_grant_access_token_lifespan' },
    ]
    for (const type of ['application/json', 'application/json-patch+json']) {
      expect((await patch(operations, type)).status).toBe(200)
      const { client, updateMask, clientSecret } = lastRequest(server.calls, 'updateClient')
      expect(client).toMatchObject({
        clientId: 'app',
        clientName: 'New',
        redirectUris: ['https://a.test/cb', 'https://b.test/cb'],
        postLogoutRedirectUris: ['https://a.test/out'],
        metadata: { level: 3, copied: 3, 'a/b': { c: 1 } },
        lifespans: { refreshTokenGrantRefreshToken: 30 },
      })
      expect(updateMask).toEqual(['client_name', 'redirect_uris', 'post_logout_redirect_uris', 'metadata', 'lifespans'])
      expect(clientSecret).toBe('')
    }
  })

  const refused: [string, unknown][] = [
    ['the secret', [{ op: 'replace', path: '/client_secret', value: 'x' }]],
    ['a test of the secret', [{ op: 'test', path: '/client_secret', value: 'x' }]],
    ['the id', [{ op: 'replace', path: '/client_id', value: 'x' }]],
    ['Hydra v1 id', [{ op: 'replace', path: '/id', value: 'x' }]],
    ['__proto__', [{ op: 'add', path: '/__proto__/polluted', value: 1 }]],
    ['__proto__ below', [{ op: 'add', path: '/metadata/__proto__/polluted', value: 1 }]],
    ['constructor below', [{ op: 'add', path: '/metadata/constructor/prototype', value: 1 }]],
    ['the whole', [{ op: 'replace', path: '', value: {} }]],
    ['created_at', [{ op: 'replace', path: '/created_at', value: '' }]],
    ['copying out of what is hidden', [{ op: 'copy', from: '/client_secret', path: '/owner' }]],
    ['moving __proto__', [{ op: 'move', from: '/__proto__', path: '/metadata' }]],
    ['no path', [{ op: 'add', value: 1 }]],
    ['a path that is no text', [{ op: 'add', path: ['/owner'], value: 1 }]],
    ['an unknown operation', [{ op: 'merge', path: '/owner', value: 1 }]],
    ['no value', [{ op: 'add', path: '/owner' }]],
    ['no array', { op: 'add', path: '/owner', value: 'x' }],
    ['an operation that is none', ['x']],
    ['a failing test', [{ op: 'test', path: '/owner', value: 'x' }]],
    ['a place that is not there', [{ op: 'remove', path: '/metadata/none' }]],
    ['a value of the wrong type', [{ op: 'replace', path: '/owner', value: { not: '' } }]],
    ['too many operations', Array.from({ length: 201 }, () => ({ op: 'test', path: '/owner', value: '' }))],
  ]
  for (const [name, operations] of refused)
    it(`AD-06: ${name} is refused`, async () => {
      const before = server.calls.filter(({ method }) => method === 'updateClient').length
      expect((await patch(operations)).status).toBe(400)
      expect(server.calls.filter(({ method }) => method === 'updateClient')).toHaveLength(before)
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    })

  it('copies of copies are cut off', async () => {
    const operations = [
      { op: 'add', path: '/metadata/a', value: 'x'.repeat(10_000) },
      ...Array.from({ length: 30 }, (_, index) => ({ op: 'copy', from: '/metadata', path: `/metadata/c${index}` })),
    ]
    expect((await patch(operations)).status).toBe(413)
  })
})
