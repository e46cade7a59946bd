// Begins the grant that an end-user gave to a device (RFC 8628 section 3.3): stores it, and then lets the device have it. In that
// order: a device that may redeem finds something to redeem.
import type { Client } from '#proto/client/v1/client_service.js'
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { longestLifespan, newGrant } from './new_grant.js'
import type { Parts } from './parts.js'

/** Nothing is answered in the browser. Errors: `conflict`, `expired_token`. */
export async function beginDeviceGrant(
  { config, grants, deviceCodes, revocations }: Parts,
  client: Client,
  request: StartGrantRequest,
): Promise<Record<string, string>> {
  const { deviceAuthorizationGrantAccessToken, deviceAuthorizationGrantRefreshToken } = client.lifespans ?? {}
  const { ttl } = config
  const longest = longestLifespan(
    config,
    request.scope,
    deviceAuthorizationGrantAccessToken,
    deviceAuthorizationGrantRefreshToken,
  )
  const grant = newGrant(config, request, {
    codeLifespan: ttl.device_user_code,
    purgeAfter: Math.max(ttl.device_user_code + longest, ttl.login_consent_request),
    accessExpiresAt: null,
  })
  if (!(await grants.insert(grant))) throw new OAuthError('conflict', 'The grant was begun before.')
  if (await deviceCodes.decide(request.deviceCodeId, request.grantId, true)) return {}
  await revocations.revokeGrant(request.grantId)
  throw new OAuthError('expired_token', 'The code of the device has expired; let the device show a new one.')
}
