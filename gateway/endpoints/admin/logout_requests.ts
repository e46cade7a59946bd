// The logout app's side of a logout: Hydra's /admin/oauth2/auth/requests/logout.
import { sendJson, sendNothing } from '../../http/answer.js'
import { readJson } from '../../http/body.js'
import type { Endpoint, Parts } from '../../http/endpoint.js'
import { rejectionFromJson } from '../../json/login_request.js'
import { logoutRequestToJson } from '../../json/logout_request.js'
import { challengeOf, sendRedirectTo } from './login_requests.js'

const name = 'logout_challenge'

export function getLogoutRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const logoutChallenge = challengeOf(ctx, name)
    const { logoutRequest } = await services.logout.getLogoutRequest({ logoutChallenge }, ctx.state.call)
    sendJson(ctx, logoutRequest && logoutRequestToJson(logoutRequest))
  }
}

export function acceptLogoutRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = { logoutChallenge: challengeOf(ctx, name) }
    sendRedirectTo(ctx, await services.logout.acceptLogoutRequest(request, ctx.state.call))
  }
}

/** A body, which Hydra v1 took, may say why. */
export function rejectLogoutRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const body = await readJson(ctx)
    const rejection = body === undefined ? undefined : rejectionFromJson(body)
    await services.logout.rejectLogoutRequest({ logoutChallenge: challengeOf(ctx, name), rejection }, ctx.state.call)
    sendNothing(ctx)
  }
}
