// What a change of a key set comes to: what is added, deleted, retired, and made anew because tokens need it.
import { createPublicKey } from 'node:crypto'
import { OAuthError } from '../../kit/oauth_error.js'
import { newUuid } from '../../kit/random.js'
import { findAlgorithm } from './algorithms.js'
import type { ImportedKey } from './imported_key.js'
import type { SigningKey } from './key_ring.js'
import { firstKeys, signsTokens } from './key_sets.js'

export interface KeyChangePlan {
  readonly added: readonly ImportedKey[]
  /** The kids of keys that go at once. */
  readonly deletions: readonly string[]
  /** The kids of keys that may have signed tokens, or do. */
  readonly retirements: readonly string[]
  /** The algorithms that tokens need and that no other key is left for. */
  readonly missing: readonly string[]
}

/** Error: `conflict`. */
export function planKeyChange(
  set: string,
  before: readonly SigningKey[],
  imported: readonly ImportedKey[],
  isGone: (kid: string) => boolean,
): KeyChangePlan {
  const present = before.filter(({ retiredAt }) => !retiredAt)
  if (!signsTokens(set)) {
    const gone = present.filter(({ kid }) => isGone(kid)).map(({ kid }) => kid)
    return { added: imported, deletions: [...gone, ...imported.map(({ kid }) => kid)], retirements: [], missing: [] }
  }
  const added = imported.filter((key) => !isThere(before, key))
  const gone = present.filter(({ kid }) => isGone(kid) && !imported.some((key) => key.kid === kid))
  const left = new Set([...present.filter((key) => !gone.includes(key)), ...added].map(({ alg }) => alg))
  const missing = (firstKeys[set] ?? []).filter((alg) => gone.some((key) => key.alg === alg) && !left.has(alg))
  return { added, deletions: [], retirements: gone.map(({ kid }) => kid), missing }
}

/** A key with a kid of its own. */
export async function generateKey(alg: string): Promise<ImportedKey> {
  const algorithm = findAlgorithm(alg)
  if (!algorithm) throw new Error(`there is no algorithm ${alg}`)
  return { ...(await algorithm.generate()), kid: newUuid(), alg, use: 'sig' }
}

/** Whether the set has the very key. Error: `conflict` where its kid is another key's, which tokens were signed with. */
function isThere(before: readonly SigningKey[], { kid, alg, publicKey }: ImportedKey): boolean {
  const known = before.find((key) => key.kid === kid)
  if (!known) return false
  const { kid: _, alg: __, use, ...members } = known.publicJwk
  const isEqual = known.alg === alg && createPublicKey({ key: members, format: 'jwk' }).equals(publicKey)
  if (isEqual && !known.retiredAt) return true
  throw new OAuthError('conflict', 'The kid is that of another key, which tokens were signed with.', {
    hint: 'Import the key under another kid.',
  })
}
