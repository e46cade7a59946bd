// Verifies `id_token_hint`: an ID token of this server, for this client, expired or not (OpenID Connect Core section
// 3.1.2.1, RP-Initiated Logout 1.0 section 2). With the published keys, so that no private part is needed here.
import { compactVerify, createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload } from 'jose'
import type { KeyServiceService } from '#proto/token/v1/key_service.js'
import { monotonicMs } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Remote } from '../kit/rpc/contract.js'

/** The key set that ID tokens are signed with; a token of any other set is no ID token. */
const keySet = 'hydra.openid.id-token'

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** Keys are fetched anew after this time, and earlier where a key is missing, but not in a rush. */
const keysLiveMs = 60_000
const refetchAfterMs = 1_000

export interface IdTokenHint {
  readonly subject: string
  /** The login session; empty if it says none. */
  readonly sessionId: string
  readonly audience: readonly string[]
  readonly claims: JWTPayload
}

type Keys = ReturnType<typeof createLocalJWKSet>

export class IdTokenHints {
  readonly #service: Remote<typeof KeyServiceService>
  readonly #issuer: string
  /** For all that ask at once. */
  #fetching: Promise<Keys> | undefined
  #keys: Keys | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY

  constructor(service: Remote<typeof KeyServiceService>, issuer: string) {
    this.#service = service
    this.#issuer = issuer
  }

  /** Error: `invalid_request` for what is no ID token of this server. */
  async verify(token: string): Promise<IdTokenHint> {
    const claims = await this.#claimsOf(token)
    const hint = readHint(claims)
    // Signed userinfo is of the same kind in all but this: it says nothing of an end.
    const isIdToken = claims.iss === this.#issuer && typeof claims.exp === 'number'
    if (!isIdToken || !hint || hint.audience.length === 0) throw refused()
    return hint
  }

  async #claimsOf(token: string): Promise<JWTPayload> {
    try {
      return await this.#verifyWith(token, await this.#currentKeys(keysLiveMs))
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw asRefusal(thrown)
    }
    try {
      return await this.#verifyWith(token, await this.#currentKeys(refetchAfterMs))
    } catch (thrown) {
      throw asRefusal(thrown)
    }
  }

  async #verifyWith(token: string, keys: Keys): Promise<JWTPayload> {
    const { protectedHeader } = await compactVerify(token, keys, { algorithms })
    // An access token of RFC 9068 is none, whatever it is signed with.
    if (protectedHeader.typ !== undefined && protectedHeader.typ.toUpperCase() !== 'JWT') throw refused()
    return decodeJwt(token)
  }

  async #currentKeys(maxAgeMs: number): Promise<Keys> {
    if (this.#keys && monotonicMs() - this.#fetchedAt < maxAgeMs) return this.#keys
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<Keys> {
    const { keySets } = await this.#service.getPublishedKeys({})
    const keys = keySets.find(({ set }) => set === keySet)?.keys ?? []
    const jwks: JSONWebKeySet = { keys: keys.flatMap(({ jwk }) => (jwk ? [jwk as JSONWebKeySet['keys'][number]] : [])) }
    this.#keys = createLocalJWKSet(jwks)
    this.#fetchedAt = monotonicMs()
    return this.#keys
  }
}

/** What the claims of an ID token say; undefined if they name nobody. */
export function readHint(claims: JWTPayload): IdTokenHint | undefined {
  const { sub, sid, aud = [] } = claims
  if (typeof sub !== 'string' || sub === '') return undefined
  return { subject: sub, sessionId: typeof sid === 'string' ? sid : '', audience: [aud].flat(), claims }
}

const refused = (cause?: unknown): OAuthError =>
  new OAuthError('invalid_request', '`id_token_hint` is not an ID token that this server issued.', { cause })

/** An outage of the key service stays one; whatever is wrong with the token is the sender's. */
const asRefusal = (thrown: unknown): OAuthError =>
  thrown instanceof OAuthError && thrown.code !== 'invalid_request' ? thrown : refused(thrown)
