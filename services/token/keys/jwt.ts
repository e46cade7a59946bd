// Signs JSON Web Tokens (RFC 7519) and reads those that this service signed.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { KeyRing, SigningKey } from './key_ring.js'

/** Signs claims with a key; `typ` says what kind of JWT it is, so that none passes for another (RFC 8725 3.11). */
export async function signJwt(key: SigningKey, typ: string, claims: object): Promise<string> {
  if (!key.privateKey) throw new Error(`the private key of ${key.kid} is not readable`)
  const header = encode({ alg: key.alg, typ, kid: key.kid })
  const signed = `${header}.${encode(claims)}`
  const signature = await key.algorithm.sign(key.privateKey, Buffer.from(signed))
  return `${signed}.${signature.toString('base64url')}`
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface ExpectedJwt {
  readonly set: string
  readonly typ: string
  readonly issuer: string
}

/** The claims of a JWT that a key of the set signed and that has not expired; undefined for anything else. */
export async function readJwt(
  ring: Pick<KeyRing, 'keysOf'>,
  jwt: string,
  expected: ExpectedJwt,
): Promise<JWTPayload | undefined> {
  const { set, typ, issuer } = expected
  try {
    const { payload } = await jwtVerify(jwt, ({ kid, alg }) => publicKeyOf(ring, set, kid, alg), { typ, issuer })
    return payload
  } catch (thrown) {
    if (thrown instanceof errors.JOSEError) return undefined
    throw thrown
  }
}

function publicKeyOf(ring: Pick<KeyRing, 'keysOf'>, set: string, kid: string | undefined, alg: string) {
  const key = ring.keysOf(set).find((candidate) => candidate.kid === kid && candidate.alg === alg)
  if (!key) throw new errors.JWKSNoMatchingKey()
  return createPublicKey({ key: key.publicJwk as JsonWebKey, format: 'jwk' })
}
