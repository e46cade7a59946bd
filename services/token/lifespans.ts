// How long tokens live: a client's own lifespans, or else `ttl`. In seconds.
import type { TokenConfig } from './config.js'

export interface Lifespans {
  readonly accessToken: number
  readonly idToken: number
  /** Undefined: for ever. */
  readonly refreshToken: number | undefined
}

/** The log of revocations outlives every access token, so that even a client's own lifespans end somewhere: a leap year. */
export const longestAccessTokenLifespan = 366 * 86_400

export const accessTokenLifespan = ({ ttl }: TokenConfig, own: number | undefined): number =>
  Math.min(own ?? ttl.access_token, longestAccessTokenLifespan)

export const lifespans = (
  config: TokenConfig,
  own: { readonly [K in keyof Lifespans]: Lifespans[K] | undefined },
): Lifespans => ({
  accessToken: accessTokenLifespan(config, own.accessToken),
  idToken: own.idToken ?? config.ttl.id_token,
  refreshToken: own.refreshToken ?? config.ttl.refresh_token,
})
