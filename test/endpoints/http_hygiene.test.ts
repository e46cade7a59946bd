// What every request must be before an endpoint sees it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminRoutes, publicRoutes } from '../../gateway/routes.js'
import { type FakeHandlers, lastRequest, startGateway, type TestGateway } from '../support/fake_services.js'
import { sendRaw } from '../support/raw_http.js'

const issued = {
  accessToken: 'tsr_at_1',
  tokenType: 'bearer',
  expiresIn: 3600,
  scope: '',
  refreshToken: '',
  idToken: '',
}

let server: TestGateway
beforeAll(async () => {
  const handlers: FakeHandlers = {
    tokens: { issueToken: async () => issued },
    introspection: { introspect: async () => ({ active: false }) as never },
    clients: {
      createClient: async ({ client, clientSecret }) => ({
        client: client && { ...client, createdAt: new Date(), updatedAt: new Date() },
        clientSecret,
        registrationAccessToken: '',
      }),
    },
  }
  server = await startGateway(handlers, { oidc: { dynamic_client_registration: { enabled: true } } })
})
afterAll(() => server.close())

const post = (path: string, body: string | Buffer, type = 'application/x-www-form-urlencoded', more = {}) =>
  fetch(`${server.publicUrl}${path}`, { method: 'POST', body, headers: { 'content-type': type, ...more } })

const createClient = (body: string | Buffer) =>
  fetch(`${server.adminUrl}/admin/clients`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })

const grant = 'grant_type=client_credentials'

describe('HT-01: requests that are too large are refused early', () => {
  it('a head above 16 KB: 431', async () => {
    const { status } = await sendRaw(
      server.publicUrl,
      `GET /health/alive HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`,
    )
    expect(status).toBe(431)
  })

  it('a path of 64 KB: 431', async () => {
    expect((await sendRaw(server.publicUrl, `GET /${'a'.repeat(65_536)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status).toBe(431)
  })

  it('2,000 header fields', async () => {
    const fields = 'a:b\r\n'.repeat(2_000)
    const { status } = await sendRaw(server.publicUrl, `GET /health/alive HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
    expect(status).toBe(413)
  })

  it('a form above its limit is refused before it is sent, and the connection ends', async () => {
    for (const path of ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect', '/oauth2/auth', '/userinfo']) {
      const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n`
      const { status, text } = await sendRaw(server.publicUrl, `${head}Content-Length: 2000000\r\n\r\na=b`)
      expect(status, path).toBe(413)
      expect(text.toLowerCase(), path).toContain('connection: close')
    }
  })

  it('a chunked form above its limit', async () => {
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`
    const head =
      'POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect((await sendRaw(server.publicUrl, head + chunk.repeat(3))).status).toBe(413)
  })

  it('JSON above 1 MB', async () => {
    expect((await createClient(JSON.stringify({ owner: 'a'.repeat(1_100_000) }))).status).toBe(413)
  })

  it('more than 1,000 parameters', async () => {
    expect((await post('/oauth2/token', `${grant}&${'a=b&'.repeat(100_000)}`)).status).toBe(413)
    const many = Array.from({ length: 1_001 }, (_, index) => `p${index}=`).join('&')
    const refused = await post('/oauth2/token', many)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: 'invalid_request' })
  })
})

describe('HT-03, HT-04: requests that could be read in two ways are refused', () => {
  const head = 'GET /health/alive HTTP/1.1\r\n'
  const postHead = 'POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  const cases: [string, string][] = [
    ['without Host', `${head}\r\n`],
    ['two Host', `${head}Host: a\r\nHost: b\r\n\r\n`],
    ['two Authorization', `${head}Host: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`],
    ['two Content-Type', `${postHead}Content-Type: application/json\r\nContent-Length: 0\r\n\r\n`],
    ['an absolute target of another host', 'GET http://evil.test/health/alive HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a target with raw bytes above ASCII', 'GET /health/\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      'Content-Length and Transfer-Encoding',
      `${postHead}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two Content-Length', `${postHead}Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b`],
    ['a folded header field', `${head}Host: a\r\nX-A: b\r\n c\r\n\r\n`],
  ]
  for (const [name, bytes] of cases)
    it(name, async () => {
      expect((await sendRaw(server.publicUrl, Buffer.from(bytes, 'latin1'))).status).toBe(400)
    })

  it('RFC 9112 3.2.2: an absolute target of the same host is served', async () => {
    const { status } = await sendRaw(server.publicUrl, 'GET http://a/health/alive HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(status).toBe(200)
  })
})

describe('HT-06, TK-08: content types and codings', () => {
  const types = [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/x-www-form-urlencoded;charset=utf-8;charset=utf-7',
    '',
  ]
  for (const path of ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'])
    for (const type of types)
      it(`${path} refuses '${type}'`, async () => {
        const answer = await post(path, grant, type)
        expect(answer.status).toBe(415)
        expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
      })

  it('a form in UTF-8 is read', async () => {
    expect((await post('/oauth2/token', grant, 'application/x-www-form-urlencoded; charset=UTF-8')).status).toBe(200)
  })

  it('a compressed form is refused', async () => {
    const type = 'application/x-www-form-urlencoded'
    expect((await post('/oauth2/token', grant, type, { 'content-encoding': 'gzip' })).status).toBe(415)
  })
})

describe('RFC 6749 3.2: parameters of the token endpoint', () => {
  for (const body of [
    `${grant}&${grant}`,
    `${grant}&scope=a&scope=b`,
    `${grant}&scope=a&scope=`,
    `${grant}&scope=a&SCOPE=b`,
    `${grant}&unknown=a&unknown=b`,
  ])
    it(`ER-12: '${body}' is refused`, async () => {
      const answer = await post('/oauth2/token', body)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
    })

  it('ER-12: a parameter in both query and form is refused', async () => {
    expect((await post('/oauth2/token?scope=a', `${grant}&scope=a`)).status).toBe(400)
  })

  it('ER-14: what the query has is not taken', async () => {
    expect((await post('/oauth2/token?client_secret=s&code=c', grant)).status).toBe(200)
    const { parameters, credentials } = lastRequest(server.calls, 'issueToken')
    expect(Object.keys(parameters as object)).toEqual([])
    expect(credentials).toMatchObject({ clientSecret: '' })
    expect((await post(`/oauth2/token?${grant}`, '')).status).toBe(400)
  })

  it('ER-13: a parameter without a value is not sent', async () => {
    await post('/oauth2/token', `${grant}&scope=&resource`)
    expect({ ...(lastRequest(server.calls, 'issueToken').parameters as object) }).toEqual({})
  })

  it('RFC 8707 2: `resource` and `audience` may be repeated', async () => {
    await post('/oauth2/token', `${grant}&audience=a&audience=b+c&resource=https%3A%2F%2Fr`)
    const { parameters } = lastRequest(server.calls, 'issueToken')
    expect({ ...(parameters as object) }).toEqual({ audience: 'a b c', resource: 'https://r' })
  })

  for (const value of ['%ff', '%c0%af', '%ed%a0%80', '%zz', '%', '%00', 'a%0', '%f4%90%80%80'])
    it(`a value that is not UTF-8 or has NUL is refused: ${value}`, async () => {
      expect((await post('/oauth2/token', `${grant}&scope=${value}`)).status).toBe(400)
    })

  it('raw bytes that are not UTF-8 are refused', async () => {
    expect(
      (await post('/oauth2/token', Buffer.concat([Buffer.from(`${grant}&scope=`), Buffer.from([0xff])]))).status,
    ).toBe(400)
  })

  it('HT-09: names of Object.prototype are plain parameters', async () => {
    await post('/oauth2/token', `${grant}&__proto__=a&constructor=b&toString=c`)
    const { parameters } = lastRequest(server.calls, 'issueToken')
    expect(Object.entries(parameters as object)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ])
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  })
})

describe('HT-09, HT-10: JSON', () => {
  const refused: [string, string | Buffer][] = [
    ['nested 100,000 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['nested in metadata', `{"metadata":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`],
    ['a million keys', `{"metadata":{${Array.from({ length: 90_000 }, (_, index) => `"${index}":1`).join(',')}}}`],
    ['a member twice', '{"owner":"a","owner":"b"}'],
    ['a member twice, escaped', '{"owner":"a","\\u006fwner":"b"}'],
    ['a number beyond the largest', '{"metadata":{"a":1e400}}'],
    ['half a surrogate pair', '{"owner":"\\ud800"}'],
    ['NUL', '{"owner":"a\\u0000"}'],
    ['NUL in a name', '{"metadata":{"a\\u0000":1}}'],
    ['a byte order mark', '\ufeff{}'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['something behind it', '{} {}'],
    ['an unclosed string', `{"a":"${'\\"'.repeat(200_000)}`],
    ['an array', '[]'],
    ['a text', '"a"'],
    ['nothing', ''],
  ]
  for (const [name, body] of refused)
    it(`${name}: 400`, async () => {
      const answer = await createClient(body)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
    })

  it('`__proto__` is plain data', async () => {
    const answer = await createClient('{"metadata":{"__proto__":{"polluted":true},"constructor":{"prototype":1}}}')
    expect(answer.status).toBe(201)
    const { client } = lastRequest(server.calls, 'createClient') as { client: { metadata: object } }
    expect(Object.keys(client.metadata)).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('ADV-L12: an object where a text belongs never reaches a service', async () => {
    const before = server.calls.length
    for (const body of ['{"owner":{"not":""}}', '{"redirect_uris":[{"startsWith":""}]}', '{"client_id":[]}'])
      expect((await createClient(body)).status).toBe(400)
    expect(server.calls).toHaveLength(before)
  })
})

describe('ER-10: methods', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']
  const ports = [
    { routes: publicRoutes, url: () => server.publicUrl },
    { routes: adminRoutes, url: () => server.adminUrl },
  ]
  for (const { routes, url } of ports)
    for (const path of new Set(routes.map((route) => route.path)))
      it(`${path} answers 405 with Allow to all others`, async () => {
        const served = routes.filter((route) => route.path === path).flatMap((route) => route.methods as string[])
        const allowed = served.includes('GET') ? [...served, 'HEAD'] : served
        for (const method of methods.filter((each) => !allowed.includes(each))) {
          const target = path.replace(/\{\w+\}/, 'x')
          const head = `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-HTTP-Method-Override: POST\r\n`
          const { status, text } = await sendRaw(url(), `${head}Connection: close\r\n\r\n`)
          expect(status, method).toBe(405)
          expect(/^allow: (.*)$/im.exec(text)?.[1]?.split(', ').toSorted()).toEqual(allowed.toSorted())
        }
      })

  it('HEAD is answered like GET, without a body', async () => {
    const answer = await fetch(`${server.publicUrl}/health/alive`, { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-length')).toBe('15')
    expect(await answer.text()).toBe('')
  })
})

describe('AD-01, ADV-L9: paths are taken exactly as they are', () => {
  const wrong = [
    '/oauth2/token/',
    '//oauth2/token',
    '/oauth2//token',
    '/OAuth2/token',
    '/oauth2/./token',
    '/x/../oauth2/token',
    '/oauth2%2ftoken',
    '/oauth2/token;x',
    '//evil.test//',
    '/%2e%2e/health/alive',
  ]
  for (const path of wrong)
    it(`${path}: 404 without Location`, async () => {
      for (const method of ['GET', 'POST']) {
        const { status, text } = await sendRaw(
          server.publicUrl,
          `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
        )
        expect(status).toBe(404)
        expect(text.toLowerCase()).not.toContain('location:')
      }
    })

  it.each([
    ...['/metrics', '/metrics/prometheus', '/debug/pprof/', '/debug/vars', '/json/version', '/channelz', '/studio'],
    ...['/grpc.health.v1.Health/Check', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', '/.env'],
    ...['/package.json', '/build/cli/main.js.map', '/.git/config'],
  ])('AD-11: %s is not on the public port', async (path) => {
    const { status, text } = await sendRaw(
      server.publicUrl,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    )
    expect(status).toBe(404)
    expect(text).not.toMatch(/node|koa|version|postgres/i)
  })

  it('no admin path is on the public port, in no spelling', async () => {
    const spellings = (path: string) => [
      path,
      path.replace('/admin', ''),
      `/${path}`,
      `/oauth2/..${path}`,
      path.replace('/admin', '/Admin'),
      path.replace('/admin/', '/admin%2f'),
      path.replace('/admin/', '/admin;/'),
      `${path}/`,
    ]
    const publicPaths = new Set(publicRoutes.map((route) => route.path))
    const paths = adminRoutes
      .map((route) => route.path.replace(/\{\w+\}/, 'x'))
      .filter((path) => path.startsWith('/admin'))
    for (const spelling of new Set(paths.flatMap(spellings)))
      if (!publicPaths.has(spelling)) {
        const { status } = await sendRaw(
          server.publicUrl,
          `GET ${spelling} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
        )
        expect(status, spelling).toBe(404)
      }
  })
})

describe('HT-08: X-Request-Id', () => {
  it('a harmless one is repeated, and told to the services with the time that they have', async () => {
    const form = 'application/x-www-form-urlencoded'
    const answer = await post('/oauth2/token', grant, form, { 'x-request-id': 'trace-1.2_3' })
    expect(answer.headers.get('x-request-id')).toBe('trace-1.2_3')
    const { requestId, deadline } = server.calls.at(-1)?.call ?? {}
    expect(requestId).toBe('trace-1.2_3')
    expect((deadline ?? 0) - performance.now()).toBeLessThan(3_000)
  })

  for (const id of ['a'.repeat(129), 'a b', '<script>', 'a"b', "a'b"])
    it(`another is replaced: ${id.slice(0, 10)}`, async () => {
      const answer = await fetch(`${server.publicUrl}/health/alive`, { headers: { 'x-request-id': id } })
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    })
})

describe('health', () => {
  it('/health/ready is 503 with Retry-After until all can be used', async () => {
    server.gateway.ready = false
    for (const url of [server.publicUrl, server.adminUrl]) {
      const answer = await fetch(`${url}/health/ready`)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(Object.keys((await answer.json()) as object)).toEqual(['errors'])
      expect((await fetch(`${url}/health/alive`)).status).toBe(200)
    }
    server.gateway.ready = true
    expect(await (await fetch(`${server.publicUrl}/health/ready`)).json()).toEqual({ status: 'ok' })
  })

  it('/version', async () => {
    const { version } = (await (await fetch(`${server.adminUrl}/version`)).json()) as { version: string }
    expect(version).toMatch(/^v\d+\.\d+\.\d+/)
  })
})
