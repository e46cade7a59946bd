// What the client gets, good or bad (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).
import type { AuthorizationAnswer, Cookie } from '#proto/consent/v1/authorization_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { ConsentConfig } from './config.js'
import type { Stage } from './flow.js'

/** Where an answer goes. */
export interface Destination {
  readonly redirectUri: string
  readonly responseMode: string
  /** Parameter `state` of the request; empty if there was none. */
  readonly state: string
  /** The page that the browser ends at where a device waits for the answer (RFC 8628); then there is no redirect URI. */
  readonly deviceDone?: string
}

type Settings = Pick<ConsentConfig, 'issuer' | 'legacyErrorFields'>

export function answerClient(
  { redirectUri, responseMode, state, deviceDone }: Destination,
  parameters: Readonly<Record<string, string>>,
  { issuer }: Settings,
  cookies: Cookie[],
): AuthorizationAnswer {
  if (deviceDone !== undefined) return sendTo(deviceDone, cookies)
  const value = {
    redirectUri,
    responseMode,
    parameters: { ...parameters, ...(state && { state }), iss: issuer },
  }
  return { kind: { $case: 'response', value }, cookies }
}

export function refuseClient(
  destination: Destination,
  error: OAuthError,
  settings: Settings,
  cookies: Cookie[],
): AuthorizationAnswer {
  if (destination.deviceDone !== undefined) return { ...showError(error), cookies }
  return answerClient(destination, errorParameters(error, settings.legacyErrorFields), settings, cookies)
}

function errorParameters({ code, description, hint }: OAuthError, legacy: boolean): Record<string, string> {
  if (legacy) return { error: code, error_description: description, ...(hint && { error_hint: hint }) }
  return { error: code, error_description: [description, hint].filter(Boolean).join(' ') }
}

/** An error that the server shows itself, since there is no redirect URI to trust. */
export function showError({ code, description, hint, retryAfter, redirectTo }: OAuthError): AuthorizationAnswer {
  return { kind: { $case: 'error', value: { code, description, hint, retryAfter, redirectTo } }, cookies: [] }
}

export const verifierUsed = (stage: Stage): OAuthError =>
  new OAuthError('access_denied', `The ${stage} verifier has been used before.`)

export const sendTo = (url: string, cookies: Cookie[]): AuthorizationAnswer => ({
  kind: { $case: 'redirectTo', value: url },
  cookies,
})

/** Whether nothing was decided: the server could not tell. */
export const isOutage = (error: OAuthError): boolean =>
  error.code === 'temporarily_unavailable' || error.code === 'server_error'
