// The registry of response modes: how an authorization response travels (OAuth 2.0 Multiple Response Type Encoding
// Practices section 2.1, OAuth 2.0 Form Post Response Mode).
import type { AuthorizationResponse } from '#proto/consent/v1/authorization_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Context } from './endpoint.js'
import { escapeHtml, sendPage } from './page.js'
import { redirect, withQuery } from './redirect.js'

type ResponseMode = (ctx: Context, response: AuthorizationResponse) => void

export const responseModes: Readonly<Record<string, ResponseMode>> = {
  query: (ctx, { redirectUri, parameters }) => redirect(ctx, withQuery(redirectUri, parameters)),
  fragment: (ctx, { redirectUri, parameters }) => redirect(ctx, `${redirectUri}#${new URLSearchParams(parameters)}`),
  form_post: (ctx, { redirectUri, parameters }) => {
    const fields = Object.entries(parameters).map(
      ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
    )
    sendPage(ctx, 200, {
      heading: 'Back to the application',
      body: `<form method="post" action="${escapeHtml(redirectUri)}">${fields.join('')}<button>Continue</button></form>`,
      formAction: sourceOf(redirectUri),
      script: 'document.forms[0].submit()',
    })
  },
}

/** Sends an authorization response the way it asks for. */
export function sendAuthorizationResponse(ctx: Context, response: AuthorizationResponse): void {
  const send = Object.hasOwn(responseModes, response.responseMode) && responseModes[response.responseMode]
  if (!send) throw new OAuthError('server_error', undefined, { cause: `response mode ${response.responseMode}` })
  send(ctx, response)
}

/** The URL's origin as a source of a Content-Security-Policy; its scheme where it has no origin (RFC 8252 section 7.1). */
function sourceOf(url: string): string {
  const { origin, protocol } = new URL(url)
  return origin === 'null' ? protocol : origin
}
