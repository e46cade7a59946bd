// The end-session endpoint: OpenID Connect RP-Initiated Logout 1.0.
import type { LogoutAnswer } from '#proto/consent/v1/logout_service.js'
import { readQueryOrForm } from '../http/body.js'
import { readCookies, setCookies } from '../http/cookies.js'
import type { Context, Endpoint, Parts } from '../http/endpoint.js'
import { toldError } from '../http/errors.js'
import { redirect } from '../http/redirect.js'
import { showLoggedOut } from './fallbacks.js'

export function logout({ config, services }: Parts): Endpoint {
  return async (ctx) => {
    const { values, duplicates } = await readQueryOrForm(ctx)
    const cookies = readCookies(ctx, config)
    const { call } = ctx.state
    const { logout_verifier: logoutVerifier } = values
    const { answer } = logoutVerifier
      ? await services.logout.resumeLogout({ logoutVerifier, cookies }, call)
      : await services.logout.startLogout({ parameters: values, duplicates: [...duplicates], cookies }, call)
    setCookies(ctx, answer?.cookies ?? [], config)
    send(ctx, answer)
  }
}

function send(ctx: Context, answer: LogoutAnswer | undefined): void {
  const kind = answer?.kind
  if (kind?.$case === 'redirectTo') redirect(ctx, kind.value)
  else if (kind?.$case === 'loggedOut') showLoggedOut(ctx)
  else throw toldError(kind?.value)
}
