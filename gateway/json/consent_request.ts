// Consent requests and consent sessions as Hydra's JSON: oAuth2ConsentRequest, acceptOAuth2ConsentRequest,
// oAuth2ConsentSession.
import type {
  AcceptConsentRequestRequest,
  ConsentRequest,
  ConsentRequestSession,
  ConsentSession,
} from '#proto/consent/v1/consent_service.js'
import { clientToJson } from './client.js'
import { JsonObject } from './json_object.js'
import { oidcContextToJson } from './login_request.js'
import { timeToJson } from './timestamp.js'

export function consentRequestToJson(request: ConsentRequest): Record<string, unknown> {
  return {
    challenge: request.challenge,
    consent_request_id: request.consentRequestId,
    requested_scope: request.requestedScope,
    requested_access_token_audience: request.requestedAccessTokenAudience,
    skip: request.skip,
    subject: request.subject,
    oidc_context: oidcContextToJson(request.oidcContext),
    client: request.client && clientToJson(request.client),
    request_url: request.requestUrl,
    login_challenge: request.loginChallenge,
    login_session_id: request.loginSessionId,
    acr: request.acr,
    amr: request.amr,
    context: request.context ?? {},
    ...(request.deviceChallengeId && { device_challenge_id: request.deviceChallengeId }),
  }
}

export function acceptConsentFromJson(consentChallenge: string, value: unknown): AcceptConsentRequestRequest {
  const json = new JsonObject(value)
  return {
    consentChallenge,
    grantScope: json.texts('grant_scope'),
    grantAccessTokenAudience: json.texts('grant_access_token_audience'),
    session: sessionFromJson(json.object('session')),
    remember: json.flag('remember'),
    rememberFor: json.count('remember_for'),
    context: json.object('context'),
  }
}

export function consentSessionToJson(session: ConsentSession): Record<string, unknown> {
  return {
    consent_request_id: session.consentRequestId,
    consent_request: session.consentRequest && consentRequestToJson(session.consentRequest),
    context: session.context ?? {},
    grant_scope: session.grantScope,
    grant_access_token_audience: session.grantAccessTokenAudience,
    session: { access_token: session.session?.accessToken ?? {}, id_token: session.session?.idToken ?? {} },
    remember: session.remember,
    remember_for: session.rememberFor,
    handled_at: timeToJson(session.handledAt),
    ...(session.expiresAt && { expires_at: timeToJson(session.expiresAt) }),
  }
}

function sessionFromJson(value: unknown): ConsentRequestSession | undefined {
  if (value === undefined) return undefined
  const json = new JsonObject(value)
  return { accessToken: json.object('access_token'), idToken: json.object('id_token') }
}
