// Verifies JWT access tokens: RFC 9068 section 4, with the care that RFC 8725 asks for.
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import type { PublishedKeys, VerificationKey } from './published_keys.js'
import { VerifiedTokens } from './verified_tokens.js'

/** What a JWT says whose signature, type and issuer are right and whose claims are complete. */
export interface VerifiedToken {
  readonly tokenId: string
  /** Empty for a token without a grant. */
  readonly grantId: string
  readonly registrationId: string
  readonly clientId: string
  readonly subject: string
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  /** Epoch seconds. */
  readonly issuedAt: number
  readonly notBefore: number
  readonly expiresAt: number
  /** Epoch milliseconds. */
  readonly issuedAtMs: number
  /** What the consent app added. */
  readonly claims: Readonly<Record<string, unknown>>
}

const maxLength = 64 * 1024

export const hasJwtForm = (token: string): boolean => token.length <= maxLength && token.split('.').length === 3

export class JwtAccessTokens {
  readonly #issuer: string
  readonly #keys: PublishedKeys
  readonly #verified = new VerifiedTokens()

  constructor(issuer: string, keys: PublishedKeys) {
    this.#issuer = issuer
    this.#keys = keys
  }

  /**
   * Undefined for what is no access token of the issuer; an expired one is read all the same. `unsure` where its key
   * cannot be known now. `revision`: of the keys that are published now, if that is known.
   */
  async read(token: string, revision: string): Promise<VerifiedToken | undefined | 'unsure'> {
    const known = this.#verified.get(token)
    const kid = known?.kid ?? (isSpeltRight(token) ? kidOf(token) : undefined)
    if (kid === undefined) return undefined
    const found = await this.#keys.find(kid, revision)
    if (found === undefined || found === 'unsure') return found
    // A key that was published anew has to verify it again.
    if (known?.key === found.key) return known.token
    const verified = await this.#verify(token, found)
    if (verified) this.#verified.set(token, { kid, key: found.key, token: verified })
    return verified
  }

  async #verify(token: string, found: VerificationKey): Promise<VerifiedToken | undefined> {
    try {
      // Whether it is current is judged by who reads it: at each use.
      const { payload } = await jwtVerify(token, found.key, {
        algorithms: [found.alg],
        typ: 'at+jwt',
        issuer: this.#issuer,
        currentDate: new Date(0),
        clockTolerance: 0xffff_ffff,
      })
      return toVerified(payload)
    } catch {
      return undefined
    }
  }
}

/** A token has one spelling: base64url leaves bits without meaning, and decoders overlook what is not of it. */
const isSpeltRight = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)

function kidOf(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token)
    return typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}

function toVerified(payload: JWTPayload): VerifiedToken | undefined {
  const { sub, exp, iat, nbf = iat, jti, client_id: clientId, rid, gid = '' } = payload
  const isComplete =
    typeof sub === 'string' &&
    typeof clientId === 'string' &&
    isSeconds(exp) &&
    isSeconds(iat) &&
    isSeconds(nbf) &&
    isUuid(jti) &&
    isUuid(rid) &&
    (gid === '' || isUuid(gid))
  if (!isComplete) return undefined
  return deepFreeze({
    tokenId: jti,
    grantId: gid,
    registrationId: rid,
    clientId,
    subject: sub,
    scope: scopeOf(payload),
    audience: strings(payload.aud),
    issuedAt: iat,
    notBefore: nbf,
    expiresAt: exp,
    issuedAtMs: Number.parseInt(jti.replaceAll('-', '').slice(0, 12), 16),
    claims: claimsOf(payload),
  })
}

/** It is handed out at each use of the token. */
function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part)
  return Object.freeze(value)
}

const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff

const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string')

/** `scope` as RFC 9068 2.2.3 has it, or the list `scp`. */
const scopeOf = ({ scope, scp }: JWTPayload): string[] =>
  typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : strings(scp)

/** Claims that are the server's own. */
const standard = new Set('iss sub aud exp nbf iat jti client_id scp scope ext gid rid'.split(' '))

/** They stand in `ext`, at the top level, or both. */
function claimsOf(payload: JWTPayload): Record<string, unknown> {
  const promoted = Object.entries(payload).filter(([name]) => !standard.has(name))
  const below = typeof payload.ext === 'object' && payload.ext !== null ? payload.ext : {}
  return { ...Object.fromEntries(promoted), ...below }
}
