// The authorization endpoint: RFC 6749 section 3.1, OpenID Connect Core section 3.1.2. Starts a flow, or goes on with the
// one that the login or consent app sends back.
import type { AuthorizationAnswer, ResumeAuthorizationRequest } from '#proto/consent/v1/authorization_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { readQueryOrForm } from '../http/body.js'
import { readCookies, setCookies } from '../http/cookies.js'
import type { Context, Endpoint, Parts } from '../http/endpoint.js'
import { toldError } from '../http/errors.js'
import type { Parameters } from '../http/parameters.js'
import { redirect } from '../http/redirect.js'
import { sendAuthorizationResponse } from '../http/response_modes.js'

export function authorization({ config, services }: Parts): Endpoint {
  return async (ctx) => {
    const parameters = await readQueryOrForm(ctx)
    const cookies = readCookies(ctx, config)
    const { call } = ctx.state
    const verifier = verifierOf(parameters)
    const { answer } = verifier
      ? await services.authorization.resumeAuthorization({ verifier, cookies }, call)
      : await services.authorization.startAuthorization(
          { parameters: parameters.values, duplicates: [...parameters.duplicates], cookies },
          call,
        )
    setCookies(ctx, answer?.cookies ?? [], config)
    sendAnswer(ctx, answer)
  }
}

/** The verifier that a request comes back with; undefined for a new request. */
export function verifierOf({ values, duplicates }: Parameters): ResumeAuthorizationRequest['verifier'] {
  const { device_verifier: device, login_verifier: login, consent_verifier: consent } = values
  const isAmbiguous =
    [device, login, consent].filter(Boolean).length > 1 ||
    duplicates.some((name) => /^(device|login|consent)_verifier$/i.test(name))
  if (isAmbiguous) throw new OAuthError('invalid_request', 'The request has more than one verifier.')
  if (device) return { $case: 'deviceVerifier', value: device }
  if (login) return { $case: 'loginVerifier', value: login }
  if (consent) return { $case: 'consentVerifier', value: consent }
  return undefined
}

export function sendAnswer(ctx: Context, answer: AuthorizationAnswer | undefined): void {
  const kind = answer?.kind
  if (kind?.$case === 'redirectTo') redirect(ctx, kind.value)
  else if (kind?.$case === 'response') sendAuthorizationResponse(ctx, kind.value)
  else throw toldError(kind?.value)
}
