// The ID token (OpenID Connect Core 2), and the claims about the end-user that it shares with userinfo (5.3).
import { createHash } from 'node:crypto'
import type { Client } from '#proto/client/v1/client_service.js'
import { newUuid } from '../../kit/random.js'
import { signJwt } from '../keys/jwt.js'
import type { SigningKey } from '../keys/key_ring.js'
import { idTokenKeySet } from '../keys/key_sets.js'
import type { GrantContent } from '../store/grant_store.js'
import type { TokenMaterial } from './access_token.js'

/** What a consent app cannot say. */
const reserved = new Set(
  'iss sub aud exp iat nbf auth_time rat jti nonce at_hash c_hash s_hash sid acr amr azp'.split(' '),
)

export interface IdTokenContent {
  readonly grant: GrantContent
  readonly client: Client
  /** Epoch seconds. */
  readonly issuedAt: number
  /** Seconds. */
  readonly lifespan: number
  /** The access token that is issued with it; empty if none is. */
  readonly accessToken: string
  /** The authorization code that is issued with it; empty if none is. */
  readonly code: string
  /** The nonce of the authorization request; null where it is not to be repeated. */
  readonly nonce: string | null
}

/** The key for a client's ID and logout tokens: RS256 unless it registered otherwise (OpenID Connect Registration 2). */
export const idTokenKeyFor = ({ keys }: Pick<TokenMaterial, 'keys'>, client: Client): SigningKey =>
  keys.signingKey(idTokenKeySet, client.idTokenSignedResponseAlg || 'RS256')

/** To be called before anything is changed for an ID token: fails where it could not be issued then. */
export const prepareIdToken = (material: TokenMaterial, client: Client, lifespan: number): Promise<void> =>
  material.keys.noteLifespan(idTokenKeyFor(material, client), lifespan)

export async function issueIdToken(material: TokenMaterial, content: IdTokenContent): Promise<string> {
  const { grant, issuedAt, nonce, accessToken, code } = content
  const key = idTokenKeyFor(material, content.client)
  return signJwt(key, 'JWT', {
    ...userClaims(material.config.issuer, grant),
    iat: issuedAt,
    exp: issuedAt + content.lifespan,
    jti: newUuid(),
    ...(accessToken && { at_hash: leftHalfHash(key.algorithm.hash, accessToken) }),
    ...(code && { c_hash: leftHalfHash(key.algorithm.hash, code) }),
    ...(nonce === null ? {} : { nonce }),
    sid: grant.loginSessionId,
  })
}

/** The claims about the end-user, without those that tell of one issue. */
export function userClaims(issuer: string, grant: GrantContent): Record<string, unknown> {
  const session: Record<string, unknown> = grant.idTokenClaims ? JSON.parse(grant.idTokenClaims) : {}
  return {
    ...Object.fromEntries(Object.entries(session).filter(([claim]) => !reserved.has(claim))),
    iss: issuer,
    sub: grant.obfuscatedSubject ?? grant.subject,
    aud: [grant.clientId],
    ...(grant.authenticatedAt === null ? {} : { auth_time: toSeconds(grant.authenticatedAt) }),
    ...(grant.requestedAt === null ? {} : { rat: toSeconds(grant.requestedAt) }),
    ...(grant.acr === null ? {} : { acr: grant.acr }),
    ...(grant.amr === null ? {} : { amr: JSON.parse(grant.amr) }),
  }
}

const toSeconds = (date: Date): number => Math.floor(date.getTime() / 1_000)

/** `at_hash` and `c_hash` (OpenID Connect Core 3.1.3.6, 3.3.2.11): the left half of the hash. */
export function leftHalfHash(hash: SigningKey['algorithm']['hash'], text: string): string {
  const digest = createHash(hash).update(text).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
