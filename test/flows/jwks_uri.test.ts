// Keys that clients publish at their jwks_uri (OpenID Connect Core 10.1.1): fetched when needed, never in a rush, and believed
// only as far as they can be read (SS-01 to SS-05, SS-10).
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, showing, signJwt, type TestKey } from '../support/assertions.js'
import { type KeyServer, startKeyServer } from '../support/key_server.js'
import { post } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

type Registered = Awaited<ReturnType<typeof createClient>>

let suite: Suite
let keys: KeyServer
let key: TestKey
let paths = 0

beforeAll(async () => {
  keys = await startKeyServer()
  suite = await startSuite({ config: { clients: { http: { private_ip_exception_urls: [`${keys.origin}/*`] } } } })
  key = newKey('ES256', 'first')
})
afterAll(async () => {
  await suite.stop()
  await keys.close()
})

const newPath = () => `/${paths++}`

const register = (jwks_uri: string): Promise<Registered> =>
  createClient(suite, {
    redirect_uris: [],
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri,
  })

async function outcome({ client_id }: Registered, one = key): Promise<string> {
  const assertion = signJwt(one, clientClaims(client_id, suite.config.urls.self.issuer))
  const { status, body } = await post(suite, '/oauth2/token', {
    grant_type: 'client_credentials',
    ...showing(assertion),
  })
  return status === 200 ? 'good' : `${status} ${body.error}`
}

const refused = '401 invalid_client'

describe('OIDC Core 10.1.1: keys at jwks_uri', () => {
  it('are fetched once for many, even at once', async () => {
    const path = newPath()
    const client = await register(keys.serve(path, [key.jwk]))
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(client)))
    expect(new Set(outcomes)).toEqual(new Set(['good']))
    expect(keys.count(path)).toBe(1)
  })

  it('a key that is new is found, however often keys change', async () => {
    const path = newPath()
    const client = await register(keys.serve(path, [key.jwk]))
    expect(await outcome(client)).toBe('good')
    for (const kid of ['second', 'third', 'fourth']) {
      const next = newKey('ES256', kid)
      keys.serve(path, [next.jwk])
      expect(await outcome(client, next)).toBe('good')
    }
    expect(keys.count(path)).toBe(4)
    expect(await outcome(client)).toBe(refused)
  })

  it('SS-05: keys that are not there are looked for once', async () => {
    const path = newPath()
    const uri = keys.serve(path, [key.jwk])
    const [client, neighbour] = [await register(uri), await register(uri)]
    expect(await outcome(client)).toBe('good')
    const storm = Array.from({ length: 200 }, (_, index) => ({ ...key, kid: `unknown-${index}` }))
    const outcomes = await Promise.all(storm.map((one) => outcome(client, one)))
    expect(new Set(outcomes)).toEqual(new Set([refused]))
    expect(await outcome(client)).toBe('good')
    expect(keys.count(path)).toBe(2)
    // It is the registration that rests and not the address.
    expect(await outcome(neighbour)).toBe('good')
    expect(keys.count(path)).toBe(3)
  })

  it('JW-12: keys that are weak, secret or of an unknown kind are as good as not there', async () => {
    const path = newPath()
    const rsa = newKey('RS256', 'rsa')
    const privateJwk = rsa.privateKey.export({ format: 'jwk' })
    keys.serve(path, [
      { ...rsa.jwk, ...privateJwk, kid: 'rsa' },
      { kty: 'oct', k: 'AAAA', kid: 'first' },
      { kty: 'new', kid: 'first' },
      1 as unknown as object,
      { ...key.jwk, x: 'AAAA', kid: 'first' },
      key.jwk,
    ])
    const client = await register(`${keys.origin}${path}`)
    expect(await outcome(client)).toBe('good')
    expect(await outcome(client, rsa)).toBe(refused)
  })

  it('JW-04: two keys of one name are none', async () => {
    const client = await register(keys.serve(newPath(), [key.jwk, newKey('ES256', 'first').jwk]))
    expect(await outcome(client)).toBe(refused)
  })
})

describe('SS-04: an address that does not answer with keys proves nothing, and is no outage of this server', () => {
  const json = 'application/json'
  const set = () => JSON.stringify({ keys: [key.jwk] })
  const answer = (status: number, headers: Record<string, string>, body: string | Buffer) =>
    keys.serve(newPath(), (response) => response.writeHead(status, headers).end(body))

  it.each<[string, () => string]>([
    ['404', () => `${keys.origin}/nowhere`],
    ['500', () => answer(500, { 'content-type': json }, set())],
    ['SS-03: a redirect', () => answer(302, { location: keys.serve('/elsewhere', [key.jwk]) }, '')],
    ['HTML', () => answer(200, { 'content-type': 'text/html' }, '<html></html>')],
    ['keys as another type', () => answer(200, { 'content-type': 'text/html' }, set())],
    ['no JSON', () => answer(200, { 'content-type': json }, `${set()}x`)],
    ['a member twice', () => answer(200, { 'content-type': json }, `{"keys":[],${set().slice(1)}`)],
    ['not UTF-8', () => answer(200, { 'content-type': json }, Buffer.from([0x7b, 0xff, 0x7d]))],
    ['no keys', () => answer(200, { 'content-type': json }, '{}')],
    ['a list', () => answer(200, { 'content-type': json }, `[${JSON.stringify(key.jwk)}]`)],
    ['101 keys', () => answer(200, { 'content-type': json }, JSON.stringify({ keys: Array(101).fill(key.jwk) }))],
    ['65 KiB', () => answer(200, { 'content-type': json }, set().padEnd(65 * 1024))],
    ['compressed', () => answer(200, { 'content-type': json, 'content-encoding': 'gzip' }, gzipSync(set()))],
    ['a connection that breaks', () => keys.serve(newPath(), (response) => response.destroy())],
    [
      'one that never ends',
      () => keys.serve(newPath(), (response) => response.writeHead(200, { 'content-type': json }).write('{')),
    ],
    ['silence', () => keys.serve(newPath(), () => undefined)],
  ])('%s', async (_, uriOf) => {
    const client = await register(uriOf())
    expect(await outcome(client)).toBe(refused)
    expect(keys.count('/elsewhere')).toBe(0)
  })

  it('keys that were fetched before stay good while the address is down', async () => {
    const path = newPath()
    const client = await register(keys.serve(path, [key.jwk]))
    expect(await outcome(client)).toBe('good')
    keys.serve(path, (response) => response.writeHead(500).end())
    expect(await outcome(client, newKey('ES256', 'unknown'))).toBe(refused)
    expect(await outcome(client)).toBe('good')
  })

  it('what a signer is told does not say what is at the address', async () => {
    const texts = new Set<unknown>()
    for (const uri of [`${keys.origin}/nowhere`, keys.serve(newPath(), (response) => response.destroy())]) {
      const { client_id } = await register(uri)
      const assertion = signJwt(key, clientClaims(client_id, suite.config.urls.self.issuer))
      const { body } = await post(suite, '/oauth2/token', { grant_type: 'client_credentials', ...showing(assertion) })
      texts.add(body.error_description)
    }
    expect([...texts]).toEqual([expect.stringContaining("could not be fetched from the signer's jwks_uri")])
  })
})

describe('SS-01, SS-10: who is called, and what is said', () => {
  it.each([
    'http://127.0.0.1:1/keys',
    'http://localhost/keys',
    'http://[::1]/keys',
    'https://10.0.0.1/keys',
    'https://169.254.169.254/latest',
    'https://[::ffff:10.0.0.1]/keys',
    'https://metadata.google.internal/keys',
    'ftp://a.example/keys',
    'file:///etc/passwd',
    'https://a.example@127.0.0.1/keys',
  ])('%s cannot be registered', async (jwks_uri) => {
    const body = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri }
    expect((await adminJson(suite, 'POST', '/clients', body)).status).toBe(400)
  })

  it('a fetch carries nothing of the request that led to it', async () => {
    const path = newPath()
    expect(await outcome(await register(keys.serve(path, [key.jwk])))).toBe('good')
    const { headers } = keys.requests.find((request) => request.path === path) ?? { headers: {} }
    expect(Object.keys(headers).sort()).toEqual(['accept', 'connection', 'host', 'user-agent'])
    expect(headers).toMatchObject({ accept: 'application/json', 'user-agent': 'tessera' })
  })
})
