// Login requests as Hydra's JSON: oAuth2LoginRequest, acceptOAuth2LoginRequest, rejectOAuth2Request.
import type {
  AcceptLoginRequestRequest,
  LoginRequest,
  OidcContext,
  Rejection,
} from '#proto/consent/v1/login_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { clientToJson } from './client.js'
import { JsonObject } from './json_object.js'

export function loginRequestToJson(request: LoginRequest): Record<string, unknown> {
  return {
    challenge: request.challenge,
    requested_scope: request.requestedScope,
    requested_access_token_audience: request.requestedAccessTokenAudience,
    skip: request.skip,
    subject: request.subject,
    oidc_context: oidcContextToJson(request.oidcContext),
    client: request.client && clientToJson(request.client),
    request_url: request.requestUrl,
    session_id: request.sessionId,
  }
}

/** What was not asked for is left out. */
export function oidcContextToJson(context: OidcContext | undefined): Record<string, unknown> {
  if (!context) return {}
  return {
    ...(context.acrValues.length > 0 && { acr_values: context.acrValues }),
    ...(context.uiLocales.length > 0 && { ui_locales: context.uiLocales }),
    ...(context.display && { display: context.display }),
    ...(context.idTokenHintClaims && { id_token_hint_claims: context.idTokenHintClaims }),
    ...(context.loginHint && { login_hint: context.loginHint }),
  }
}

export function acceptLoginFromJson(loginChallenge: string, value: unknown): AcceptLoginRequestRequest {
  const json = new JsonObject(value)
  const subject = json.text('subject')
  if (subject === '') throw new OAuthError('invalid_request', "The member 'subject' must not be empty.")
  return {
    loginChallenge,
    subject,
    remember: json.flag('remember'),
    rememberFor: json.count('remember_for'),
    extendSessionLifespan: json.flag('extend_session_lifespan'),
    acr: json.text('acr'),
    amr: json.texts('amr'),
    forceSubjectIdentifier: json.text('force_subject_identifier'),
    identityProviderSessionId: json.text('identity_provider_session_id'),
    context: json.object('context'),
  }
}

export function rejectionFromJson(value: unknown): Rejection {
  const json = new JsonObject(value)
  return {
    error: json.text('error'),
    errorDescription: json.text('error_description'),
    errorHint: json.text('error_hint'),
    errorDebug: json.text('error_debug'),
    statusCode: json.count('status_code'),
  }
}
