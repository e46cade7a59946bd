// The consent page: asks the end-user what a client may do, and says so to the authorization server.
import type { Context } from 'koa'
import type { ConsentRequest } from './admin_api.js'
import { type Html, html, type Part } from './html.js'
import { externalLink, hiddenFields, page } from './page.js'
import { claimsFor, meaningOfScope } from './scopes.js'
import { type AppParts, clientName, type Form, redirect, type Screen, show } from './screen.js'
import { redirectUris } from './security_headers.js'
import type { User } from './users.js'

/** Seconds that a remembered consent lasts. */
const rememberFor = 90 * 24 * 3600

const refusal = { error: 'access_denied', error_description: 'The end-user did not allow it.' }

export function consentScreen({ api, users, csrf, options }: AppParts): Screen {
  const accept = (request: ConsentRequest, grantScope: readonly string[], remember: boolean) =>
    api.acceptConsent(request.challenge, {
      grant_scope: grantScope,
      grant_access_token_audience: request.requested_access_token_audience ?? [],
      session: { id_token: claimsFor(users.find(request.subject), grantScope) },
      remember,
      remember_for: remember ? rememberFor : 0,
    })

  async function open(ctx: Context, challenge: string): Promise<void> {
    const request = await api.getConsent(challenge)
    if ((request.skip || request.client.skip_consent) && !request.device_challenge_id) {
      return redirect(ctx, await accept(request, request.requested_scope ?? [], false))
    }
    const returnsTo = redirectUris(request.request_url, request.client.redirect_uris, 'redirect_uri')
    const body = consentPage(request, users.find(request.subject), returnsTo, csrf.token(ctx))
    show(ctx, body, [options.publicUrl, ...returnsTo, ...(options.formTargets ?? [])])
  }

  async function submit(ctx: Context, challenge: string, form: Form): Promise<void> {
    if (form.get('decision') !== 'allow') return redirect(ctx, await api.rejectConsent(challenge, refusal))
    const request = await api.getConsent(challenge)
    const ticked = new Set(form.getAll('grant_scope'))
    const granted = (request.requested_scope ?? []).filter((scope) => ticked.has(scope))
    redirect(ctx, await accept(request, granted, form.has('remember')))
  }

  return { open, submit }
}

function consentPage(
  request: ConsentRequest,
  user: User | undefined,
  returnsTo: readonly string[],
  csrfToken: string,
): string {
  const { client, requested_scope = [], requested_access_token_audience: audience = [] } = request
  const name = html`<bdi>${clientName(client)}</bdi>`
  return page({
    title: 'Allow access?',
    body: html`<div class="client"><span class="monogram" aria-hidden="true">${initial(clientName(client))}</span><h1>${name} asks for access</h1></div>
<p class="lead">to your account <strong><bdi>${user?.email ?? request.subject}</bdi></strong></p>
<form method="post" action="consent" class="stack">
${hiddenFields(csrfToken, request.challenge)}
<fieldset class="scopes">
<legend>${requested_scope.length > 0 ? 'It would be able to' : 'It asks for nothing in particular'}</legend>
${requested_scope.map(scopeRow)}
</fieldset>
${audience.length > 0 && audienceList(audience)}
<label class="check"><input type="checkbox" name="remember" value="1"><span>Do not ask me again for this app</span></label>
<div class="actions">
<button type="submit" name="decision" value="allow" class="primary">Allow</button>
<button type="submit" name="decision" value="deny" class="secondary">Deny</button>
</div>
</form>
<p class="small">${destination(returnsTo)} ${links([
      externalLink(client.tos_uri, 'Terms of service'),
      externalLink(client.policy_uri, 'Privacy policy'),
    ])}</p>`,
  })
}

/** The first letter of a name, in place of a logo: nothing is fetched from elsewhere. */
const initial = (name: string): string => [...name.trim()][0]?.toUpperCase() ?? ''

/** One scope with its tick box. A disabled box is not posted, so one that is required posts a hidden field. */
function scopeRow(scope: string): Html {
  const { title, explanation, required = false } = meaningOfScope(scope)
  const box = required
    ? html`<input type="hidden" name="grant_scope" value="${scope}"><input type="checkbox" checked disabled>`
    : html`<input type="checkbox" name="grant_scope" value="${scope}" checked>`
  return html`<label class="scope">${box}<span><b><bdi>${title}</bdi></b> <small>${explanation}</small></span></label>
`
}

const audienceList = (audience: readonly string[]): Html =>
  html`<div class="audience"><p>at these services:</p><ul>${audience.map(
    (entry) => html`<li><code><bdi>${entry}</bdi></code></li>`,
  )}</ul></div>`

/** Where the browser goes next: the best sign of who is asking. */
function destination(returnsTo: readonly string[]): Part {
  const [target] = returnsTo
  if (target === undefined || !URL.canParse(target)) return undefined
  const { host, protocol } = new URL(target)
  return html`You will go back to <b><bdi>${/^https?:$/.test(protocol) ? host : protocol}</bdi></b>.`
}

const links = (parts: readonly Part[]): Part =>
  parts.filter((part) => part !== undefined).flatMap((part, index) => (index === 0 ? [part] : [' · ', part]))
