// The public keys that a client registers by value (RFC 7517; OpenID Connect Registration section 2, `jwks`).
import { keyProblem } from '../kit/jwt/public_jwk.js'
import type { Jwk } from '../kit/jwt/signature.js'
import { json, type Rule } from './metadata_rules.js'

const maxKeys = 50
const maxBytes = 64 * 1_024

/** Whether the set holds anything: Hydra answers an empty one for a client without keys, and takes it back. */
export const hasKeys = (jwks: Jwk | undefined): boolean =>
  jwks !== undefined && jwks.keys !== undefined && jwks.keys !== null && !isEmptyList(jwks.keys)

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** The rule for the field `jwks`. */
export const publicKeys: Rule<Jwk | undefined> = (jwks) => {
  if (jwks === undefined) return undefined
  const keys = jwks.keys
  if (!Array.isArray(keys)) return 'has no list of keys'
  if (keys.length > maxKeys) return `has more than ${maxKeys} keys`
  const problem = json(maxBytes)(jwks)
  if (problem) return problem
  const kids = new Set<unknown>()
  for (const [index, key] of keys.entries()) {
    const wrong = keyProblem(key) ?? (kids.has(key.kid) ? 'has the kid of another key' : undefined)
    if (wrong) return `key ${index + 1} ${wrong}`
    if (key.kid !== undefined) kids.add(key.kid)
  }
  return undefined
}
