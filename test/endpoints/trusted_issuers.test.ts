// /admin/trust/grants/jwt-bearer/issuers: the issuers that are trusted with the JWT bearer grant, as Hydra's OpenAPI document
// has them.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey } from '../support/assertions.js'
import { eventually } from '../support/eventually.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson } from '../support/user_agent.js'

const path = '/trust/grants/jwt-bearer/issuers'
const key = newKey('ES256', 'a-key')
let suite: Suite
let database: pg.Pool

beforeAll(async () => {
  suite = await startSuite()
  database = new pg.Pool({ connectionString: suite.dsn, options: '-c search_path=token', max: 2 })
})
afterAll(async () => {
  await database.end()
  await suite.stop()
})

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()

const trust = (changes: Record<string, unknown> = {}) => ({
  issuer: 'https://idp.example',
  subject: 'mike@example.com',
  scope: ['openid', 'offline'],
  jwk: key.jwk,
  expires_at: inAnHour(),
  ...changes,
})

type Json = Record<string, unknown>

const post = (changes: Record<string, unknown> = {}) => adminJson(suite, 'POST', path, trust(changes))
const create = async (changes: Record<string, unknown> = {}): Promise<Json> => {
  const response = await post(changes)
  expect(response.status).toBe(201)
  return (await response.json()) as Json
}
const bodyOf = async (response: Response): Promise<Json> => (await response.json()) as Json

describe('one issuer', () => {
  it('201: is answered as it is kept, with the name of its key alone', async () => {
    const response = await post({ expires_at: '2099-01-02T03:04:05.678+01:00' })
    expect(response.status).toBe(201)
    const created = await bodyOf(response)
    expect(response.headers.get('location')).toBe(`/admin${path}/${created.id}`)
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      issuer: 'https://idp.example',
      subject: 'mike@example.com',
      allow_any_subject: false,
      scope: ['openid', 'offline'],
      public_key: { set: 'https://idp.example', kid: 'a-key' },
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      expires_at: '2099-01-02T02:04:05Z',
    })
    const got = await adminJson(suite, 'GET', `${path}/${created.id}`)
    expect([got.status, await got.json()]).toEqual([200, created])
    expect((await fetch(`${suite.adminUrl}${path}/${created.id}`)).status).toBe(200)
  })

  it('204 when it is deleted, 404 from then on', async () => {
    const { id } = await create({ subject: 'deleted' })
    const other = await create({ subject: 'not deleted' })
    const deleted = await adminJson(suite, 'DELETE', `${path}/${id}`)
    expect([deleted.status, await deleted.text()]).toEqual([204, ''])
    for (const method of ['GET', 'DELETE']) {
      const gone = await adminJson(suite, method, `${path}/${id}`)
      expect([gone.status, (await bodyOf(gone)).error]).toEqual([404, 'Not Found'])
    }
    expect((await adminJson(suite, 'GET', `${path}/${other.id}`)).status).toBe(200)
  })

  it.each(['x', '00000000-0000-4000-8000-000000000000', '%00', "' OR true --"])('404: %s', async (id) => {
    for (const method of ['GET', 'DELETE'])
      expect([400, 404]).toContain((await adminJson(suite, method, `${path}/${encodeURIComponent(id)}`)).status)
  })

  it('409 for the same issuer, subject and key', async () => {
    await create({ issuer: 'twice' })
    const again = await post({ issuer: 'twice', scope: [] })
    expect([again.status, (await bodyOf(again)).error]).toEqual([409, 'Conflict'])
    await create({ issuer: 'twice', subject: 'another' })
    await create({ issuer: 'twice', subject: '', allow_any_subject: true })
    expect((await post({ issuer: 'twice', subject: '', allow_any_subject: true })).status).toBe(409)
    await create({ issuer: 'twice', jwk: { ...key.jwk, kid: 'another' } })
  })

  it('of many who trust the same at once one does', async () => {
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => post({ issuer: 'at once' })))).map(
      ({ status }) => status,
    )
    expect(statuses.toSorted()).toEqual([201, ...Array(19).fill(409)])
  })

  it('the same can be trusted again when the trust has expired, and an expired one is not there', async () => {
    const { id } = await create({ issuer: 'expiring' })
    await database.query("UPDATE trusted_issuer SET expires_at = now() - interval '1 second' WHERE id = $1", [id])
    expect((await adminJson(suite, 'GET', `${path}/${id}`)).status).toBe(404)
    expect(await (await adminJson(suite, 'GET', `${path}?issuer=expiring`)).json()).toEqual([])
    const again = await create({ issuer: 'expiring' })
    expect(again.id).not.toBe(id)
    await eventually(async () => (await adminJson(suite, 'GET', `${path}/${again.id}`)).status === 200)
  })
})

describe('400: what cannot be trusted', () => {
  const rsa = newKey('RS256')
  const { kid: _, ...nameless } = key.jwk
  it.each<[string, Record<string, unknown>]>([
    ['no issuer', { issuer: undefined }],
    ['an empty issuer', { issuer: '' }],
    ['an issuer of another type', { issuer: { not: '' } }],
    ['an issuer that is too long', { issuer: 'x'.repeat(1_025) }],
    ['neither a subject nor any', { subject: undefined }],
    ['a subject and any', { allow_any_subject: true }],
    ['half a surrogate pair', { subject: '\ud800' }],
    ['no end', { expires_at: undefined }],
    ["Go's empty time", { expires_at: '0001-01-01T00:00:00Z' }],
    ['an end that is over', { expires_at: '2020-01-01T00:00:00Z' }],
    ['an end that is no time', { expires_at: 'tomorrow' }],
    ['an end that is a number', { expires_at: 4_000_000_000 }],
    ['no key', { jwk: undefined }],
    ['a key without a kid', { jwk: nameless }],
    ['a key with an empty kid', { jwk: { ...key.jwk, kid: '' } }],
    ['a private key', { jwk: { ...key.privateKey.export({ format: 'jwk' }), kid: 'x' } }],
    ['a symmetric key', { jwk: { kty: 'oct', k: 'A'.repeat(43), kid: 'x' } }],
    ['a weak key', { jwk: { ...rsa.jwk, n: Buffer.alloc(128, 0xff).toString('base64url') } }],
    ['a key for encryption', { jwk: { ...key.jwk, use: 'enc' } }],
    ['a key with an algorithm that is none of it', { jwk: { ...key.jwk, alg: 'RS256' } }],
    ['a key that is no point of its curve', { jwk: { ...key.jwk, x: key.jwk.y } }],
    ['a scope with a space', { scope: ['a b'] }],
    ['scopes as a text', { scope: 'openid' }],
  ])('%s', async (_, changes) => {
    const response = await post(changes)
    expect(response.status).toBe(400)
    expect(await bodyOf(response)).toHaveProperty('error_description')
  })

  it.each(['', '[]', 'x', 'null'])('a body that is no object: %s', async (body) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${suite.adminUrl}/admin${path}`, { method: 'POST', headers, body })
    expect(response.status).toBe(400)
  })
})

describe('the list', () => {
  it('in pages, of all or of one issuer, in the order of creation', async () => {
    const ids: unknown[] = []
    for (let index = 0; index < 7; index++) ids.push((await create({ issuer: 'listed', subject: `s${index}` })).id)
    const seen: unknown[] = []
    let url: string | undefined = `${suite.adminUrl}/admin${path}?issuer=listed&page_size=3`
    for (let pages = 0; url; pages++) {
      expect(pages).toBeLessThan(3)
      const response: Response = await fetch(url)
      const link: string = response.headers.get('link') ?? ''
      expect(link).toContain('rel="first"')
      seen.push(...((await response.json()) as Json[]).map(({ id }) => id))
      // What was deleted meanwhile does not shift the rest.
      await adminJson(suite, 'DELETE', `${path}/${seen[0]}`)
      const next: string | undefined = /<([^>]+)>; rel="next"/.exec(link)?.[1]
      url = next && new URL(next, suite.adminUrl).href
    }
    expect(seen).toEqual(ids)
  })

  it('is empty for an issuer that is not trusted', async () => {
    const response = await adminJson(suite, 'GET', `${path}?issuer=${encodeURIComponent('https://nobody.example')}`)
    expect([response.status, await response.json()]).toEqual([200, []])
  })

  it('by limit and offset, counted', async () => {
    for (let index = 0; index < 3; index++) await create({ issuer: 'counted', subject: `s${index}` })
    const response = await adminJson(suite, 'GET', `${path}?issuer=counted&limit=2&offset=2`)
    expect(await response.json()).toMatchObject([{ subject: 's2' }])
    expect(response.headers.get('x-total-count')).toBe('3')
  })

  it.each(['page_size=x', 'page_token=x', 'page_token=e30', `issuer=${'x'.repeat(2_000)}`])(
    '400: %s',
    async (query) => {
      expect((await adminJson(suite, 'GET', `${path}?${query}`)).status).toBe(400)
    },
  )
})
