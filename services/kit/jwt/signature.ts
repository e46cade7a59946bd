// Checks signatures (RFC 7515 section 5.2): the algorithms of RFC 7518 section 3.1 and RFC 8037 section 3.1, each with keys
// of its own type alone.
import { constants, createHmac, createPublicKey, type JsonWebKey, timingSafeEqual, verify } from 'node:crypto'
import type { SignedJwt } from './signed_jwt.js'

export type Jwk = Readonly<Record<string, unknown>>

type Hash = 'sha256' | 'sha384' | 'sha512'

interface Algorithm {
  readonly kty: string
  readonly crv?: string
  /** Bytes; undefined: as long as the key. */
  readonly signatureSize?: number
  readonly hash: Hash | null
  readonly options: object
}

const pkcs1 = { padding: constants.RSA_PKCS1_PADDING }
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
const ecdsa = { dsaEncoding: 'ieee-p1363' }

const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: { kty: 'RSA', hash: 'sha256', options: pkcs1 },
  RS384: { kty: 'RSA', hash: 'sha384', options: pkcs1 },
  RS512: { kty: 'RSA', hash: 'sha512', options: pkcs1 },
  PS256: { kty: 'RSA', hash: 'sha256', options: pss },
  PS384: { kty: 'RSA', hash: 'sha384', options: pss },
  PS512: { kty: 'RSA', hash: 'sha512', options: pss },
  ES256: { kty: 'EC', crv: 'P-256', signatureSize: 64, hash: 'sha256', options: ecdsa },
  ES384: { kty: 'EC', crv: 'P-384', signatureSize: 96, hash: 'sha384', options: ecdsa },
  ES512: { kty: 'EC', crv: 'P-521', signatureSize: 132, hash: 'sha512', options: ecdsa },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', signatureSize: 64, hash: null, options: {} },
  // RFC 9864 section 2.2: the same by a name that says all.
  Ed25519: { kty: 'OKP', crv: 'Ed25519', signatureSize: 64, hash: null, options: {} },
}

const macs: Readonly<Record<string, Hash>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

/** The algorithms of a signer that keeps its key to itself. */
export const signatureAlgorithms: readonly string[] = Object.keys(algorithms)

/** The algorithms of a secret that both sides know. */
export const macAlgorithms: readonly string[] = Object.keys(macs)

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

const isEd25519 = (...algs: unknown[]): boolean => algs.every((alg) => alg === 'EdDSA' || alg === 'Ed25519')

/** Whether a JWT could be signed with the key: by its name, its type, and what the key is for (RFC 7517 section 4). */
export function fits({ alg, kid }: Pick<SignedJwt, 'alg' | 'kid'>, key: Jwk): boolean {
  const algorithm = own(algorithms, alg)
  if (!algorithm || key.kty !== algorithm.kty || (algorithm.crv !== undefined && key.crv !== algorithm.crv))
    return false
  if (kid !== undefined && key.kid !== kid) return false
  const { key_ops: operations = ['verify'] } = key
  return (
    (key.use === undefined || key.use === 'sig') &&
    (key.alg === undefined || key.alg === alg || isEd25519(alg, key.alg)) &&
    Array.isArray(operations) &&
    operations.includes('verify')
  )
}

/** Whether the signature is one of the key; never for a key that does not fit. */
export function isSignedWith(key: Jwk, jwt: SignedJwt): boolean {
  const algorithm = own(algorithms, jwt.alg)
  if (!algorithm || !fits(jwt, key)) return false
  const { signatureSize, hash, options } = algorithm
  if (signatureSize !== undefined && jwt.signature.length !== signatureSize) return false
  try {
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    return verify(hash, jwt.signed, { key: publicKey, ...options }, jwt.signature)
  } catch {
    return false
  }
}

/** Whether the code of authentication is one of the secret (RFC 7518 section 3.2). */
export function isSignedWithSecret(secret: string, { alg, signed, signature }: SignedJwt): boolean {
  const hash = own(macs, alg)
  if (!hash) return false
  const expected = createHmac(hash, secret).update(signed).digest()
  return expected.length === signature.length && timingSafeEqual(expected, signature)
}
