// Key sets on the admin port, as Hydra has them (RFC 7517): generated, imported, replaced and deleted, and what is then
// published and signed with.
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { type Suite, startSuite } from '../support/suite.js'

const idTokens = 'hydra.openid.id-token'
const accessTokens = 'hydra.jwt.access-token'

interface Jwk extends Record<string, unknown> {
  readonly kid: string
  readonly alg: string
}

let suite: Suite
beforeAll(async () => {
  suite = await startSuite({
    config: { keys: { publish_before_use: 0 }, webfinger: { jwks: { broadcast_keys: [idTokens, 'shown'] } } },
  })
})
afterAll(() => suite.stop())

async function call(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${suite.adminUrl}/admin/keys/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

const keysOf = async (path: string): Promise<Jwk[]> => (await call('GET', path)).body.keys

const published = async (): Promise<string[]> => {
  const answer = await fetch(`${suite.publicUrl}/.well-known/jwks.json`)
  return ((await answer.json()) as { keys: Jwk[] }).keys.map(({ kid }) => kid)
}

const privateJwk = async (alg: string, kid: string): Promise<Jwk> => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' }
}

describe('hydra 1.2: keys', () => {
  it.each(['RS256', 'RS512', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'])('generates a key for %s', async (alg) => {
    const made = await call('POST', 'made', { alg, use: 'sig', kid: `made-${alg}` })
    expect(made.status).toBe(201)
    expect(made.body.keys).toHaveLength(1)
    expect(made.body.keys[0]).toMatchObject({ alg, use: 'sig', kid: `made-${alg}`, d: expect.any(String) })
    expect(await keysOf(`made/made-${alg}`)).toEqual(made.body.keys)
    expect((await call('POST', 'made', { alg, use: 'sig', kid: `made-${alg}` })).status).toBe(409)
  })

  it('replaces a set and one key of it, and gives back what was put there', async () => {
    const [one, two, three] = await Promise.all(['ES256', 'RS256', 'EdDSA'].map((alg) => privateJwk(alg, alg)))
    expect((await call('PUT', 'mine', { keys: [one, two] })).status).toBe(200)
    expect(await keysOf('mine')).toEqual(expect.arrayContaining([one, two]))
    expect((await call('PUT', 'mine', { keys: [two, three] })).status).toBe(200)
    expect((await keysOf('mine')).map(({ kid }) => kid).sort()).toEqual(['EdDSA', 'RS256'])
    const other = await privateJwk('ES384', 'EdDSA')
    const put = await call('PUT', 'mine/EdDSA', other)
    expect(put).toMatchObject({ status: 200, body: { kid: 'EdDSA', alg: 'ES384' } })
    expect(await keysOf('mine/EdDSA')).toEqual([other])
  })

  it('deletes a key and a set', async () => {
    for (const kid of ['a', 'b']) await call('POST', 'short', { alg: 'EdDSA', use: 'sig', kid })
    expect((await call('DELETE', 'short/a')).status).toBe(204)
    expect((await call('GET', 'short/a')).status).toBe(404)
    expect((await call('DELETE', 'short/a')).status).toBe(404)
    expect((await call('DELETE', 'short')).status).toBe(204)
    expect((await call('GET', 'short')).status).toBe(404)
  })

  it('webfinger.jwks.broadcast_keys: publishes the sets that it names, without private parts', async () => {
    await call('PUT', 'shown', { keys: [await privateJwk('ES256', 'seen')] })
    await call('PUT', 'unshown', { keys: [await privateJwk('ES256', 'unseen')] })
    await eventually(async () => (await published()).includes('seen'))
    expect(await published()).not.toContain('unseen')
    const jwks = await (await fetch(`${suite.publicUrl}/.well-known/jwks.json`)).text()
    expect(jwks).not.toContain('"d":')
  })
})

describe('AD-09, JW-12: what is refused', () => {
  it('weak and unusable keys', async () => {
    const good = await privateJwk('ES256', 'good')
    const other = await privateJwk('ES256', 'other')
    const weak = { kty: 'RSA', n: Buffer.alloc(128, 0xff).toString('base64url'), e: 'AQAB', kid: 'weak' }
    const strong = await privateJwk('RS256', 'strong')
    for (const jwk of [
      { kty: 'oct', k: Buffer.alloc(32).toString('base64url'), kid: 'oct', alg: 'HS256' },
      weak,
      { kty: 'RSA', n: strong.n, e: 'AQ', kid: 'exponent' },
      { ...good, d: other.d },
      { ...good, alg: 'ES384' },
      { ...good, alg: 'none' },
      { ...good, kid: 'a b' },
      { ...good, x: 'AAAA' },
      'text',
      null,
    ]) {
      expect((await call('PUT', 'x/y', jwk)).status).toBe(400)
      expect((await call('PUT', 'x', { keys: [jwk] })).status).toBe(400)
    }
    for (const jwks of [{}, { keys: [] }, { keys: [good, good] }, { keys: Array(51).fill(good) }])
      expect((await call('PUT', 'x', jwks)).status).toBe(400)
    expect((await call('GET', 'x')).status).toBe(404)
  })

  it('a public key where tokens are signed, and another key under a kid that signed some', async () => {
    const { d: _, ...publicJwk } = await privateJwk('RS256', 'public')
    for (const member of ['p', 'q', 'dp', 'dq', 'qi']) delete (publicJwk as Record<string, unknown>)[member]
    expect((await call('PUT', `${idTokens}/public`, publicJwk)).status).toBe(400)
    expect((await call('PUT', 'others/public', publicJwk)).status).toBe(200)
    const kid = (await keysOf(idTokens)).find(({ alg }) => alg === 'ES256')?.kid ?? ''
    expect((await call('PUT', `${idTokens}/${kid}`, await privateJwk('ES256', kid))).status).toBe(409)
  })

  it('AD-09: the private parts of keys that sign tokens are given to nobody, nor any key on the public port', async () => {
    for (const set of [idTokens, accessTokens]) for (const jwk of await keysOf(set)) expect(jwk).not.toHaveProperty('d')
    const imported = await privateJwk('ES512', 'imported')
    expect((await call('PUT', `${idTokens}/imported`, imported)).body).not.toHaveProperty('d')
    expect((await fetch(`${suite.publicUrl}/admin/keys/${idTokens}`)).status).toBe(404)
  })
})

describe('hydra 5: the keys that sign', () => {
  const issue = async () => {
    const created = await fetch(`${suite.adminUrl}/admin/clients`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_types: ['client_credentials'], access_token_strategy: 'jwt' }),
    })
    const { client_id, client_secret } = (await created.json()) as Record<string, string>
    const answer = await fetch(`${suite.publicUrl}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token: token = '' } = (await answer.json()) as Record<string, string>
    return { token, kid: JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string }
  }

  it('AD-09: an active key that is deleted gets a successor, and what it signed is verified as before', async () => {
    const before = await issue()
    const jwks = await (await fetch(`${suite.publicUrl}/.well-known/jwks.json`)).json()
    expect((await call('DELETE', `${accessTokens}/${before.kid}`)).status).toBe(204)
    expect((await call('GET', `${accessTokens}/${before.kid}`)).status).toBe(404)
    expect((await keysOf(accessTokens)).map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256'])
    await eventually(async () => (await issue()).kid !== before.kid)
    expect(await published()).toContain(before.kid)
    const introspected = await fetch(`${suite.adminUrl}/admin/oauth2/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: before.token }),
    })
    expect(await introspected.json()).toMatchObject({ active: true })
    await jwtVerify(before.token, createLocalJWKSet(jwks as { keys: [] }))
  })

  it('an imported key signs once everybody can know it', async () => {
    const imported = await privateJwk('ES256', 'brought-along')
    expect((await call('PUT', `${accessTokens}/brought-along`, imported)).status).toBe(200)
    expect((await issue()).kid).not.toBe('brought-along')
    await eventually(async () => (await issue()).kid === 'brought-along')
  })

  it('a set that signs and is deleted has new keys of each kind that is needed', async () => {
    await call('POST', idTokens, { alg: 'ES384', use: 'sig' })
    expect((await call('DELETE', idTokens)).status).toBe(204)
    expect((await keysOf(idTokens)).map(({ alg }) => alg).sort()).toEqual(['ES256', 'EdDSA', 'PS256', 'RS256'])
  })
})
