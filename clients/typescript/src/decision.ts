// What is decided about a token.

/** A token that is good. */
export interface ActiveToken {
  readonly active: true
  /** The subject; of a token that a client has for itself, the client. */
  readonly subject: string
  readonly clientId: string
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  /** Epoch seconds. */
  readonly issuedAt: number
  /** Epoch seconds; 0: never. */
  readonly expiresAt: number
  /** The `jti`; empty where the server does not tell. */
  readonly tokenId: string
  /** The grant it was issued under; empty if it has none or the server does not tell. */
  readonly grantId: string
  /** What the consent app added. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Whether it was decided here, or the server was asked. */
  readonly source: 'memory' | 'server'
}

/** Why is nobody's business: the same for every token that is not good. */
export interface InactiveToken {
  readonly active: false
}

export type Decision = ActiveToken | InactiveToken

export const inactive: InactiveToken = Object.freeze({ active: false })

/** It cannot be known now whether the token is good: gRPC UNAVAILABLE, HTTP 503. Never a verdict on the token. */
export class IntrospectionUnavailable extends Error {
  override readonly name = 'IntrospectionUnavailable'
  /** Seconds after which to ask again. */
  readonly retryAfter = 1

  constructor(cause: unknown) {
    super('whether the token is good cannot be known at the moment', { cause })
  }
}
