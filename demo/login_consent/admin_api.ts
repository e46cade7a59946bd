// The admin API of the authorization server, as far as a login and consent app needs it.

export interface OAuthClient {
  readonly client_id: string
  readonly client_name?: string
  readonly client_uri?: string
  readonly policy_uri?: string
  readonly tos_uri?: string
  readonly redirect_uris?: readonly string[]
  readonly post_logout_redirect_uris?: readonly string[]
  readonly skip_consent?: boolean
  readonly skip_logout_consent?: boolean
}

export interface LoginRequest {
  readonly challenge: string
  /** The end-user is known from a remembered login: accept the same subject without asking. */
  readonly skip: boolean
  readonly subject: string
  readonly client: OAuthClient
  readonly request_url: string
  readonly oidc_context?: { readonly login_hint?: string }
}

export interface ConsentRequest {
  readonly challenge: string
  /** The end-user has consented to this before: accept without asking. */
  readonly skip: boolean
  readonly subject: string
  readonly client: OAuthClient
  readonly request_url: string
  readonly requested_scope?: readonly string[]
  readonly requested_access_token_audience?: readonly string[]
  /** A device waits for the answer: the end-user is always asked. */
  readonly device_challenge_id?: string
}

export interface LogoutRequest {
  readonly challenge: string
  readonly subject: string
  readonly request_url: string
  /** The client that asked for it; absent if the end-user came by themselves. */
  readonly client?: OAuthClient
}

/** Of a user code; without one, nothing but the challenge is known. */
export interface DeviceRequest {
  readonly challenge: string
  readonly client?: OAuthClient
  readonly requested_scope?: readonly string[]
  readonly requested_access_token_audience?: readonly string[]
}

export interface AcceptedLogin {
  readonly subject: string
  readonly remember?: boolean
  readonly remember_for?: number
  /** How the end-user was authenticated (RFC 8176). */
  readonly amr?: readonly string[]
}

export interface AcceptedConsent {
  readonly grant_scope: readonly string[]
  readonly grant_access_token_audience: readonly string[]
  readonly session: { readonly id_token: Readonly<Record<string, unknown>> }
  readonly remember?: boolean
  readonly remember_for?: number
}

export interface Rejection {
  readonly error: string
  readonly error_description: string
}

/** Where to send the browser. */
export interface RedirectTo {
  readonly redirect_to: string
}

interface Refusal {
  readonly error?: string
  readonly error_description?: string
  /** With 410: where the request went on when it was answered. */
  readonly redirect_to?: string
}

/** The server did not do what it was asked for. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError'
  /** 0 if it could not be reached. */
  readonly status: number
  /** The request was answered before: where it went on then. */
  readonly redirectTo: string | undefined

  constructor(status: number, message: string, redirectTo?: string) {
    super(message)
    this.status = status
    this.redirectTo = redirectTo
  }
}

export interface AdminApiOptions {
  readonly adminUrl: string
  /** Sent with each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
}

type Kind = 'login' | 'consent' | 'logout' | 'device'

/** Requests to the admin API. Each throws an AdminApiError where the answer is not a good one. */
export function createAdminApi({ adminUrl, headers }: AdminApiOptions) {
  const base = adminUrl.replace(/\/$/, '')

  async function call<T>(
    method: 'GET' | 'PUT',
    kind: Kind,
    action: string,
    challenge: string,
    body?: object,
    userCode = '',
  ): Promise<T> {
    const query = new URLSearchParams({ [`${kind}_challenge`]: challenge, ...(userCode && { user_code: userCode }) })
    const url = `${base}/admin/oauth2/auth/requests/${kind}${action}?${query}`
    const response = await fetch(url, {
      method,
      headers: { ...headers, accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    }).catch((cause: Error) => {
      throw new AdminApiError(0, `The authorization server could not be reached: ${cause.message}`)
    })
    const answer: unknown = await response.json().catch(() => ({}))
    if (response.ok) return answer as T
    const { error, error_description, redirect_to } = answer as Refusal
    throw new AdminApiError(response.status, error_description ?? error ?? '', redirect_to)
  }

  return {
    getLogin: (challenge: string): Promise<LoginRequest> => call('GET', 'login', '', challenge),
    acceptLogin: (challenge: string, login: AcceptedLogin): Promise<RedirectTo> =>
      call('PUT', 'login', '/accept', challenge, login),
    rejectLogin: (challenge: string, rejection: Rejection): Promise<RedirectTo> =>
      call('PUT', 'login', '/reject', challenge, rejection),
    getConsent: (challenge: string): Promise<ConsentRequest> => call('GET', 'consent', '', challenge),
    acceptConsent: (challenge: string, consent: AcceptedConsent): Promise<RedirectTo> =>
      call('PUT', 'consent', '/accept', challenge, consent),
    rejectConsent: (challenge: string, rejection: Rejection): Promise<RedirectTo> =>
      call('PUT', 'consent', '/reject', challenge, rejection),
    getDevice: (challenge: string, userCode = ''): Promise<DeviceRequest> =>
      call('GET', 'device', '', challenge, undefined, userCode),
    acceptDevice: (challenge: string, userCode: string): Promise<RedirectTo> =>
      call('PUT', 'device', '/accept', challenge, { user_code: userCode }),
    rejectDevice: (challenge: string, rejection: Rejection & { readonly user_code: string }): Promise<RedirectTo> =>
      call('PUT', 'device', '/reject', challenge, rejection),
    getLogout: (challenge: string): Promise<LogoutRequest> => call('GET', 'logout', '', challenge),
    acceptLogout: (challenge: string): Promise<RedirectTo> => call('PUT', 'logout', '/accept', challenge),
    rejectLogout: (challenge: string): Promise<unknown> => call('PUT', 'logout', '/reject', challenge),
  }
}

export type AdminApi = ReturnType<typeof createAdminApi>
