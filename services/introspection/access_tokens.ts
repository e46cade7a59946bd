// Reads access tokens, whichever form they come in. The same token comes again and again, and opening or verifying it takes
// several times as long as all the rest: so what a token says is remembered, under its digest, while the keys are the same.
import { hash } from 'node:crypto'
import { lruCache } from '../kit/lru_cache.js'
import { Sealer } from '../kit/sealing.js'
import type { IntrospectionConfig } from './config.js'
import { JwtAccessTokens } from './jwt_access_token.js'
import type { PublishedKeys } from './keys.js'
import { opaquePrefix, readOpaqueToken } from './opaque_access_token.js'
import type { ReceivedToken } from './received_token.js'

/** Some 20 MB, with the answers. */
const maxRemembered = 10_000

export class AccessTokens {
  readonly #keys: PublishedKeys
  readonly #sealer: Sealer
  readonly #jwts: JwtAccessTokens
  readonly #remembered = lruCache<ReceivedToken>(maxRemembered)
  #rememberedFor: string | undefined

  constructor(config: IntrospectionConfig, keys: PublishedKeys) {
    this.#keys = keys
    this.#sealer = new Sealer(config.secrets)
    this.#jwts = new JwtAccessTokens(config, keys)
  }

  /**
   * Undefined for what is no access token of this server; an expired one is read all the same. A promise where a key has
   * to be fetched; error: `temporarily_unavailable`.
   */
  read(token: string): ReceivedToken | undefined | Promise<ReceivedToken | undefined> {
    if (this.#rememberedFor !== this.#keys.revision) {
      this.#remembered.clear()
      this.#rememberedFor = this.#keys.revision
    }
    const digest = hash('sha256', token, 'base64')
    const remembered = this.#remembered.get(digest)
    if (remembered) return remembered
    const received = token.startsWith(opaquePrefix) ? readOpaqueToken(this.#sealer, token) : this.#jwts.read(token)
    if (received && !(received instanceof Promise)) this.#remembered.set(digest, received)
    return received
  }
}
