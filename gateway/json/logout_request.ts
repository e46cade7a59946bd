// Logout requests as Hydra's JSON: oAuth2LogoutRequest.
import type { LogoutRequest } from '#proto/consent/v1/logout_service.js'
import { clientToJson } from './client.js'
import { timeToJson } from './timestamp.js'

export const logoutRequestToJson = (request: LogoutRequest): Record<string, unknown> => ({
  challenge: request.challenge,
  subject: request.subject,
  sid: request.sid,
  request_url: request.requestUrl,
  rp_initiated: request.rpInitiated,
  ...(request.client && { client: clientToJson(request.client) }),
  expires_at: timeToJson(request.expiresAt),
  requested_at: timeToJson(request.requestedAt),
})
