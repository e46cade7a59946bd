// Answers the RPCs of KeyService: key sets and the keys in them (RFC 7517).
import { type Key, KeyServiceService, type KeySet } from '#proto/token/v1/key_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { defineService } from '../kit/rpc/server.js'
import { decodeBase64url } from '../kit/sealing.js'
import { readJwk, readJwks } from './keys/imported_key.js'
import type { KeyRing, SigningKey } from './keys/key_ring.js'
import { signsTokens } from './keys/key_sets.js'

const toKey = (key: SigningKey, withPrivate = false): Key => ({
  kid: key.kid,
  alg: key.alg,
  use: String(key.publicJwk.use),
  jwk: key.publicJwk,
  createdAt: key.createdAt,
  signsFrom: key.signsFrom,
  retiresAt: key.retiresAt,
  privateJwk: withPrivate ? privateJwkOf(key) : undefined,
})

/** What signs tokens stays in this service, whoever asks: else whoever gets hold of a gateway could sign some. */
const privateJwkOf = ({ set, publicJwk, privateKey }: SigningKey) =>
  signsTokens(set) ? undefined : { ...publicJwk, ...privateKey?.export({ format: 'jwk' }) }

const toKeySet = (set: string, keys: readonly SigningKey[], withPrivate = false): KeySet => ({
  set,
  keys: [...keys]
    .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
    .map((key) => toKey(key, withPrivate)),
})

/** The keys of a set that were not deleted, or one of them. Error: `not_found`. */
function keysOf(ring: KeyRing, set: string, kid = ''): SigningKey[] {
  const found = ring.keysOf(set).filter((key) => !key.retiredAt && (kid === '' || key.kid === kid))
  if (found.length === 0) throw new OAuthError('not_found', `There is no such key${kid ? '' : ' set'}.`)
  return found
}

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
      return { keySets: sets.map((set) => toKeySet(set, ring.keysOf(set))), revision: ring.revision }
    },

    async listKeySets({ pageSize, pageToken }) {
      await ring.refresh()
      const size = Math.min(pageSize || 100, 500)
      const after = readPageToken(pageToken)
      const names = ring.setNames.filter(
        (name) => name > after && ring.keysOf(name).some(({ retiredAt }) => !retiredAt),
      )
      const page = names.slice(0, size)
      const last = names.length > size ? (page.at(-1) ?? '') : ''
      return {
        keySets: page.map((set) => toKeySet(set, keysOf(ring, set))),
        nextPageToken: Buffer.from(last).toString('base64url'),
      }
    },

    async getKeySet({ set, kid, withPrivate }) {
      await ring.refresh()
      return { keySet: toKeySet(set, keysOf(ring, set, kid), withPrivate) }
    },

    async createKey({ set, alg, kid, use }, call) {
      checkName('name of the set', set)
      if (kid) checkName('kid', kid)
      if (!['', 'sig', ...(signsTokens(set) ? [] : ['enc'])].includes(use))
        throw new OAuthError('invalid_request', 'The use of the key does not suit this set.')
      return { key: toKey(await ring.create(set, alg, kid, use || 'sig', call), true) }
    },

    async rotateKeySet({ set }, call) {
      await ring.rotate(set, call)
      return { keySet: toKeySet(set, keysOf(ring, set)) }
    },

    async putKey({ set, jwk }, call) {
      checkName('name of the set', set)
      const imported = readJwk(jwk, signsTokens(set))
      await ring.change(set, [imported], () => false, call)
      const [key] = keysOf(ring, set, imported.kid)
      return { key: key && toKey(key, true) }
    },

    async replaceKeySet({ set, jwks }, call) {
      checkName('name of the set', set)
      await ring.change(set, readJwks(jwks, signsTokens(set)), () => true, call)
      return { keySet: toKeySet(set, keysOf(ring, set), true) }
    },

    async deleteKey({ set, kid }, call) {
      await ring.refresh()
      keysOf(ring, set, kid)
      await ring.change(set, [], (each) => each === kid, call)
      return {}
    },

    async deleteKeySet({ set }, call) {
      await ring.refresh()
      keysOf(ring, set)
      await ring.change(set, [], () => true, call)
      return {}
    },
  })
