// The login page: says to the authorization server who the end-user is.
import type { Context } from 'koa'
import type { LoginRequest } from './admin_api.js'
import { html } from './html.js'
import { hiddenFields, page } from './page.js'
import { type AppParts, clientName, type Form, redirect, type Screen, show } from './screen.js'
import { redirectUris } from './security_headers.js'

/** Seconds that a remembered login lasts. */
const rememberFor = 30 * 24 * 3600

interface Entered {
  readonly email: string
  readonly remember: boolean
  readonly wrong: boolean
}

const refusal = { error: 'access_denied', error_description: 'The end-user did not log in.' }

export function loginScreen({ api, users, csrf, options }: AppParts): Screen {
  function ask(ctx: Context, request: LoginRequest, entered: Entered): void {
    const returnsTo = redirectUris(request.request_url, request.client.redirect_uris, 'redirect_uri')
    const body = loginPage(request, entered, csrf.token(ctx), options.notice)
    show(ctx, body, [options.publicUrl, ...returnsTo, ...(options.formTargets ?? [])])
  }

  async function open(ctx: Context, challenge: string): Promise<void> {
    const request = await api.getLogin(challenge)
    if (request.skip && users.find(request.subject)) {
      return redirect(ctx, await api.acceptLogin(challenge, { subject: request.subject }))
    }
    ask(ctx, request, { email: request.oidc_context?.login_hint ?? '', remember: false, wrong: false })
  }

  async function submit(ctx: Context, challenge: string, form: Form): Promise<void> {
    if (form.get('decision') === 'cancel') return redirect(ctx, await api.rejectLogin(challenge, refusal))
    const email = form.get('email') ?? ''
    const remember = form.has('remember')
    const user = await users.authenticate(email, form.get('password') ?? '')
    if (!user) {
      ask(ctx, await api.getLogin(challenge), { email, remember, wrong: true })
      ctx.status = 422
      return
    }
    const login = { subject: user.subject, remember, remember_for: remember ? rememberFor : 0, amr: ['pwd'] }
    redirect(ctx, await api.acceptLogin(challenge, login))
  }

  return { open, submit }
}

function loginPage(request: LoginRequest, entered: Entered, csrfToken: string, notice: string | undefined): string {
  const { email, wrong } = entered
  const invalid = wrong && html` aria-invalid="true" aria-describedby="login-error"`
  const autofocus = html` autofocus`
  return page({
    title: wrong ? 'Error: Sign in' : 'Sign in',
    body: html`<h1>Sign in</h1>
<p class="lead">to continue to <strong><bdi>${clientName(request.client)}</bdi></strong></p>
<div id="login-error" role="alert" aria-live="assertive">${
      wrong && html`<p class="alert">That email address and password do not belong together. Try again.</p>`
    }</div>
<form method="post" action="login" class="stack">
${hiddenFields(csrfToken, request.challenge)}
<div class="field">
<label for="email">Email address</label>
<input id="email" name="email" type="email" autocomplete="username" inputmode="email" autocapitalize="none" spellcheck="false" required maxlength="254" value="${email}"${invalid}${email === '' && autofocus}>
</div>
<div class="field">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${invalid}${email !== '' && autofocus}>
</div>
<label class="check"><input type="checkbox" name="remember" value="1"${entered.remember && html` checked`}><span>Remember me on this device</span></label>
<div class="actions">
<button type="submit" name="decision" value="login" class="primary">Sign in</button>
<button type="submit" name="decision" value="cancel" class="quiet" formnovalidate>Cancel</button>
</div>
</form>
${notice !== undefined && html`<p class="notice">${notice}</p>`}`,
  })
}
