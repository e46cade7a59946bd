// What kind of key signed a token, so that no ratio compares one kind with another unseen.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { callForJson, get } from './http_client.js'

const headerOf = (jwt: string): Record<string, unknown> => {
  try {
    return JSON.parse(Buffer.from(jwt.split('.', 1)[0] ?? '', 'base64url').toString())
  } catch {
    return {}
  }
}

/** The `alg` of a JWT; undefined for what is none. */
export const algorithmOf = (jwt: string): string | undefined => headerOf(jwt).alg as string | undefined

/** The algorithm and the size of the key: `RS256-2048`, `ES256`; `opaque` for what is no JWT. */
export async function keyKindOf(jwt: string, origin: string, jwksPath: string): Promise<string> {
  const { alg, kid } = headerOf(jwt)
  if (typeof alg !== 'string') return 'opaque'
  if (!/^[RP]S/.test(alg)) return alg
  const { keys } = (await callForJson(origin, get(jwksPath))) as { keys: (JsonWebKey & { kid?: string })[] }
  const key = keys.find((candidate) => candidate.kid === kid)
  const size = key && createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails?.modulusLength
  return size ? `${alg}-${size}` : alg
}
