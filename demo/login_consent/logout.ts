// The logout page: asks whether the end-user really wants to leave.
import type { Context } from 'koa'
import type { LogoutRequest, OAuthClient } from './admin_api.js'
import { html } from './html.js'
import { externalLink, hiddenFields, page } from './page.js'
import { type AppParts, clientName, type Form, redirect, type Screen, show } from './screen.js'
import { redirectUris } from './security_headers.js'

export function logoutScreen({ api, csrf, options, users }: AppParts): Screen {
  async function open(ctx: Context, challenge: string): Promise<void> {
    const request = await api.getLogout(challenge)
    if (request.client?.skip_logout_consent) return redirect(ctx, await api.acceptLogout(challenge))
    const { request_url, client } = request
    const returnsTo = redirectUris(request_url, client?.post_logout_redirect_uris, 'post_logout_redirect_uri')
    const account = users.find(request.subject)?.email ?? request.subject
    const body = logoutPage(request, challenge, account, csrf.token(ctx))
    show(ctx, body, [options.publicUrl, ...returnsTo, ...(options.formTargets ?? [])])
  }

  async function submit(ctx: Context, challenge: string, form: Form): Promise<void> {
    if (form.get('decision') === 'logout') return redirect(ctx, await api.acceptLogout(challenge))
    const { client } = await api.getLogout(challenge)
    await api.rejectLogout(challenge)
    show(ctx, stayedPage(client))
  }

  return { open, submit }
}

const logoutPage = ({ client }: LogoutRequest, challenge: string, account: string, csrfToken: string): string =>
  page({
    title: 'Sign out?',
    body: html`<h1>Sign out?</h1>
<p class="lead">${
      client
        ? html`<strong><bdi>${clientName(client)}</bdi></strong> asks to end your session, `
        : 'This ends your session, '
    }signed in as <strong><bdi>${account}</bdi></strong>.</p>
<form method="post" action="logout" class="stack">
${hiddenFields(csrfToken, challenge)}
<div class="actions">
<button type="submit" name="decision" value="logout" class="primary" autofocus>Sign out</button>
<button type="submit" name="decision" value="stay" class="secondary">Stay signed in</button>
</div>
</form>`,
  })

function stayedPage(client: OAuthClient | undefined): string {
  const back = externalLink(client?.client_uri, 'back to the app')
  return page({
    title: 'Still signed in',
    body: html`<h1>You are still signed in</h1>
<p class="lead">Nothing was changed. You can close this page${back && html`, or go ${back}`}.</p>`,
  })
}
