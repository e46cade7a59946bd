// Access tokens (RFC 6749 1.4): what one says, and the strategies that put it into a string.
import type { Client } from '#proto/client/v1/client_service.js'
import type { Parts } from '../parts.js'
import { jwtAccessToken } from './jwt_access_token.js'
import { opaqueAccessToken } from './opaque_access_token.js'

export interface AccessTokenContent {
  /** A UUIDv7, 16 bytes. */
  readonly tokenId: Buffer
  /** Empty for a token without a grant. */
  readonly grantId: string
  readonly clientId: string
  readonly registrationId: string
  readonly subject: string
  /** The subject that the client sees, where it is another; else empty. */
  readonly obfuscatedSubject: string
  /** Separated by spaces. */
  readonly scope: string
  readonly audience: readonly string[]
  /** Epoch seconds. */
  readonly issuedAt: number
  /** Epoch seconds. */
  readonly expiresAt: number
  /** Claims from the consent app as JSON; empty if there are none. */
  readonly sessionClaims: string
  readonly hasEndUser: boolean
}

/** What a token that came in says of itself. */
export interface ReceivedAccessToken {
  readonly tokenId: string
  /** Empty for a token without a grant. */
  readonly grantId: string
  readonly clientId: string
  readonly registrationId: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

export type TokenMaterial = Pick<Parts, 'config' | 'sealer' | 'keys'>

export interface AccessTokenStrategy {
  /** To be called before anything is changed for a token: fails where it could not be issued then. */
  prepare(material: TokenMaterial, lifespan: number): Promise<void>
  issue(material: TokenMaterial, content: AccessTokenContent): Promise<string>
  /** Undefined for what is no token of this strategy or has expired. */
  read(material: TokenMaterial, token: string): Promise<ReceivedAccessToken | undefined>
}

/** By their names in `strategies.access_token`. */
const strategies = { opaque: opaqueAccessToken, jwt: jwtAccessToken } as const satisfies Record<
  string,
  AccessTokenStrategy
>

/** The client's own strategy, or the server's. */
export function strategyOf(client: Client, material: TokenMaterial): AccessTokenStrategy {
  const { accessTokenStrategy: own } = client
  return own === 'opaque' || own === 'jwt' ? strategies[own] : strategies[material.config.strategies.access_token]
}

/** Reads an access token of any strategy; undefined for what is none or has expired. */
export async function readAccessToken(
  material: TokenMaterial,
  token: string,
): Promise<ReceivedAccessToken | undefined> {
  for (const strategy of Object.values(strategies)) {
    const received = await strategy.read(material, token)
    if (received) return received
  }
  return undefined
}
