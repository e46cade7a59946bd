// A browser without a screen: keeps cookies, follows redirects one at a time, and plays the login and consent app over
// the admin HTTP API.
import type { Suite } from './suite.js'

/** The cookies of one browser; all of a suite's origins are one host. */
export class UserAgent {
  readonly cookies = new Map<string, string>()

  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    if (cookie) headers.set('cookie', cookie)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#take(line)
    return response
  }

  /** Follows one redirect: the address it leads to. Fails with the answer's text where there is none. */
  async redirectFrom(url: string | URL, init?: RequestInit): Promise<URL> {
    const response = await this.fetch(url, init)
    const location = response.headers.get('location')
    if (!location) throw new Error(`no redirect from ${url}: ${response.status} ${await response.text()}`)
    return new URL(location, url)
  }

  #take(line: string): void {
    const [pair = '', ...attributes] = line.split(';')
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(pair.indexOf('=') + 1)
    const isRemoved = value === '' || attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute))
    if (isRemoved) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

export interface Decision {
  readonly subject?: string
  /** What is granted; absent: all that is asked for. */
  readonly grantScope?: readonly string[]
  readonly login?: Record<string, unknown>
  readonly consent?: Record<string, unknown>
}

export const adminJson = async (suite: Suite, method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${suite.adminUrl}/admin${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const answered = async (response: Response): Promise<Record<string, unknown>> => {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return JSON.parse(text)
}

/** Accepts the login that the browser was sent to; returns where it goes on. */
export async function acceptLogin(suite: Suite, loginUrl: URL, decision: Decision = {}): Promise<string> {
  const challenge = encodeURIComponent(loginUrl.searchParams.get('login_challenge') ?? '')
  const path = `/oauth2/auth/requests/login`
  const request = await answered(await adminJson(suite, 'GET', `${path}?login_challenge=${challenge}`))
  const subject = request.skip ? request.subject : (decision.subject ?? 'alice')
  const body = { subject, ...decision.login }
  const accepted = await adminJson(suite, 'PUT', `${path}/accept?login_challenge=${challenge}`, body)
  return String((await answered(accepted)).redirect_to)
}

/** Accepts the consent that the browser was sent to; returns where it goes on. */
export async function acceptConsent(suite: Suite, consentUrl: URL, decision: Decision = {}): Promise<string> {
  const challenge = encodeURIComponent(consentUrl.searchParams.get('consent_challenge') ?? '')
  const path = `/oauth2/auth/requests/consent`
  const request = await answered(await adminJson(suite, 'GET', `${path}?consent_challenge=${challenge}`))
  const body = {
    grant_scope: decision.grantScope ?? request.requested_scope,
    grant_access_token_audience: request.requested_access_token_audience,
    ...decision.consent,
  }
  const accepted = await adminJson(suite, 'PUT', `${path}/accept?consent_challenge=${challenge}`, body)
  return String((await answered(accepted)).redirect_to)
}

/** Takes a browser through login and consent; returns the address at the client that it ends at. */
export async function authorize(
  suite: Suite,
  authorizationUrl: string | URL,
  decision: Decision = {},
  agent: UserAgent = new UserAgent(),
): Promise<URL> {
  let at = await agent.redirectFrom(authorizationUrl)
  if (at.searchParams.has('login_challenge')) at = await agent.redirectFrom(await acceptLogin(suite, at, decision))
  if (at.searchParams.has('consent_challenge')) at = await agent.redirectFrom(await acceptConsent(suite, at, decision))
  return at
}

/** Registers a client over the admin HTTP API; returns it with its secret. */
export async function createClient(
  suite: Suite,
  metadata: Record<string, unknown> = {},
): Promise<Record<string, unknown> & { client_id: string; client_secret: string }> {
  const body = {
    redirect_uris: ['http://127.0.0.1:5555/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'openid offline_access profile email read',
    ...metadata,
  }
  return (await answered(await adminJson(suite, 'POST', '/clients', body))) as never
}
