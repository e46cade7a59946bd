// I7, S2: whatever is sent to whichever endpoint, the answer is never a fault and tells nothing of the inside.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminRoutes, publicRoutes } from '../../gateway/routes.js'
import { type RawAnswer, sendRaw } from '../support/raw_http.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

/** Requests per endpoint; TESSERA_FUZZ_RUNS asks for more. */
const numRuns = Number(process.env.TESSERA_FUZZ_RUNS ?? 40)

let suite: Suite
let clientId = ''
beforeAll(async () => {
  const dynamic_client_registration = { enabled: true, max_requests_per_hour: 0 }
  suite = await startSuite({ config: { oidc: { dynamic_client_registration } } })
  clientId = (await createClient(suite)).client_id
})
afterAll(() => suite.stop())

/** Words that some endpoint looks at. */
const names = [
  ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'grant_type', 'code', 'code_verifier'],
  ...['redirect_uri', 'response_type', 'response_mode', 'scope', 'state', 'nonce', 'prompt', 'max_age', 'display'],
  ...['code_challenge', 'code_challenge_method', 'audience', 'claims', 'request', 'request_uri', 'id_token_hint'],
  ...['login_verifier', 'consent_verifier', 'logout_verifier', 'login_challenge', 'consent_challenge', 'challenge'],
  ...[
    'logout_challenge',
    'token',
    'token_type_hint',
    'refresh_token',
    'access_token',
    'subject',
    'client',
    'all',
    'sid',
  ],
  ...[
    'page_size',
    'page_token',
    'post_logout_redirect_uri',
    'ui_locales',
    'acr_values',
    'login_hint',
    'error',
    'owner',
  ],
]
const plausible = [
  ...['authorization_code', 'refresh_token', 'client_credentials', 'code', 'openid offline', 'none', 'login consent'],
  ...['S256', 'form_post', 'fragment', 'http://127.0.0.1:5555/callback', 'true', '-1', '1e9', '99999999999999999999'],
  ...['tsr_at_AAAA', 'tsr_rt_AAAA.BBBB', 'tsr_ac_AAAA.BBBB', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.', '{"userinfo":null}'],
]
const hostile = [
  ...[
    "' OR 1=1 --",
    '"><script>alert(1)</script>',
    '../../etc/passwd',
    '%00',
    '\r\nSet-Cookie: a=b',
    '{{7*7}}',
    '\ud800',
  ],
  ...['__proto__', 'constructor', '{"not":""}', '\u202e\u0000', '💥'.repeat(50), 'x'.repeat(3_000), 'Ａ', '[]', 'null'],
]

const value = fc.oneof(
  fc.constantFrom(...plausible),
  fc.constantFrom(...hostile),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.base64String({ maxLength: 400 }),
)
const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: value })
const encode = (text: string) => encodeURIComponent(Buffer.from(text).toString())
const pairs = fc
  .array(fc.tuple(name, value, fc.boolean()), { maxLength: 12 })
  .map((list) =>
    list.map(([key, text, raw]) => `${encode(key)}=${raw ? text.replace(/[^\x21-\x7e]/g, '') : encode(text)}`),
  )
  .map((list) => list.join('&'))
const body = fc.oneof(
  pairs,
  fc.jsonValue({ maxDepth: 4 }).map((json) => JSON.stringify(json)),
  fc
    .dictionary(name, fc.oneof(value, fc.jsonValue({ maxDepth: 2 })), { maxKeys: 8 })
    .map((json) => JSON.stringify(json)),
  fc.string({ unit: 'binary', maxLength: 200 }),
)
const type = fc.constantFrom(
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded',
  'application/json',
  'application/json',
  'text/plain',
  'application/json-patch+json',
  '',
)
const authorization = fc.oneof(
  fc.constant(''),
  value.map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
  value.map((text) => `Bearer ${text.replace(/[^\x21-\x7e]/g, '')}`),
  value.map((text) => text.replace(/[^\x21-\x7e]/g, '')),
)
const cookie = fc
  .array(fc.tuple(fc.constantFrom('ory_hydra_session_dev', 'ory_hydra_login_csrf_dev_aaaa', 'x'), fc.base64String()))
  .map((list) => list.map(([key, text]) => `${key}=${text}`).join('; '))

const request = fc.record({ query: pairs, body, type, authorization, cookie, withClient: fc.boolean() })
type HostileRequest = typeof request extends fc.Arbitrary<infer T> ? T : never

function bytesOf(method: string, path: string, sent: HostileRequest): Buffer {
  const known = sent.withClient ? `client_id=${clientId}&` : ''
  const content = Buffer.from(method === 'GET' || method === 'DELETE' ? '' : sent.body)
  const head = [
    `${method} ${path}?${known}${sent.query} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: close',
    ...(sent.type ? [`Content-Type: ${sent.type}`] : []),
    ...(sent.authorization ? [`Authorization: ${sent.authorization}`] : []),
    ...(sent.cookie ? [`Cookie: ${sent.cookie}`] : []),
    `Content-Length: ${content.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), content])
}

const inside =
  /\bat .*\.(?:js|ts):\d+|node_modules|\/work\/|SELECT |INSERT |UPDATE |prisma|postgres|ECONNREFUSED|127\.0\.0\.1:5432/i

function check({ status, text }: RawAnswer): void {
  expect(status).toBeGreaterThanOrEqual(200)
  expect(status).toBeLessThan(500)
  const [head = '', content = ''] = text.split('\r\n\r\n')
  expect(content).not.toMatch(inside)
  expect(head).not.toMatch(/^set-cookie: (?!ory_hydra_)/im)
  expect(head).toMatch(/^x-content-type-options: nosniff/im)
  const location = /^location: (.*)$/im.exec(head)?.[1]
  if (location) expect(location).toMatch(/^(http:\/\/127\.0\.0\.1:|\/admin\/clients\/)/)
}

const ports = [
  { name: 'public', routes: publicRoutes, url: () => suite.publicUrl },
  { name: 'admin', routes: adminRoutes, url: () => suite.adminUrl },
]
describe.each(ports)('the $name port', ({ routes, url }) => {
  for (const route of routes)
    for (const method of route.methods)
      it(`${method} ${route.path}`, async () => {
        await fc.assert(
          fc.asyncProperty(request, value, async (sent, id) => {
            const path = route.path.replace(/\{\w+\}/, sent.withClient ? clientId : encode(id) || 'x')
            check(await sendRaw(url(), bytesOf(method, path, sent)))
          }),
          { numRuns },
        )
      })

  it('bytes that are no request', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const { status } = await sendRaw(url(), Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n\r\n')]))
        // Empty lines before a request are none of it (RFC 9112 2.2): it never comes.
        expect([0, 400, 404, 405, 408, 431]).toContain(status)
      }),
      { numRuns },
    )
    expect((await fetch(`${url()}/health/alive`)).status).toBe(200)
  })
})
