// The public keys that a client registers by value (RFC 7517; OpenID Connect Registration section 2, `jwks`): signature
// keys of a strength that is worth checking against, and nothing secret.
import { createPublicKey } from 'node:crypto'
import { json } from './metadata_rules.js'

const maxKeys = 50
const maxBytes = 64 * 1_024
/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4; RFC 8037 section 2. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const keyTypes = {
  RSA: (key) => rsaProblem(key),
  EC: (key) =>
    ['P-256', 'P-384', 'P-521'].includes(String(key.crv))
      ? undefined
      : 'is on a curve that is not P-256, P-384 or P-521',
  OKP: (key) =>
    ['Ed25519', 'X25519'].includes(String(key.crv)) ? undefined : 'is on a curve that is not Ed25519 or X25519',
}
/** Whether the set holds anything: Hydra answers an empty one for a client without keys, and takes it back. */
export const hasKeys = (jwks) =>
  jwks !== undefined && jwks.keys !== undefined && jwks.keys !== null && !isEmptyList(jwks.keys)
const isEmptyList = (value) => Array.isArray(value) && value.length === 0
/** The rule for the field `jwks`. */
export const publicKeys = (jwks) => {
  if (jwks === undefined) return undefined
  const keys = jwks.keys
  if (!Array.isArray(keys)) return 'has no list of keys'
  if (keys.length > maxKeys) return `has more than ${maxKeys} keys`
  const problem = json(maxBytes)(jwks)
  if (problem) return problem
  const kids = new Set()
  for (const [index, key] of keys.entries()) {
    const wrong = keyProblem(key) ?? (kids.has(key.kid) ? 'has the kid of another key' : undefined)
    if (wrong) return `key ${index + 1} ${wrong}`
    if (key.kid !== undefined) kids.add(key.kid)
  }
  return undefined
}
function keyProblem(key) {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return 'is not an object'
  const jwk = key
  const { kid } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 255))
    return 'has a kid that is not a string of at most 255 characters'
  if (secretMembers.some((member) => member in jwk)) return 'must not be a private or symmetric key'
  const ofType = Object.hasOwn(keyTypes, String(jwk.kty)) ? keyTypes[String(jwk.kty)] : undefined
  if (!ofType) return 'is of a type other than RSA, EC and OKP'
  return ofType(jwk) ?? (isReadable(jwk) ? undefined : 'is not a valid public key')
}
function rsaProblem(key) {
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
function unsigned(value) {
  if (typeof value !== 'string' || !/^[\w-]{1,2732}$/.test(value)) return undefined
  return BigInt(`0x${Buffer.from(value, 'base64url').toString('hex') || '0'}`)
}
/** Whether the key means something: for an elliptic curve, that its point is on it. */
function isReadable(jwk) {
  try {
    createPublicKey({ key: jwk, format: 'jwk' })
    return true
  } catch {
    return false
  }
}
//# sourceMappingURL=client_jwks.js.map
