// What the login, consent and logout pages have in common.
import type { Context } from 'koa'
import type { AdminApi, OAuthClient, RedirectTo } from './admin_api.js'
import type { CsrfProtection } from './csrf.js'
import type { LoginConsentOptions } from './options.js'
import { setPageHeaders } from './security_headers.js'
import type { UserStore } from './users.js'

export interface AppParts {
  readonly api: AdminApi
  readonly users: UserStore
  readonly csrf: CsrfProtection
  readonly options: LoginConsentOptions
}

export type Form = URLSearchParams

/** What a challenge opens, and what becomes of the form that it shows. */
export interface Screen {
  open(ctx: Context, challenge: string): Promise<void>
  submit(ctx: Context, challenge: string, form: Form): Promise<void>
}

export const clientName = (client: OAuthClient): string => client.client_name || client.client_id

/** Shows a page. `formTargets` are the URLs that a post of its form may be redirected to. */
export function show(ctx: Context, body: string, formTargets: readonly string[] = []): void {
  setPageHeaders(ctx, formTargets)
  ctx.type = 'html'
  ctx.body = body
}

/** Sends the browser on. A form post becomes a GET. */
export function redirect(ctx: Context, { redirect_to }: RedirectTo): void {
  setPageHeaders(ctx)
  ctx.status = 303
  ctx.redirect(redirect_to)
}
