// What the secret of a client must be like, by how it authenticates (RFC 6749 section 2.3.1, RFC 7518 section 3.2).
import type { Client } from '#proto/client/v1/client_service.js'
import { findMethod } from './authentication/index.js'

export interface SecretNeeds {
  /** It is a key for codes of authentication: whoever checks one has to know it. */
  readonly isSealed: boolean
  /** The bytes that it has at least. */
  readonly minBytes: number
}

/** As long as the hash of the algorithm; without a word about it, that of HS256. */
const hashBytes: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/** Undefined for a client that has no secret. */
export function secretNeedsOf(client: Client): SecretNeeds | undefined {
  const form = findMethod(client.tokenEndpointAuthMethod)?.secret ?? 'none'
  if (form === 'none') return undefined
  if (form === 'hashed') return { isSealed: false, minBytes: 0 }
  return { isSealed: true, minBytes: hashBytes[client.tokenEndpointAuthSigningAlg] ?? 32 }
}
