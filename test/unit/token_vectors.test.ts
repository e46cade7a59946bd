// The specifications' own examples, recomputed by the code that issues tokens; and its JWTs, read by jose.
import { readFileSync } from 'node:fs'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { algorithmNames, findAlgorithm } from '../../services/token/keys/algorithms.js'
import { readJwt, signJwt } from '../../services/token/keys/jwt.js'
import type { KeyRing, SigningKey } from '../../services/token/keys/key_ring.js'
import { challengeOf } from '../../services/token/tokens/authorization_code.js'
import { leftHalfHash } from '../../services/token/tokens/id_token.js'

interface Vector {
  readonly id: string
  readonly source: string
  readonly [field: string]: unknown
}

const file = new URL('../vectors/vectors-verified.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }
const vector = (id: string): Vector => {
  const found = vectors.find((each) => each.id === id)
  if (!found) throw new Error(`there is no vector ${id}`)
  return found
}

/** A key that is in no database. */
async function makeKey(alg: string): Promise<SigningKey> {
  const algorithm = findAlgorithm(alg)
  if (!algorithm) throw new Error(`there is no algorithm ${alg}`)
  const { publicKey, privateKey } = await algorithm.generate()
  return {
    set: 'test',
    kid: `key-${alg}`,
    alg,
    algorithm,
    ordinal: 1,
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid: `key-${alg}`, alg, use: 'sig' },
    privateKey,
    createdAt: new Date(0),
    signsFrom: new Date(0),
    longestLifespan: 3_600,
    retiresAt: undefined,
    retiredAt: null,
  }
}

const ringOf = (...keys: SigningKey[]): Pick<KeyRing, 'keysOf'> => ({
  keysOf: (set) => keys.filter((key) => key.set === set),
})

describe('examples of the specifications', () => {
  it('RFC 7636 App. B: the S256 challenge', () => {
    const { code_verifier, code_challenge } = vector('pkce-s256')
    expect(challengeOf(String(code_verifier))?.toString('base64url')).toBe(code_challenge)
  })

  it('OpenID Connect Core A.3, A.4: at_hash and c_hash', () => {
    const at = vector('oidc-at_hash')
    expect(leftHalfHash('sha256', String(at.access_token))).toBe(at.at_hash)
    const c = vector('oidc-c_hash')
    expect(leftHalfHash('sha256', String(c.code))).toBe(c.c_hash)
  })

  it.each(['oidc-core-A2_ID_TOKEN', 'oidc-core-A3_ID_TOKEN', 'oidc-core-A4_ID_TOKEN', 'jws-eddsa'])(
    '%s: its signature is good by the key of the example',
    async (id) => {
      const { jws, jwk } = vector(id)
      const { protectedHeader } = await compactVerify(
        String(jws),
        await importJWK(jwk as JWK, id === 'jws-eddsa' ? 'EdDSA' : 'RS256'),
      )
      expect(protectedHeader.alg).toBe(id === 'jws-eddsa' ? 'EdDSA' : 'RS256')
    },
  )
})

describe('RFC 7515: JWTs of every algorithm', () => {
  it.each(algorithmNames)('%s: jose finds the signature good, and the claims as they were', async (alg) => {
    const key = await makeKey(alg)
    const jwt = await signJwt(key, 'at+jwt', { sub: 'älice', n: 1 })
    const { payload, protectedHeader } = await compactVerify(jwt, await importJWK(key.publicJwk as JWK, alg))
    expect(protectedHeader).toEqual({ alg, typ: 'at+jwt', kid: `key-${alg}` })
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ sub: 'älice', n: 1 })
    expect(await calculateJwkThumbprint(key.publicJwk as JWK)).not.toBe('')
  })

  it('JW-15: a public key has no private part', async () => {
    for (const alg of algorithmNames) {
      const names = Object.keys((await makeKey(alg)).publicJwk)
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(names).not.toContain(secret)
    }
  })
})

describe('reading back a JWT of our own', () => {
  const expected = { set: 'test', typ: 'at+jwt', issuer: 'https://as.test' }
  const claims = { iss: 'https://as.test', sub: 'alice', exp: 4_102_444_800 }

  it('gives its claims', async () => {
    const key = await makeKey('ES256')
    const jwt = await signJwt(key, 'at+jwt', claims)
    expect(await readJwt(ringOf(key), jwt, expected)).toEqual(claims)
  })

  it('JW-01, JW-02, JW-14, JW-16: nothing else is read', async () => {
    const key = await makeKey('ES256')
    const foreign = { ...(await makeKey('ES256')), kid: key.kid }
    const ring = ringOf(key)
    const good = await signJwt(key, 'at+jwt', claims)
    const [header = '', payload = '', signature = ''] = good.split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: key.kid })).toString('base64url')
    const hmac = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })).toString('base64url')
    const bad = [
      await signJwt(key, 'JWT', claims),
      await signJwt(key, 'at+jwt', { ...claims, iss: 'https://other.test' }),
      await signJwt(key, 'at+jwt', { ...claims, exp: 1 }),
      await signJwt(foreign, 'at+jwt', claims),
      await signJwt({ ...key, kid: 'other' }, 'at+jwt', claims),
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${hmac}.${payload}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -2)}AA`,
      `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      `${header}.${payload}`,
      `${good}.`,
      '..',
      '',
    ]
    for (const jwt of bad) expect(await readJwt(ring, jwt, expected)).toBeUndefined()
    expect(await readJwt(ring, good, { ...expected, set: 'another' })).toBeUndefined()
  })
})
