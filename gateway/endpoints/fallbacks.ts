// The pages that stand in for those that the configuration names no URL of: Hydra's /oauth2/fallbacks/….
import type { Context, Endpoint } from '../http/endpoint.js'
import { showErrorPage } from '../http/errors.js'
import { sendPage } from '../http/page.js'
import { parseParameters } from '../http/parameters.js'

const maxText = 1_000

/** A page that says which URL is missing. */
const missing = (key: string, what: string) => (): Endpoint => (ctx) =>
  sendPage(ctx, 200, {
    heading: `${key} is not set`,
    body: `<p>The ${what} page of this server's operator should stand here. It is named in the configuration as
<code>${key}</code>.</p>`,
  })

export const loginFallback = missing('urls.login', 'login')
export const consentFallback = missing('urls.consent', 'consent')
export const deviceFallback = missing('urls.device.verification', 'device')
export const logoutFallback = missing('urls.logout', 'logout')

export const loggedOutFallback = (): Endpoint => showLoggedOut

export const deviceDoneFallback = (): Endpoint => (ctx) =>
  sendPage(ctx, 200, {
    heading: 'Your device is connected',
    body: '<p>You can close this page and go back to your device.</p>',
  })

export const errorFallback = (): Endpoint => (ctx) => {
  const { error = 'error', error_description: description = '' } = parseParameters(ctx.state.query).values
  showErrorPage(ctx, 400, error.slice(0, maxText), description.slice(0, maxText))
}

export const loggedOutText = {
  heading: 'The default post-logout URL is not set. Your log out request however succeeded.',
  body: '<p>You are logged out and can close this page.</p>',
}

export const showLoggedOut = (ctx: Context): void => sendPage(ctx, 200, loggedOutText)
