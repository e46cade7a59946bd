// The device page (RFC 8628 section 3.3): takes the code that a device shows, says who asks for what, and asks whether it is
// the end-user's own device that does.
import type { Context } from 'koa'
import { AdminApiError, type DeviceRequest } from './admin_api.js'
import { PageError } from './error.js'
import { html } from './html.js'
import { hiddenFields, page } from './page.js'
import { meaningOfScope } from './scopes.js'
import { type AppParts, clientName, type Form, redirect, type Screen, show } from './screen.js'

const refusal = { error: 'access_denied', error_description: 'The end-user did not want to connect the device.' }

interface Entered {
  readonly code: string
  readonly wrong: boolean
}

export function deviceScreen({ api, csrf, options }: AppParts): Screen {
  const ask = (ctx: Context, challenge: string, entered: Entered): void =>
    show(ctx, codePage(challenge, entered, csrf.token(ctx)))

  async function open(ctx: Context, challenge: string): Promise<void> {
    await api.getDevice(challenge)
    ask(ctx, challenge, { code: (ctx.URL.searchParams.get('user_code') ?? '').slice(0, 100), wrong: false })
  }

  async function decide(ctx: Context, challenge: string, code: string, decision: string | null): Promise<void> {
    if (decision === 'allow') return redirect(ctx, await api.acceptDevice(challenge, code))
    if (decision === 'deny') {
      await api.rejectDevice(challenge, { user_code: code, ...refusal })
      return show(ctx, deniedPage())
    }
    const body = confirmPage(await api.getDevice(challenge, code), code, csrf.token(ctx))
    show(ctx, body, [options.publicUrl, ...(options.formTargets ?? [])])
  }

  async function submit(ctx: Context, challenge: string, form: Form): Promise<void> {
    const code = form.get('user_code') ?? ''
    try {
      await decide(ctx, challenge, code, form.get('decision'))
    } catch (error) {
      const status = error instanceof AdminApiError ? error.status : undefined
      if (status === 429)
        throw new PageError(429, 'Too many wrong codes were entered. Wait a little, then start again.')
      if (status !== 400) throw error
      ask(ctx, challenge, { code, wrong: true })
      ctx.status = 422
    }
  }

  return { open, submit }
}

const codePage = (challenge: string, { code, wrong }: Entered, csrfToken: string): string =>
  page({
    title: wrong ? 'Error: Connect a device' : 'Connect a device',
    body: html`<h1>Connect a device</h1>
<p class="lead">Enter the code that your device shows.</p>
<div id="code-error" role="alert" aria-live="assertive">${
      wrong &&
      html`<p class="alert">That code cannot be used. Compare it with your device, or let the device show a new one.</p>`
    }</div>
<form method="post" action="device" class="stack">
${hiddenFields(csrfToken, challenge)}
<div class="field">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="100" value="${code}"${wrong && html` aria-invalid="true" aria-describedby="code-error"`} autofocus>
</div>
<div class="actions"><button type="submit" class="primary">Continue</button></div>
</form>
<p class="small">Only enter a code from a device that you have before you. Never one that somebody sent to you.</p>`,
  })

function confirmPage(request: DeviceRequest, code: string, csrfToken: string): string {
  const { client, requested_scope: scopes = [], requested_access_token_audience: audience = [] } = request
  const name = html`<bdi>${client ? clientName(client) : ''}</bdi>`
  const wishes = [...scopes.map((scope) => meaningOfScope(scope).title), ...audience]
  return page({
    title: 'Is this your device?',
    body: html`<h1>Is this your device?</h1>
<p class="lead"><strong>${name}</strong> on a device that shows the code <strong><code>${code}</code></strong> asks for access to your account.</p>
${
  wishes.length > 0 &&
  html`<div class="audience"><p>It wants to:</p><ul>${wishes.map((wish) => html`<li><bdi>${wish}</bdi></li>`)}</ul></div>`
}
<form method="post" action="device" class="stack">
${hiddenFields(csrfToken, request.challenge)}
<input type="hidden" name="user_code" value="${code}">
<div class="actions">
<button type="submit" name="decision" value="allow" class="primary">Yes, continue</button>
<button type="submit" name="decision" value="deny" class="secondary">No</button>
</div>
</form>
<p class="small">If you do not have a device with this code before you, say no: somebody else may be after your account.</p>`,
  })
}

const deniedPage = (): string =>
  page({
    title: 'Not connected',
    body: html`<h1>The device was not connected</h1>
<p class="lead">It has been told so. You can close this page.</p>`,
  })

/** Where the browser ends once everything was allowed. */
export const showDeviceDone = (ctx: Context): void =>
  show(
    ctx,
    page({
      title: 'Device connected',
      body: html`<h1>Your device is connected</h1>
<p class="lead">You can close this page and go back to your device.</p>`,
    }),
  )
