// HT-09, HT-10, ADV-L12: bodies that are malformed, too large, of the wrong type, or that have the wrong type in one member, at
// every endpoint that the table of routes has.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Route } from '../../gateway/http/endpoint.js'
import { adminRoutes, publicRoutes } from '../../gateway/routes.js'
import { operations } from '../support/contract/documents.js'
import { type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

let suite: Suite
let clientId = ''
beforeAll(async () => {
  suite = await startSuite({ config: { oidc: { dynamic_client_registration: { enabled: true } } } })
  clientId = (await createClient(suite)).client_id
})
afterAll(() => suite.stop())

const form = 'application/x-www-form-urlencoded'
const json = 'application/json'

const malformed: Record<string, string | Buffer> = {
  'an object without an end': '{"a":',
  'two values': '{} {}',
  'a member twice': '{"subject":"a","subject":"b"}',
  'a member twice, escaped': '{"subject":"a","s\\u0075bject":"b"}',
  'nested 100,000 deep': `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  'a number beyond the largest': '{"subject":1e999}',
  'half a surrogate pair': '{"subject":"\\ud800"}',
  'the character NUL': '{"subject":"a\\u0000"}',
  'bytes that are no UTF-8': Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
  'a byte order mark': '\ufeff{}',
  'a text': '"a"',
  'a number': '5',
  null: 'null',
  true: 'true',
  'an array of what is nothing': '[null]',
  'an array of an array': '[[]]',
  'more than is read': `{"subject":"${'a'.repeat(3 * 1024 * 1024)}"}`,
}

const malformedForms: Record<string, string | Buffer> = {
  'half an escape': 'token=%',
  'an escape that is no UTF-8': 'token=%c3%28',
  'the character NUL': 'token=a%00b',
  'a parameter twice': 'client_id=a&client_id=b',
  'more parameters than are read': 'a=1&'.repeat(2_000),
  'more than is read': `token=${'a'.repeat(3 * 1024 * 1024)}`,
  'bytes that are no UTF-8': Buffer.from([0x61, 0x3d, 0xc3, 0x28]),
}

/** Values that some reader takes for an operator of a query. */
const values: readonly unknown[] = [{ not: '' }, [{ contains: '' }], [1], {}, 'a', -1, 1e300, true]

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value)

/** Whether a value cannot be what the document says. */
function isWrong(type: string, value: unknown): boolean {
  if (type === 'any') return false
  if (type === 'integer') return typeof value !== 'number' || !Number.isInteger(value) || value < 0
  if (type === 'array')
    return typeOf(value) !== 'array' || (value as unknown[]).some((each) => typeof each !== 'string')
  return typeOf(value) !== type
}

/** Members that a client sends back as it got them: what the server alone sets is not looked at. */
const notRead = new Set([
  ...['client_secret_expires_at', 'created_at', 'updated_at', 'registration_access_token', 'registration_client_uri'],
  ...['handled_at', 'backchannel_logout_session_supported'],
])

interface Case {
  readonly name: string
  readonly method: string
  readonly port: 'public' | 'admin'
  readonly path: string
  readonly members: Readonly<Record<string, string>>
}

const casesOf = (port: Case['port'], routes: readonly Route[]): Case[] =>
  routes.flatMap(({ methods, path }) =>
    methods
      .filter((method) => method !== 'GET' && method !== 'DELETE')
      .map((method) => {
        const own = operations.filter(
          (each) => each.method === method && each.serves(port, path) && each.document === 'v26.2',
        )
        const old = operations.filter((each) => each.method === method && each.serves(port, path.replace('/admin', '')))
        const members = Object.assign({}, ...[...old, ...own].map((operation) => operation.members))
        return { name: `${method} ${path}`, method, port, path, members }
      }),
  )

const cases = [...casesOf('public', publicRoutes), ...casesOf('admin', adminRoutes)]
const takesForm = ({ port, path }: Case): boolean =>
  /introspect$/.test(path) || (port === 'public' && !/register/.test(path))
const readsNoBody = ({ path }: Case): boolean => /rotate$|logout\/accept$/.test(path)

async function send({ method, port, path }: Case, type: string, body: string | Buffer): Promise<Response> {
  const base = port === 'public' ? suite.publicUrl : suite.adminUrl
  const target = path.replace('{id}', clientId).replace(/\{\w+\}/g, 'of-this-test')
  const init = {
    method,
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  }
  return fetch(`${base}${target}${port === 'admin' ? '?challenge=x' : ''}`, { ...init, redirect: 'manual' })
}

/** A refusal that says why, as JSON or on a page. */
async function expectRefusal(response: Response, why: string): Promise<void> {
  const text = await response.text()
  expect(response.status, `${why}: ${text.slice(0, 200)}`).toBeGreaterThanOrEqual(400)
  expect(response.status, `${why}: ${text.slice(0, 200)}`).toBeLessThan(500)
  if (response.headers.get('content-type')?.startsWith(json))
    expect(JSON.parse(text).error, why).toEqual(expect.any(String))
}

describe.each(cases.filter(takesForm))('HT-10: $name', (at) => {
  it('forms that are malformed', async () => {
    for (const [why, body] of Object.entries(malformedForms)) {
      // Where a person types a user code, what comes twice is not taken, and the person types it.
      if (why === 'a parameter twice' && at.path === '/oauth2/device/verify') continue
      await expectRefusal(await send(at, form, body), why)
    }
  })

  it('JSON and text in the place of a form: 415 or, where a token is missing, 401', async () => {
    for (const type of [json, 'text/plain', 'multipart/form-data; boundary=a']) {
      const response = await send(at, type, '{"token":{"not":""}}')
      await expectRefusal(response, type)
      expect([415, 401]).toContain(response.status)
    }
  })
})

describe.each(cases.filter((each) => !takesForm(each) && !readsNoBody(each)))('HT-09, HT-10: $name', (at) => {
  it('JSON that is malformed', async () => {
    for (const [why, body] of Object.entries(malformed)) await expectRefusal(await send(at, json, body), why)
  })

  it('another content type: 415, or 401 where nobody is known', async () => {
    for (const type of [
      'text/plain',
      'multipart/form-data; boundary=a',
      'application/xml',
      `${json}; charset=latin1`,
    ]) {
      const response = await send(at, type, '{}')
      await expectRefusal(response, type)
      expect([415, 401]).toContain(response.status)
    }
  })

  const members = Object.entries(at.members).filter(([name]) => !notRead.has(name))
  if (members.length === 0) return
  it(`ADV-L12: the wrong type in each of ${members.length} members`, async () => {
    for (const [name, type] of members)
      for (const value of values.filter((each) => isWrong(type, each))) {
        const body = JSON.stringify({ subject: 'a', [name]: value })
        await expectRefusal(await send(at, json, body), `${name} (${type}): ${JSON.stringify(value)}`)
      }
  })
})

describe('ADV-L12: what such bodies were to find or change', () => {
  it('is as it was, and the server answers', async () => {
    expect((await fetch(`${suite.adminUrl}/clients/${clientId}`)).status).toBe(200)
    expect((await fetch(`${suite.publicUrl}/health/ready`)).status).toBe(200)
  })
})
