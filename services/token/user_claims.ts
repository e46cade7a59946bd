// The claims about the end-user that a grant carries (OpenID Connect Core 5.3.2): read once, and kept until the grant is
// revoked.
import type { GetUserClaimsResponse } from '#proto/token/v1/token_service.js'
import type { LogMessage } from '../kit/change_log_reader.js'
import { nowSeconds } from '../kit/clock.js'
import { FollowedCache } from '../kit/feed.js'
import { OAuthError } from '../kit/oauth_error.js'
import { signJwt } from './keys/jwt.js'
import { idTokenKeySet } from './keys/key_sets.js'
import type { Parts } from './parts.js'
import { type RevocationEntry, revocationKinds } from './store/revocation_store.js'
import { userClaims } from './tokens/id_token.js'

const maxGrants = 10_000

interface KnownGrant {
  readonly clientId: string
  readonly registrationId: string
  readonly claims: Readonly<Record<string, unknown>>
}

export class UserClaims {
  #parts: Parts
  readonly #cache: FollowedCache<KnownGrant, Buffer, LogMessage<RevocationEntry>>

  constructor(parts: Parts) {
    this.#parts = parts
    this.#cache = new FollowedCache({
      name: 'revocations',
      max: maxGrants,
      maxStalenessMs: parts.config.maxStalenessMs,
      load: (grantId) => this.#load(grantId),
      open: (position, signal) => parts.revocations.watch(position ?? Buffer.alloc(0), signal),
      read: ({ entries, cursor, ...news }) => {
        if (entries.some(({ kind }) => kind === revocationKinds.subject)) this.#cache.clear()
        return { keys: revokedGrants(entries), position: cursor, ...news }
      },
    })
  }

  reconfigure(parts: Parts): void {
    this.#parts = parts
    this.#cache.maxStalenessMs = parts.config.maxStalenessMs
    this.#cache.clear()
  }

  start(): void {
    this.#cache.start()
  }

  stop(): Promise<void> {
    return this.#cache.stop()
  }

  /** Error: `invalid_token` where the grant is no more. */
  async of(grantId: string): Promise<GetUserClaimsResponse> {
    // With a hook the claims may be others after each refresh, by whichever process it was done.
    const known = this.#parts.hooks.areSet ? this.#load(grantId) : this.#cache.get(grantId)
    const { clientId, registrationId, claims: kept } = await known
    const client = await this.#parts.clients.find(clientId)
    if (client?.registrationId !== registrationId) throw new OAuthError('invalid_token')
    const claims = { ...kept, iat: nowSeconds() }
    const { userinfoSignedResponseAlg: alg } = client
    if (alg === '' || alg === 'none') return { claims, signedClaims: '' }
    return { claims, signedClaims: await signJwt(this.#parts.keys.signingKey(idTokenKeySet, alg), 'JWT', claims) }
  }

  async #load(grantId: string): Promise<KnownGrant> {
    const grant = await this.#parts.grants.find(grantId)
    if (!grant || grant.revokedAt !== null) throw new OAuthError('invalid_token')
    const { clientId, registrationId } = grant
    return { clientId, registrationId, claims: userClaims(this.#parts.config.issuer, grant) }
  }
}

const revokedGrants = (entries: readonly RevocationEntry[]): string[] =>
  entries.filter(({ kind }) => kind === revocationKinds.grant).map(({ key }) => key)
