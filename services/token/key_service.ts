// Answers the RPCs of KeyService: key sets and the keys in them (RFC 7517).
import { type Key, KeyServiceService, type KeySet } from '#proto/token/v1/key_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { defineService } from '../kit/rpc/server.js'
import { decodeBase64url } from '../kit/sealing.js'
import type { KeyRing, SigningKey } from './keys/key_ring.js'

const toKey = (key: SigningKey): Key => ({
  kid: key.kid,
  alg: key.alg,
  use: 'sig',
  jwk: key.publicJwk,
  createdAt: key.createdAt,
  signsFrom: key.signsFrom,
  retiresAt: key.retiresAt,
})

const toKeySet = (ring: KeyRing, set: string): KeySet => ({
  set,
  keys: [...ring.keysOf(set)]
    .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
    .map((key) => toKey(key)),
})

/** Names end up in logs, URLs and JWT headers. */
function checkName(what: string, name: string): void {
  if (!/^[\x21-\x7e]{1,255}$/.test(name))
    throw new OAuthError('invalid_request', `The ${what} must be 1 to 255 visible ASCII characters.`)
}

function readPageToken(token: string): string {
  const name = decodeBase64url(token)?.toString()
  if (name === undefined) throw new OAuthError('invalid_request', 'The page token is not one of this server.')
  return name
}

export const createKeyService = (ring: KeyRing) =>
  defineService(KeyServiceService, {
    async getPublishedKeys() {
      const sets = ring.publishedSets.filter((set) => ring.keysOf(set).length > 0)
      return { keySets: sets.map((set) => toKeySet(ring, set)), revision: ring.revision }
    },

    async listKeySets({ pageSize, pageToken }) {
      await ring.refresh()
      const size = Math.min(pageSize || 100, 500)
      const after = readPageToken(pageToken)
      const names = ring.setNames.filter((name) => name > after)
      const page = names.slice(0, size)
      const last = names.length > size ? (page.at(-1) ?? '') : ''
      return {
        keySets: page.map((set) => toKeySet(ring, set)),
        nextPageToken: Buffer.from(last).toString('base64url'),
      }
    },

    async getKeySet({ set }) {
      await ring.refresh()
      if (ring.keysOf(set).length === 0) throw new OAuthError('not_found', 'There is no such key set.')
      return { keySet: toKeySet(ring, set) }
    },

    async createKey({ set, alg, kid }, call) {
      checkName('name of the set', set)
      if (kid) checkName('kid', kid)
      return { key: toKey(await ring.create(set, alg, kid, call)) }
    },

    async rotateKeySet({ set }, call) {
      await ring.rotate(set, call)
      return { keySet: toKeySet(ring, set) }
    },
  })
