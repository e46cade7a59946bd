// The one place that errors leave through: as JSON, as a page, or by way of the operator's own error page.
import type { OAuthError as OAuthErrorMessage } from '#proto/oauth/v1/oauth_error.js'
import type { Config } from '../../services/kit/config/config.js'
import { log } from '../../services/kit/log.js'
import { kindOf, OAuthError, toOAuthError } from '../../services/kit/oauth_error.js'
import { describe, type ErrorForm, errorToJson } from '../json/error.js'
import type { Context } from './endpoint.js'
import { escapeHtml, sendPage } from './page.js'
import { redirect, withQuery } from './redirect.js'

export const realm = 'realm="tessera"'

/** What answers whatever was thrown; `page`: to a browser that a person looks at. */
export type ErrorAnswer = (ctx: Context, thrown: unknown, page: boolean) => void

export function createErrorAnswer(config: Config, admin: boolean): ErrorAnswer {
  const form: ErrorForm = { admin, legacy: config.oauth2.include_legacy_error_fields }
  return (ctx, thrown, page) => {
    const error = toOAuthError(thrown)
    report(ctx, error)
    setErrorFields(ctx, error)
    if (page && !wantsJson(ctx)) showError(ctx, error, config.urls.error)
    else sendError(ctx, kindOf(error.code).http, errorToJson(error, form))
  }
}

/** Answers with a JSON body that names an error. */
export function sendError(ctx: Context, status: number, body: Record<string, unknown>): void {
  ctx.status = status
  ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8')
  ctx.body = JSON.stringify(body)
}

/** The error that a service's answer tells of; an answer that tells nothing is a fault. */
export function toldError(told: OAuthErrorMessage | undefined): OAuthError {
  if (!told) return new OAuthError('server_error', undefined, { cause: 'an answer of an unknown kind' })
  const { code, description, hint, retryAfter } = told
  return new OAuthError(code, description || undefined, { hint, retryAfter })
}

function report({ req, state }: Context, error: OAuthError): void {
  if (kindOf(error.code).http < 500) return
  const path = req.url?.split('?', 1)[0]
  const { requestId } = state
  log.error({ method: req.method, path, requestId, code: error.code, err: error.cause ?? error }, 'request failed')
}

function setErrorFields({ res }: Context, error: OAuthError): void {
  const { http } = kindOf(error.code)
  res.setHeader('Cache-Control', 'no-store')
  if (error.retryAfter > 0) res.setHeader('Retry-After', error.retryAfter)
  else if (http === 429 || http === 503) res.setHeader('Retry-After', 1)
  if (http === 401 && !res.hasHeader('WWW-Authenticate'))
    res.setHeader('WWW-Authenticate', error.code === 'invalid_client' ? `Basic ${realm}` : `Bearer ${realm}`)
}

/** Whether the caller of a page's address is a program and not a browser. */
const wantsJson = ({ req }: Context): boolean => {
  const { accept = '' } = req.headers
  return accept.includes('application/json') && !accept.includes('text/html')
}

/** An outage is told by its status; only what is wrong with a request goes to the operator's page. */
function showError(ctx: Context, error: OAuthError, errorUrl: string): void {
  const status = pageStatus(kindOf(error.code).http)
  const { code } = error
  if (errorUrl !== '' && status < 500) {
    redirect(ctx, withQuery(errorUrl, { error: code, error_description: describe(error) }))
    return
  }
  showErrorPage(ctx, status, code, describe(error))
}

/** What is refused on a page is a bad request (RFC 6749 section 4.1.2.1): nobody was authenticated by HTTP, nothing is missing. */
const pageStatus = (status: number): number => ([401, 403, 404, 409, 410].includes(status) ? 400 : status)

export function showErrorPage(ctx: Context, status: number, code: string, description: string): void {
  ctx.remove('WWW-Authenticate')
  sendPage(ctx, status, {
    heading: 'The request could not be completed',
    body: `<dl><dt>Error</dt><dd>${escapeHtml(code)}</dd><dt>Description</dt><dd>${escapeHtml(description)}</dd></dl>
<p>Go back to the application that you came from and try again.</p>`,
  })
}
