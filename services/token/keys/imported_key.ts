// Keys that an operator brings along (RFC 7517): read, and refused where they are weak or do not fit their algorithm.
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign, verify } from 'node:crypto'
import { OAuthError } from '../../kit/oauth_error.js'
import { newUuid } from '../../kit/random.js'
import { findAlgorithm } from './algorithms.js'

export interface ImportedKey {
  readonly kid: string
  readonly alg: string
  readonly use: string
  readonly publicKey: KeyObject
  /** Undefined where only the public part was given. */
  readonly privateKey: KeyObject | undefined
}

const maxKeys = 50

/** RFC 7518 3.4, RFC 8037 3.1: the algorithm that a curve is for. */
const algorithmOfCurve: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}

/** The keys of a JWK Set (RFC 7517 5). Error: `invalid_request`. */
export function readJwks(jwks: unknown, needsPrivate: boolean): ImportedKey[] {
  const keys = (jwks as { keys?: unknown } | null | undefined)?.keys
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > maxKeys)
    throw refused(`A JWK Set has a member 'keys' with 1 to ${maxKeys} keys.`)
  const read = keys.map((key) => readJwk(key, needsPrivate))
  if (new Set(read.map(({ kid }) => kid)).size < read.length) throw refused('Two keys have the same kid.')
  return read
}

/** One JWK. Error: `invalid_request`. */
export function readJwk(value: unknown, needsPrivate: boolean): ImportedKey {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('A JWK is a JSON object.')
  const jwk = value as Record<string, unknown>
  const { kid = newUuid(), use = 'sig' } = jwk
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(kid))
    throw refused('A kid is 1 to 255 visible ASCII characters.')
  if (use !== 'sig' && (use !== 'enc' || needsPrivate)) throw refused("The key's use does not suit this set.")
  const alg = algorithmOf(jwk)
  const { publicKey, privateKey } = keyPairOf(jwk)
  if (needsPrivate && !privateKey) throw refused('Tokens are signed with keys of this set: it must be a private key.')
  checkStrength(publicKey)
  if (privateKey && !isPair(privateKey, publicKey))
    throw refused('The private part of the key is not that of its public part.')
  return { kid, alg, use, publicKey, privateKey }
}

/** The algorithm that the key is for; an elliptic curve leaves no choice. */
function algorithmOf({ kty, crv, alg }: Record<string, unknown>): string {
  const only = kty === 'EC' || kty === 'OKP' ? algorithmOfCurve[String(crv)] : undefined
  const chosen = String(alg ?? only ?? 'RS256')
  const fits = kty === 'RSA' ? /^[RP]S(256|384|512)$/.test(chosen) : only !== undefined && chosen === only
  if (!fits || !findAlgorithm(chosen))
    throw refused('The key must be RSA, on P-256, P-384 or P-521, or Ed25519, with an algorithm that is for it.')
  return chosen
}

function keyPairOf(jwk: JsonWebKey): { publicKey: KeyObject; privateKey: KeyObject | undefined } {
  try {
    const privateKey = jwk.d === undefined ? undefined : createPrivateKey({ key: jwk, format: 'jwk' })
    const { d, p, q, dp, dq, qi, ...members } = jwk
    return { publicKey: createPublicKey({ key: members, format: 'jwk' }), privateKey }
  } catch {
    throw refused('The key cannot be read.')
  }
}

/** RFC 7518 3.3: RSA keys have 2048 bits at least. */
function checkStrength({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  if (asymmetricKeyType !== 'rsa') return
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  if (modulusLength < 2_048 || modulusLength > 8_192) throw refused('An RSA key must have 2048 to 8192 bits.')
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent >= 2n ** 32n)
    throw refused('The exponent of the RSA key is not safe.')
}

function isPair(privateKey: KeyObject, publicKey: KeyObject): boolean {
  const hash = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const data = Buffer.from('a key pair')
  try {
    return verify(hash, data, publicKey, sign(hash, data, privateKey))
  } catch {
    return false
  }
}

const refused = (description: string) => new OAuthError('invalid_request', description)
