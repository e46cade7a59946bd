// The consent app's side of a flow: Hydra's /admin/oauth2/auth/requests/consent.
import { sendJson } from '../../http/answer.js'
import { readJson } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { acceptConsentFromJson, consentRequestToJson } from '../../json/consent_request.js'
import { rejectionFromJson } from '../../json/login_request.js'
import { challengeOf, sendRedirectTo } from './login_requests.js'

const name = 'consent_challenge'

export function getConsentRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const consentChallenge = challengeOf(ctx, name)
    const { consentRequest } = await services.consent.getConsentRequest({ consentChallenge }, ctx.state.call)
    sendJson(ctx, consentRequest && consentRequestToJson(consentRequest))
  }
}

export function acceptConsentRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = acceptConsentFromJson(challengeOf(ctx, name), await readJson(ctx))
    sendRedirectTo(ctx, await services.consent.acceptConsentRequest(request, ctx.state.call))
  }
}

export function rejectConsentRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = { consentChallenge: challengeOf(ctx, name), rejection: rejectionFromJson(await readJson(ctx)) }
    sendRedirectTo(ctx, await services.consent.rejectConsentRequest(request, ctx.state.call))
  }
}
