// Discovery, the published keys, and CORS.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GetPublishedKeysResponse } from '#proto/token/v1/key_service.js'
import { publicRoutes } from '../../gateway/routes.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { startGateway, type TestGateway } from '../support/fake_services.js'
import { sendRaw } from '../support/raw_http.js'

const key = (kid: string) => ({
  kid,
  alg: 'ES256',
  use: 'sig',
  jwk: { kty: 'EC', kid, alg: 'ES256', use: 'sig', crv: 'P-256', x: 'x', y: 'y' },
  createdAt: undefined,
  signsFrom: undefined,
  retiresAt: undefined,
  privateJwk: undefined,
})
const published = (revision: string, ...kids: string[]): GetPublishedKeysResponse => ({
  revision,
  keySets: kids.map((kid) => ({ set: `set of ${kid}`, keys: [key(kid)] })),
})

let keys: GetPublishedKeysResponse = published('1', 'a')
let outage = false
const unlessDown = <T>(value: T): T => {
  if (outage) throw new OAuthError('temporarily_unavailable')
  return value
}
const handlers = {
  keys: { getPublishedKeys: async () => unlessDown(keys) },
  clients: {
    checkOrigin: async () => ({ allowed: false }),
    getServerMetadata: async () =>
      unlessDown({
        metadata: {
          token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
          subject_types_supported: ['public'],
        },
      }),
  },
  tokens: {
    getServerMetadata: async () =>
      unlessDown({
        metadata: {
          grant_types_supported: ['client_credentials'],
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256'],
          id_token_signed_response_alg: ['RS256'],
          userinfo_signed_response_alg: ['RS256'],
        },
      }),
  },
  authorization: {
    getServerMetadata: async () =>
      unlessDown({
        metadata: {
          code_challenge_methods_supported: ['S256'],
          response_modes_supported: ['query', 'fragment', 'form_post', 'carrier_pigeon'],
        },
      }),
  },
}

describe('discovery', () => {
  let server: TestGateway
  beforeAll(async () => {
    server = await startGateway(handlers, {
      urls: { self: { issuer: 'https://issuer.test/', public: 'https://public.test/base/' } },
      oidc: { dynamic_client_registration: { enabled: true } },
    })
  })
  afterAll(() => server.close())

  const discover = async (name = 'openid-configuration', headers = {}) =>
    (await (await fetch(`${server.publicUrl}/.well-known/${name}`, { headers })).json()) as Record<string, unknown>

  it('RFC 8414 2: the issuer is what the configuration says, letter by letter', async () => {
    expect((await discover()).issuer).toBe('https://issuer.test/')
  })

  it('every endpoint that it names is served, and none that a member exists for is left out', async () => {
    const metadata = await discover()
    const named = Object.entries(metadata).filter(([name]) => name.endsWith('_endpoint') || name === 'jwks_uri')
    expect(named.map(([name]) => name).toSorted()).toEqual(
      publicRoutes.flatMap((route) => route.metadata ?? []).toSorted(),
    )
    for (const [name, url] of named) {
      const { origin, pathname } = new URL(String(url))
      expect(origin).toBe('https://public.test')
      const path = pathname.replace('/base', '')
      const status = (await fetch(server.publicUrl + path, { method: 'PROPFIND' })).status
      expect(status, `${name} at ${path}`).toBe(405)
    }
  })

  it('says what the services and the registries say', async () => {
    expect(await discover()).toMatchObject({
      grant_types_supported: ['client_credentials'],
      code_challenge_methods_supported: ['S256'],
      subject_types_supported: ['public'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
    })
  })

  it('both documents are the same', async () => {
    expect(await discover('oauth-authorization-server')).toEqual(await discover())
  })

  it('HT-04, HT-12: nothing in a request changes it', async () => {
    const plain = await discover()
    const headers = { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http', forwarded: 'host=evil.test' }
    expect(await discover('openid-configuration', headers)).toEqual(plain)
  })

  it('RL-14: is served as it was while the services are down', async () => {
    const before = await discover()
    outage = true
    expect(await discover()).toEqual(before)
    const fresh = await startGateway(handlers)
    const { status, headers } = await fetch(`${fresh.publicUrl}/.well-known/openid-configuration`)
    expect([status, headers.get('cache-control')]).toEqual([503, 'no-store'])
    await fresh.close()
    outage = false
  })
})

describe('published keys', () => {
  const at = async (server: TestGateway, headers = {}) =>
    fetch(`${server.publicUrl}/.well-known/jwks.json`, { headers })

  it('RFC 7517 5: the keys of all sets in one, each with the name of its set', async () => {
    const server = await startGateway(handlers)
    keys = published('1', 'a', 'b')
    const answer = await at(server)
    const { keys: served } = (await answer.json()) as { keys: { kid: string; key_set: string }[] }
    expect(served.map(({ kid, key_set }) => [kid, key_set])).toEqual([
      ['a', 'set of a'],
      ['b', 'set of b'],
    ])
    await server.close()
  })

  it('I6: where a key signs at once, every answer is asked for', async () => {
    const server = await startGateway(handlers, { keys: { publish_before_use: 0 } })
    keys = published('1', 'a')
    await at(server)
    keys = published('2', 'b')
    const answer = await at(server)
    expect(await answer.text()).toContain('"kid":"b"')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=0')
    await server.close()
  })

  it('RL-09: kept for much less time than keys are published before they sign', async () => {
    const server = await startGateway(handlers, { keys: { publish_before_use: 3_600 } })
    keys = published('1', 'a')
    const first = await at(server)
    expect(first.headers.get('cache-control')).toBe('public, max-age=900')
    for (let index = 0; index < 5; index++) await at(server)
    expect(server.calls.filter(({ method }) => method === 'getPublishedKeys')).toHaveLength(1)
    const { status, text } = await sendRaw(
      server.publicUrl,
      `GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${first.headers.get('etag')}\r\nConnection: close\r\n\r\n`,
    )
    expect([status, text.split('\r\n\r\n')[1]]).toEqual([304, ''])
    await server.close()
  })

  it('without any key it is not ready, rather than empty', async () => {
    const server = await startGateway(handlers)
    keys = published('1')
    expect((await at(server)).status).toBe(503)
    keys = published('1', 'a')
    await server.close()
  })
})

describe('CORS', () => {
  let server: TestGateway
  let open: TestGateway
  let off: TestGateway
  beforeAll(async () => {
    const cors = { enabled: true, allowed_origins: ['https://app.test', 'https://*.apps.test'], max_age: 60 }
    server = await startGateway(handlers, { serve: { public: { cors } } })
    open = await startGateway(handlers, { serve: { public: { cors: { enabled: true, allowed_origins: ['*'] } } } })
    off = await startGateway(handlers)
  })
  afterAll(() => Promise.all([server, open, off].map((each) => each.close())))

  const call = (url: string, method: string, origin: string) =>
    fetch(url, { method, headers: { origin, 'access-control-request-method': 'POST' } })
  const paths = ['/oauth2/token', '/oauth2/revoke', '/userinfo', '/.well-known/openid-configuration']

  it('a script of an allowed origin may call the endpoints that are for it, errors included', async () => {
    for (const path of paths)
      for (const origin of ['https://app.test', 'https://a.apps.test', 'https://a.b.apps.test']) {
        const preflight = await call(server.publicUrl + path, 'OPTIONS', origin)
        expect(preflight.status).toBe(204)
        expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
        expect(preflight.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type')
        expect(preflight.headers.get('access-control-max-age')).toBe('60')
        const answer = await call(server.publicUrl + path, 'GET', origin)
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
        expect(answer.headers.get('vary')).toBe('Origin')
      }
  })

  const strangers = [
    'null',
    'https://evil.test',
    'https://app.test.evil.test',
    'https://evilapp.test',
    'https://apps.test',
    'https://a.apps.test.evil.test',
    'https://evil.test/.apps.test',
    'http://app.test',
    'evil-https://app.test',
    'https://app.test:444',
  ]
  for (const origin of strangers)
    it(`TK-10: ${origin} may not`, async () => {
      for (const path of paths)
        for (const method of ['GET', 'OPTIONS']) {
          const { headers } = await call(server.publicUrl + path, method, origin)
          expect(headers.get('access-control-allow-origin')).toBeNull()
          expect(headers.get('access-control-allow-credentials')).toBeNull()
        }
    })

  it('TK-10: all origins never come with credentials', async () => {
    const { headers } = await call(`${open.publicUrl}/oauth2/token`, 'OPTIONS', 'https://evil.test')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('BR-10: never where a browser navigates to, never for introspection, never on the admin port', async () => {
    const urls = ['/oauth2/auth', '/oauth2/sessions/logout', '/oauth2/introspect', '/oauth2/fallbacks/error'].map(
      (path) => server.publicUrl + path,
    )
    for (const url of [...urls, `${server.adminUrl}/admin/clients`]) {
      const preflight = await call(url, 'OPTIONS', 'https://app.test')
      expect(preflight.status).toBe(url.startsWith(server.adminUrl) ? 415 : 405)
      expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
      const { headers } = await call(url, 'GET', 'https://app.test')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('switched off, there is no OPTIONS', async () => {
    const answer = await call(`${off.publicUrl}/oauth2/token`, 'OPTIONS', 'https://app.test')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })
})
