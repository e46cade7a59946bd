// The access token as a JWT (RFC 9068), with Hydra's claims (`scp`, `ext`).
import { uuidFromBytes } from '../../kit/random.js'
import { splitWords } from '../../kit/scope_strategy.js'
import type { TokenConfig } from '../config.js'
import { readJwt, signJwt } from '../keys/jwt.js'
import { accessTokenKeySet } from '../keys/key_sets.js'
import type { AccessTokenContent, AccessTokenStrategy } from './access_token.js'

/** RFC 9068 2.1: so that no other JWT passes for an access token. */
const typ = 'at+jwt'

export const jwtAccessToken: AccessTokenStrategy = {
  async prepare({ keys }, lifespan) {
    await keys.noteLifespan(keys.signingKey(accessTokenKeySet), lifespan)
  },

  async issue({ config, keys }, content) {
    return signJwt(keys.signingKey(accessTokenKeySet), typ, claimsOf(config, content))
  },

  async read({ config, keys }, token) {
    if (token.split('.').length !== 3) return undefined
    const payload = await readJwt(keys, token, { set: accessTokenKeySet, typ, issuer: config.issuer })
    if (!payload) return undefined
    const text = (claim: string): string => (typeof payload[claim] === 'string' ? payload[claim] : '')
    return {
      tokenId: text('jti'),
      grantId: text('gid'),
      clientId: text('client_id'),
      registrationId: text('rid'),
      expiresAt: payload.exp ?? 0,
    }
  },
}

/** What a consent app cannot say, whatever `oauth2.allowed_top_level_claims` allows. */
const reserved = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scp',
  'scope',
  'ext',
  'gid',
  'rid',
])

function claimsOf(config: TokenConfig, content: AccessTokenContent): Record<string, unknown> {
  const { issuer, oauth2, strategies } = config
  const session: Record<string, unknown> = content.sessionClaims ? JSON.parse(content.sessionClaims) : {}
  const isPromoted = (claim: string) => oauth2.allowed_top_level_claims.includes(claim) && !reserved.has(claim)
  const entries = Object.entries(session)
  const { scope_claim: scopeClaim } = strategies.jwt
  return {
    ...Object.fromEntries(entries.filter(([claim]) => isPromoted(claim))),
    iss: issuer,
    sub: content.obfuscatedSubject || content.subject,
    aud: content.audience,
    exp: content.expiresAt,
    iat: content.issuedAt,
    ...(oauth2.exclude_not_before_claim ? {} : { nbf: content.issuedAt }),
    jti: uuidFromBytes(content.tokenId),
    client_id: content.clientId,
    ...(scopeClaim === 'string' ? {} : { scp: splitWords(content.scope) }),
    ...(scopeClaim === 'list' ? {} : { scope: content.scope }),
    ...extOf(oauth2, entries, isPromoted),
    rid: content.registrationId,
    ...(content.grantId ? { gid: content.grantId } : {}),
  }
}

/** Hydra's `ext`: all session claims; without mirroring none, or those that are not at the top. */
function extOf(
  oauth2: TokenConfig['oauth2'],
  entries: readonly [string, unknown][],
  isPromoted: (claim: string) => boolean,
): { ext?: Record<string, unknown> } {
  if (oauth2.mirror_top_level_claims) return { ext: Object.fromEntries(entries) }
  if (!oauth2.preserve_ext_claims) return {}
  return { ext: Object.fromEntries(entries.filter(([claim]) => !isPromoted(claim))) }
}
