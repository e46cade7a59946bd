// The two pages of the client: before and after signing in.
import { type Html, html, type Part } from '../login_consent/html.js'
import { mark, wordmark } from '../login_consent/page.js'
import type { Exchange } from './exchanges.js'
import type { Outcome, Session, SignedIn } from './sessions.js'

const layout = (title: string, body: Part): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="login_consent/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="login_consent/style.css">
<link rel="stylesheet" href="client_app/style.css">
</head>
<body>
${body}
</body>
</html>
`.markup

const outcomeLine = (outcome: Outcome | undefined): Html =>
  html`<div role="status" aria-live="polite">${
    outcome && html`<p class="${outcome.bad ? 'alert' : 'good'}">${outcome.text}</p>`
  }</div>`

export interface Facts {
  readonly issuer: string
  readonly clientId: string
  readonly scope: string
}

export const signedOutPage = (facts: Facts, session: Session | undefined): string =>
  layout(
    'Demo app',
    html`<div class="art" aria-hidden="true"></div>
<main>
${wordmark}
<h1>A small app that lets people sign in with Tessera</h1>
<p class="lead">It is an OAuth client like any other: it sends you to the authorization server, gets a code back and
trades it for tokens. Then it shows what it got, and every request on the way.</p>
${outcomeLine(session?.outcome)}
<p class="actions"><a class="button primary" href="signin">Sign in</a></p>
<dl class="facts">
<div><dt>Issuer</dt><dd><code>${facts.issuer}</code></dd></div>
<div><dt>Client</dt><dd><code>${facts.clientId}</code>, confidential</dd></div>
<div><dt>Flow</dt><dd>authorization code with PKCE, state and nonce</dd></div>
<div><dt>Scope</dt><dd><code>${facts.scope}</code></dd></div>
</dl>
${session && wire(session.log)}
</main>`,
  )

const actions: readonly (readonly [path: string, label: string, kind: string])[] = [
  ['refresh', 'Refresh', 'primary'],
  ['introspect', 'Introspect', 'secondary'],
  ['revoke', 'Revoke', 'secondary'],
]

export function signedInPage(session: Session, signedIn: SignedIn): string {
  const { tokens, userinfo, introspection } = signedIn
  const { log, outcome } = session
  const asked = log.slice(0, outcome?.exchanges ?? 0).toReversed()
  const active = introspection.active === true
  return layout(
    'Signed in · Demo app',
    html`<div class="strip" aria-hidden="true"></div>
<header><p class="wordmark">${mark}<span>Tessera <small>demo app</small></span></p></header>
<main class="wide">
<h1>Hello, ${String(userinfo.given_name ?? userinfo.name ?? userinfo.email ?? tokens.claims.sub)}</h1>
<p class="lead">You are signed in, and this is all that the app knows about you.</p>
<div class="actions">${actions.map(
      ([path, label, kind]) =>
        html`<form method="post" action="${path}"><input type="hidden" name="csrf_token" value="${
          session.csrfToken
        }"><button type="submit" class="${kind}">${label}</button></form>`,
    )}<a class="button secondary" href="signout">Log out</a></div>
${outcomeLine(outcome)}
${asked.length > 0 && html`<div class="asked">${asked.map((exchange) => exchangeDetails(exchange, true))}</div>`}
<div class="panels">
${panel('ID token', badge('good', 'signature verified, ES256'), tokens.claims)}
<div class="panels-side">
${panel('Userinfo', undefined, userinfo)}
${panel('Access token', active ? badge('good', 'active') : badge('alert', 'inactive'), introspection)}
</div>
</div>
${wire(log.slice(asked.length))}
</main>`,
  )
}

const badge = (kind: string, text: string | number): Html => html`<span class="badge ${kind}">${text}</span>`

const panel = (title: string, mark: Part, values: Readonly<Record<string, unknown>>): Html =>
  html`<section class="panel"><h2>${title} ${mark}</h2><dl>${Object.entries(values).map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${shown(name, value)}</dd></div>`,
  )}</dl></section>
`

const times = ['exp', 'iat', 'nbf', 'auth_time', 'rat', 'updated_at']

/** A claim's value; a time is shown as people read it. */
function shown(name: string, value: unknown): Part {
  if (typeof value === 'number' && times.includes(name)) {
    const at = new Date(value * 1000).toISOString()
    return html`<time datetime="${at}">${at.slice(0, 19).replace('T', ' ')} UTC</time>`
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Requests and answers, the newest first. */
const wire = (log: readonly Exchange[]): Part =>
  log.length > 0 &&
  html`<section class="wire"><h2>On the wire</h2>
<p class="small">The newest first; secrets and tokens are cut short.</p>
${log.map((exchange) => exchangeDetails(exchange, false))}</section>`

function exchangeDetails({ title, method, path, status, request, response }: Exchange, open: boolean): Html {
  const state = status === undefined ? badge('plain', 'by the browser') : badge(status < 400 ? 'good' : 'alert', status)
  return html`<details${open && html` open`}><summary><b>${title}</b> <code>${method} ${path}</code> ${state}</summary>
<div class="exchange"><pre tabindex="0" aria-label="Request">${request}</pre>${
    response !== '' && html`<pre tabindex="0" aria-label="Answer">${response}</pre>`
  }</div></details>
`
}
