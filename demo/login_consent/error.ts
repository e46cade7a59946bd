// The error page: for what the authorization server shows by itself, and for what goes wrong in this app.
import type { Context } from 'koa'
import { AdminApiError } from './admin_api.js'
import { html } from './html.js'
import { page } from './page.js'
import { redirect, show } from './screen.js'

/** A refusal that is told to the end-user. */
export class PageError extends Error {
  override readonly name = 'PageError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

function showError(ctx: Context, status: number, description: string, code = ''): void {
  const body = page({
    title: 'Something went wrong',
    body: html`<h1>Something went wrong</h1>
<p class="lead" role="alert">${description.slice(0, 1000)}</p>
<p class="small">Go back to the app you came from and start again.${code && html` Its makers may want to know this: <code>${code.slice(0, 100)}</code>`}</p>`,
  })
  show(ctx, body)
  ctx.status = status
}

/** The page that the authorization server sends a browser to when it has nowhere else to send it. */
export function showReportedError(ctx: Context): void {
  const { searchParams } = ctx.URL
  const description = searchParams.get('error_description') || 'The request could not be completed.'
  showError(ctx, 200, description, searchParams.get('error') ?? '')
}

/** What the end-user is told when a request of this app has failed. */
export function showFailure(ctx: Context, error: unknown): void {
  const status = error instanceof AdminApiError ? error.status : undefined
  if (error instanceof PageError) showError(ctx, error.status, error.message)
  else if (error instanceof AdminApiError && error.redirectTo) redirect(ctx, { redirect_to: error.redirectTo })
  else if (status === 401 || status === 404 || status === 410) {
    showError(ctx, 400, 'This page has expired, or it was answered already.')
  } else {
    ctx.app.emit('error', error, ctx)
    if (status === undefined) showError(ctx, 500, 'The page could not be made.')
    else showError(ctx, 503, 'The authorization server does not answer at the moment. Try again in a minute.')
  }
}
