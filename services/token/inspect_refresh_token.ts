// What the store says of a refresh token (RFC 7662 2.2). One that has been rotated is not active, even where a retry would
// still be answered.
import { InspectRefreshTokenResponse } from '#proto/token/v1/token_service.js'
import { nowMs } from '../kit/clock.js'
import type { Call } from '../kit/rpc/contract.js'
import { splitWords } from '../kit/scope_strategy.js'
import type { Parts } from './parts.js'
import type { Grant } from './store/grant_store.js'
import { decodeRefreshToken } from './tokens/refresh_token.js'

export async function inspectRefreshToken(
  parts: Parts,
  token: string,
  call: Call,
): Promise<InspectRefreshTokenResponse> {
  const decoded = decodeRefreshToken(parts.sealer, token)
  const grant = decoded && (await parts.grants.find(decoded.grantId, call))
  const isActive =
    grant && isAlive(grant, decoded.generation) && (await parts.clients.isCurrent(grant.clientId, grant.registrationId))
  if (!isActive) return InspectRefreshTokenResponse.fromPartial({})
  return {
    active: true,
    clientId: grant.clientId,
    registrationId: grant.registrationId,
    subject: grant.subject,
    obfuscatedSubject: grant.obfuscatedSubject ?? '',
    scope: splitWords(grant.scope),
    audience: splitWords(grant.audience ?? ''),
    issuedAt: toSeconds(grant.rotatedAt),
    expiresAt: toSeconds(grant.expiresAt),
    extJson: Buffer.from(grant.accessTokenClaims ?? ''),
    grantId: grant.id,
  }
}

const isAlive = (grant: Grant, generation: number): boolean =>
  grant.revokedAt === null &&
  grant.generation === generation &&
  (grant.expiresAt === null || grant.expiresAt.getTime() > nowMs())

const toSeconds = (date: Date | null): number => (date === null ? 0 : Math.floor(date.getTime() / 1_000))
