// Assertions as clients and trusted issuers make them: claims that are good, keys of every algorithm, and what signs.
import { constants, createHmac, type KeyObject, randomUUID, sign } from 'node:crypto'
import { newKeyPair } from './key_pair.js'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export interface TestKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** The public half, as it is registered. */
  readonly jwk: Record<string, unknown>
}

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function newKey(alg: string, kid: string = randomUUID(), more: Record<string, unknown> = {}): TestKey {
  const pair =
    alg === 'EdDSA'
      ? newKeyPair('ed25519')
      : curves[alg]
        ? newKeyPair('ec', { namedCurve: curves[alg] })
        : newKeyPair('rsa', { modulusLength: 2048 })
  return { alg, kid, ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...more } }
}

export const base64url = (value: string | Buffer): string => Buffer.from(value).toString('base64url')

const hashOf = (alg: string): string => `sha${alg.slice(2)}`

/** The signature of an algorithm over some bytes. */
export function signBytes(alg: string, key: KeyObject | string, data: Buffer): Buffer {
  if (typeof key === 'string') return createHmac(hashOf(alg), key).update(data).digest()
  if (alg === 'EdDSA') return sign(null, data, key)
  if (alg.startsWith('ES')) return sign(hashOf(alg), data, { key, dsaEncoding: 'ieee-p1363' })
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
  return sign(hashOf(alg), data, alg.startsWith('PS') ? { key, padding, saltLength } : { key })
}

/** A JWT of texts that are put in as they are. */
export function signTexts(header: string, payload: string, alg: string, key: KeyObject | string): string {
  const signed = `${base64url(header)}.${base64url(payload)}`
  return `${signed}.${base64url(signBytes(alg, key, Buffer.from(signed)))}`
}

/** A JWT of a key; of a secret, with `alg` HS256 unless the header says otherwise. */
export function signJwt(
  { alg, kid, privateKey }: Pick<TestKey, 'alg' | 'privateKey'> & { readonly kid?: string },
  claims: object,
  header: object = {},
): string {
  return signTexts(JSON.stringify({ alg, ...(kid && { kid }), ...header }), JSON.stringify(claims), alg, privateKey)
}

export const signWithSecret = (secret: string, claims: object, alg = 'HS256'): string =>
  signTexts(JSON.stringify({ alg }), JSON.stringify(claims), alg, secret)

export const secondsFromNow = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** Claims that authenticate a client for five minutes. */
export const clientClaims = (clientId: string, audience: string, changes: Record<string, unknown> = {}) => ({
  iss: clientId,
  sub: clientId,
  aud: audience,
  jti: randomUUID(),
  iat: secondsFromNow(0),
  exp: secondsFromNow(300),
  ...changes,
})

/** The parameters that show a client assertion. */
export const showing = (assertion: string): Record<string, string> => ({
  client_assertion_type: assertionType,
  client_assertion: assertion,
})
