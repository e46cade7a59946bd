// Public keys that others bring along (RFC 7517): of a strength that is worth checking against, and nothing secret.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { Jwk } from './signature.js'

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4; RFC 8037 section 2. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

const curves: Readonly<Record<string, readonly string[]>> = {
  EC: ['P-256', 'P-384', 'P-521'],
  OKP: ['Ed25519', 'X25519'],
}

/** What is wrong with a key, as the rest of a sentence; undefined if nothing is. */
export function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return 'is not an object'
  const jwk = key as Jwk
  const { kid } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 255))
    return 'has a kid that is not a string of at most 255 characters'
  if (secretMembers.some((member) => member in jwk)) return 'must not be a private or symmetric key'
  return typeProblem(jwk) ?? (isReadable(jwk) ? undefined : 'is not a valid public key')
}

function typeProblem(key: Jwk): string | undefined {
  if (key.kty === 'RSA') return rsaProblem(key)
  const known = key.kty === 'EC' || key.kty === 'OKP' ? curves[key.kty] : undefined
  if (!known) return 'is of a type other than RSA, EC and OKP'
  return known.includes(String(key.crv)) ? undefined : `is on a curve that is not ${wordList(known)}`
}

const wordList = (words: readonly string[]): string => `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

function rsaProblem(key: Jwk): string | undefined {
  const [modulus, exponent] = [unsigned(key.n), unsigned(key.e)]
  if (modulus === undefined || exponent === undefined) return 'is not a valid public key'
  const bits = modulus.toString(2).length
  if (bits < 2_048 || bits > 8_192) return 'has a modulus of fewer than 2048 or more than 8192 bits'
  if (modulus % 2n === 0n) return 'has an even modulus'
  // Above 32 bits an exponent makes checks slow and nothing safer.
  if (exponent < 3n || exponent % 2n === 0n || exponent >= 2n ** 32n) return 'has an exponent that is not safe'
  return undefined
}

/** A Base64urlUInt (RFC 7518 section 2) of a size that is worth reading. */
function unsigned(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !/^[\w-]{1,2732}$/.test(value)) return undefined
  return BigInt(`0x${Buffer.from(value, 'base64url').toString('hex') || '0'}`)
}

/** Whether the key means something: for an elliptic curve, that its point is on it. */
function isReadable(jwk: Jwk): boolean {
  try {
    createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    return true
  } catch {
    return false
  }
}
