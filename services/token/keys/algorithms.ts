// The signature algorithms (RFC 7518 3.1, RFC 8037 3.1): how their keys are made and how they sign.
import {
  constants,
  createPrivateKey,
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  sign as signNow,
  generateKeyPair as withCallback,
} from 'node:crypto'
import { promisify } from 'node:util'

const generateEncoded = promisify(withCallback) as unknown as (
  type: 'rsa' | 'ec' | 'ed25519',
  options: object,
) => Promise<{ publicKey: Buffer; privateKey: Buffer }>
/** With a callback the work is done in the thread pool. */
const signInPool = promisify(signNow)

export type Jwk = JsonWebKeyInput['key']

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/**
 * The keys come encoded and are read anew. In Node.js 20 a key object that hangs on the job which made it can lock up the
 * process for good: exporting it as a JWK holds its lock, and garbage collection at that moment waits for the same one.
 */
async function generateKeyPair(type: 'rsa' | 'ec' | 'ed25519', options: object = {}): Promise<KeyPair> {
  const encodings = {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  } as const
  const { publicKey, privateKey } = await generateEncoded(type, { ...options, ...encodings })
  return {
    publicKey: createPublicKey({ key: publicKey, format: 'der', type: 'spki' }),
    privateKey: createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }),
  }
}

export interface Algorithm {
  /** The hash of `at_hash` (OpenID Connect Core 3.1.3.6). */
  readonly hash: 'sha256' | 'sha384' | 'sha512'
  readonly generate: () => Promise<KeyPair>
  readonly sign: (key: KeyObject, data: Buffer) => Buffer | Promise<Buffer>
}

type Hash = Algorithm['hash']

/** RSA signs some 1,100 times a second: too slow for the main thread. */
const rsa = (hash: Hash, padding: object): Algorithm => ({
  hash,
  generate: () => generateKeyPair('rsa', { modulusLength: 2048 }),
  sign: (key, data) => signInPool(hash, data, { key, ...padding }),
})

const pkcs1 = { padding: constants.RSA_PKCS1_PADDING }
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

const ecdsa = (hash: Hash, namedCurve: string): Algorithm => ({
  hash,
  generate: () => generateKeyPair('ec', { namedCurve }),
  sign: (key, data) => signNow(hash, data, { key, dsaEncoding: 'ieee-p1363' }),
})

const ed25519: Algorithm = {
  hash: 'sha512',
  generate: () => generateKeyPair('ed25519'),
  sign: (key, data) => signNow(null, data, key),
}

const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: rsa('sha256', pkcs1),
  RS384: rsa('sha384', pkcs1),
  RS512: rsa('sha512', pkcs1),
  PS256: rsa('sha256', pss),
  PS384: rsa('sha384', pss),
  PS512: rsa('sha512', pss),
  ES256: ecdsa('sha256', 'P-256'),
  ES384: ecdsa('sha384', 'P-384'),
  ES512: ecdsa('sha512', 'P-521'),
  EdDSA: ed25519,
}

export const algorithmNames = Object.keys(algorithms)

/** The algorithm of this name; undefined for one that is not known. */
export const findAlgorithm = (alg: string): Algorithm | undefined =>
  Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
