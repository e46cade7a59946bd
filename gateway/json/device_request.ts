// Device requests as JSON, in the members that Hydra's verifyUserCodeRequest has, and the times of the request.
import type { DeviceRequest } from '#proto/consent/v1/device_service.js'
import { clientToJson } from './client.js'
import { timeToJson } from './timestamp.js'

/** Without a user code nothing but the challenge is known. */
export const deviceRequestToJson = (request: DeviceRequest): Record<string, unknown> => ({
  challenge: request.challenge,
  ...(request.client && {
    client: clientToJson(request.client),
    requested_scope: request.requestedScope,
    requested_access_token_audience: request.requestedAccessTokenAudience,
    requested_at: timeToJson(request.requestedAt),
    expires_at: timeToJson(request.expiresAt),
  }),
})
