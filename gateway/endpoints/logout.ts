// The end-session endpoint: OpenID Connect RP-Initiated Logout 1.0, and the page that tells clients through the browser:
// Front-Channel Logout 1.0 section 3.
import type { FrontchannelLogout, LogoutAnswer } from '#proto/consent/v1/logout_service.js'
import { readQueryOrForm } from '../http/body.js'
import { readCookies, setCookies } from '../http/cookies.js'
import type { Context, Endpoint, Parts } from '../http/endpoint.js'
import { toldError } from '../http/errors.js'
import { escapeHtml, sendPage } from '../http/page.js'
import { redirect } from '../http/redirect.js'
import { loggedOutText, showLoggedOut } from './fallbacks.js'

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
  else if (kind?.$case === 'frontchannelLogout') showFrames(ctx, kind.value)
  else throw toldError(kind?.value)
}

/** Milliseconds that clients have; a browser goes on then, whatever they do. */
const patience = 7_000

/** The page has loaded when all of its frames have. */
const script = `const next = () => location.replace(document.getElementById('next').href)
addEventListener('load', next)
setTimeout(next, ${patience})`

function showFrames(ctx: Context, { uris, redirectTo }: FrontchannelLogout): void {
  const frames = uris.map((uri) => `<iframe hidden src="${escapeHtml(uri)}"></iframe>`).join('\n')
  const frameSources = uris.map((uri) => new URL(uri).origin)
  if (redirectTo === '') {
    sendPage(ctx, 200, { ...loggedOutText, body: `${loggedOutText.body}\n${frames}`, frameSources })
    return
  }
  const link = `<p><a id="next" href="${escapeHtml(redirectTo)}">Continue</a></p>`
  sendPage(ctx, 200, { heading: 'You are being logged out', body: `${link}\n${frames}`, frameSources, script })
}
