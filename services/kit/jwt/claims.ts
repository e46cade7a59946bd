// What the claims of a JWT that somebody else signed must say (RFC 7519 section 4.1, RFC 7523 section 3).
import { nowMs } from '../clock.js'
import type { Config } from '../config/config.js'
import { type Claims, JwtError } from './signed_jwt.js'

/** Seconds that the clock of a signer may be ahead of this one. */
const leeway = 30

const maxJtiBytes = 256

export interface TimeRules {
  /** Claims that must be there. */
  readonly needed: readonly ('exp' | 'iat')[]
  /** Seconds from now on that it may be good for. */
  readonly maxAhead?: number
  /** Seconds that it may be good for in all: from its `iat` on, where it has one. */
  readonly maxLifespan?: number
}

/** Whether now is the time of the JWT. What has expired has expired, whatever the clocks say. Error: JwtError. */
export function checkTimes(claims: Claims, { needed, maxAhead, maxLifespan }: TimeRules): void {
  for (const name of needed) if (claims[name] === undefined) throw new JwtError(`It has no ${name}.`)
  const now = nowMs() / 1_000
  const exp = timeOf(claims, 'exp')
  const iat = timeOf(claims, 'iat')
  const nbf = timeOf(claims, 'nbf')
  if (exp !== undefined && exp <= now) throw new JwtError('It has expired.')
  if (nbf !== undefined && nbf > now + leeway) throw new JwtError('It is not yet valid.')
  if (iat !== undefined && iat > now + leeway) throw new JwtError('It was issued in the future.')
  if (exp === undefined) return
  if (maxAhead !== undefined && exp > now + maxAhead)
    throw new JwtError(`Its exp is more than ${maxAhead} seconds ahead.`)
  if (maxLifespan !== undefined && exp > (iat ?? now) + maxLifespan)
    throw new JwtError(`It is good for more than ${maxLifespan} seconds.`)
}

/** A NumericDate (RFC 7519 section 2); undefined where there is none. */
function timeOf(claims: Claims, name: string): number | undefined {
  const value = claims[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value >= 0 && value < Number.MAX_SAFE_INTEGER))
    throw new JwtError(`Its ${name} is not a number of seconds.`)
  return value
}

/** Who an assertion may be meant for: this server, by its issuer identifier or its token endpoint. */
export function assertionAudiences({ urls: { self } }: Config): readonly string[] {
  return [self.issuer, `${(self.public || self.issuer).replace(/\/+$/, '')}/oauth2/token`]
}

/** Whether the JWT is meant for this server and for nobody else, who could use it here. Error: JwtError. */
export function checkAudience({ aud }: Claims, audiences: readonly string[]): void {
  const named = Array.isArray(aud) ? aud : [aud]
  if (named.length === 0 || !named.every((one) => audiences.includes(one)))
    throw new JwtError('Its aud is not this server alone: use the issuer.')
}

/** The id that a JWT is used up by. Error: JwtError. */
export function readJti({ jti }: Claims): string {
  if (typeof jti !== 'string' || jti === '') throw new JwtError('It has no jti.')
  if (Buffer.byteLength(jti) > maxJtiBytes) throw new JwtError(`Its jti is longer than ${maxJtiBytes} bytes.`)
  return jti
}
