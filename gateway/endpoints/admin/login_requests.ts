// The login app's side of a flow: Hydra's /admin/oauth2/auth/requests/login.
import { OAuthError } from '../../../services/kit/oauth_error.js'
import { sendJson } from '../../http/answer.js'
import { readJson, readQuery } from '../../http/body.js'
import type { Context, Endpoint, Parts } from '../../http/endpoint.js'
import { acceptLoginFromJson, loginRequestToJson, rejectionFromJson } from '../../json/login_request.js'

/** The challenge of a request, by its own name or by the one that Hydra had at first. */
export function challengeOf(ctx: Context, name: string): string {
  const { [name]: own, challenge = own } = readQuery(ctx)
  const found = own ?? challenge
  if (!found) throw new OAuthError('invalid_request', `The query parameter '${name}' is missing.`)
  return found
}

export const sendRedirectTo = (ctx: Context, { redirectTo }: { redirectTo: string }): void =>
  sendJson(ctx, { redirect_to: redirectTo })

const name = 'login_challenge'

export function getLoginRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const loginChallenge = challengeOf(ctx, name)
    const { loginRequest } = await services.login.getLoginRequest({ loginChallenge }, ctx.state.call)
    sendJson(ctx, loginRequest && loginRequestToJson(loginRequest))
  }
}

export function acceptLoginRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = acceptLoginFromJson(challengeOf(ctx, name), await readJson(ctx))
    sendRedirectTo(ctx, await services.login.acceptLoginRequest(request, ctx.state.call))
  }
}

export function rejectLoginRequest({ services }: Parts): Endpoint {
  return async (ctx) => {
    const request = { loginChallenge: challengeOf(ctx, name), rejection: rejectionFromJson(await readJson(ctx)) }
    sendRedirectTo(ctx, await services.login.rejectLoginRequest(request, ctx.state.call))
  }
}
