// The one table of OAuth errors: code -> HTTP status, gRPC status, where it is specified. And the error that carries one.
import { status } from '@grpc/grpc-js'

export interface OAuthErrorKind {
  /** The HTTP status of a JSON answer. */
  readonly http: number
  /** The gRPC status. */
  readonly grpc: status
  /** What is said where the thrower says nothing better. */
  readonly description: string
  readonly specification: string
}

const kind = (http: number, grpc: status, specification: string, description: string): OAuthErrorKind => ({
  http,
  grpc,
  specification,
  description,
})

const { INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, ALREADY_EXISTS } = status
const { FAILED_PRECONDITION, RESOURCE_EXHAUSTED, OUT_OF_RANGE, INTERNAL, UNAVAILABLE, UNIMPLEMENTED } = status

export const oauthErrors = {
  invalid_request: kind(400, INVALID_ARGUMENT, 'RFC 6749 5.2', 'The request is malformed.'),
  invalid_client: kind(401, UNAUTHENTICATED, 'RFC 6749 5.2', 'Client authentication failed.'),
  invalid_grant: kind(400, FAILED_PRECONDITION, 'RFC 6749 5.2', 'The grant is invalid, expired or revoked.'),
  unauthorized_client: kind(400, PERMISSION_DENIED, 'RFC 6749 5.2', 'The client is not allowed to do this.'),
  unsupported_grant_type: kind(400, UNIMPLEMENTED, 'RFC 6749 5.2', 'The grant type is not supported.'),
  invalid_scope: kind(400, INVALID_ARGUMENT, 'RFC 6749 5.2', 'The requested scope is invalid.'),
  access_denied: kind(403, PERMISSION_DENIED, 'RFC 6749 4.1.2.1', 'The resource owner denied the request.'),
  unsupported_response_type: kind(400, UNIMPLEMENTED, 'RFC 6749 4.1.2.1', 'The response type is not supported.'),
  unsupported_response_mode: kind(400, UNIMPLEMENTED, 'Hydra', 'The response mode is not supported.'),
  server_error: kind(500, INTERNAL, 'RFC 6749 4.1.2.1', 'The server met an error that it did not expect.'),
  temporarily_unavailable: kind(503, UNAVAILABLE, 'RFC 6749 4.1.2.1', 'The server cannot answer now; try again.'),
  interaction_required: kind(400, FAILED_PRECONDITION, 'OIDC Core 3.1.2.6', 'The end-user must be asked.'),
  login_required: kind(400, FAILED_PRECONDITION, 'OIDC Core 3.1.2.6', 'The end-user must log in.'),
  account_selection_required: kind(400, FAILED_PRECONDITION, 'OIDC Core 3.1.2.6', 'The end-user must choose.'),
  consent_required: kind(400, FAILED_PRECONDITION, 'OIDC Core 3.1.2.6', 'The end-user must consent.'),
  invalid_request_object: kind(400, INVALID_ARGUMENT, 'RFC 9101 7', 'The request object is not valid.'),
  invalid_request_uri: kind(400, INVALID_ARGUMENT, 'RFC 9101 7', 'The `request_uri` is not valid.'),
  registration_not_supported: kind(400, UNIMPLEMENTED, 'OIDC Core 3.1.2.6', '`registration` is not supported.'),
  authorization_pending: kind(400, FAILED_PRECONDITION, 'RFC 8628 3.5', 'The end-user has not decided yet.'),
  slow_down: kind(
    400,
    FAILED_PRECONDITION,
    'RFC 8628 3.5',
    'The device polls too fast: 5 seconds are added to the interval.',
  ),
  expired_token: kind(400, FAILED_PRECONDITION, 'RFC 8628 3.5', 'The device code has expired.'),
  hook_failed: kind(400, FAILED_PRECONDITION, 'Tessera hooks', 'The token hook did not answer; nothing was changed.'),
  invalid_token: kind(401, UNAUTHENTICATED, 'RFC 6750 3.1', 'The access token is invalid, expired or revoked.'),
  insufficient_scope: kind(403, PERMISSION_DENIED, 'RFC 6750 3.1', 'The access token lacks a scope.'),
  unsupported_token_type: kind(400, UNIMPLEMENTED, 'RFC 7009 2.2.1', 'The token type cannot be revoked.'),
  invalid_redirect_uri: kind(400, INVALID_ARGUMENT, 'RFC 7591 3.2.2', 'A redirect URI is invalid.'),
  invalid_client_metadata: kind(400, INVALID_ARGUMENT, 'RFC 7591 3.2.2', 'The client metadata is invalid.'),
  request_unauthorized: kind(401, UNAUTHENTICATED, 'Hydra', 'The request could not be authorized.'),
  request_forbidden: kind(403, PERMISSION_DENIED, 'Hydra', 'The request is not allowed.'),
  not_found: kind(404, NOT_FOUND, 'Hydra', 'There is no such thing.'),
  method_not_allowed: kind(405, UNIMPLEMENTED, 'RFC 9110 15.5.6', 'The method is not allowed here.'),
  conflict: kind(409, ALREADY_EXISTS, 'Hydra', 'It exists already.'),
  gone: kind(410, FAILED_PRECONDITION, 'Hydra v1.10', 'The request was answered already.'),
  payload_too_large: kind(413, RESOURCE_EXHAUSTED, 'RFC 9110 15.5.14', 'The request is too large.'),
  unsupported_media_type: kind(415, INVALID_ARGUMENT, 'RFC 9110 15.5.16', 'The content type is not supported.'),
  too_many_requests: kind(429, RESOURCE_EXHAUSTED, 'RFC 6585 4', 'Too many requests; try again later.'),
  position_lost: kind(400, OUT_OF_RANGE, 'Tessera feeds', 'The feed cannot go on from there; begin anew.'),
} as const satisfies Record<string, OAuthErrorKind>

export type OAuthErrorCode = keyof typeof oauthErrors

export interface OAuthErrorDetails {
  /** What can be done about it. */
  hint?: string
  /** Why, for the log alone; never sent. */
  cause?: unknown
  /** Seconds after which another try makes sense. */
  retryAfter?: number
  /** Where the browser is to go instead. */
  redirectTo?: string
}

/** RFC 6749 5.2: characters outside %x20-21 / %x23-5B / %x5D-7E may not be in a description. */
const printable = (text: string) =>
  text
    .replace(/"/g, "'")
    .replace(/\\/g, '/')
    .replace(/[^\x20-\x7e]/g, '?')

/** What every refused call ends with, in process and over the wire alike. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  /** One of the table's codes, or one that a login or consent app chose. */
  readonly code: string
  readonly description: string
  readonly hint: string
  readonly retryAfter: number
  readonly redirectTo: string

  constructor(code: OAuthErrorCode | (string & {}), description?: string, details: OAuthErrorDetails = {}) {
    const text = printable(description ?? kindOf(code).description)
    super(`${code}: ${text}`, { cause: details.cause })
    this.code = code
    this.description = text
    this.hint = printable(details.hint ?? '')
    this.retryAfter = details.retryAfter ?? (code === 'temporarily_unavailable' ? 1 : 0)
    this.redirectTo = details.redirectTo ?? ''
  }
}

/** The table's row for a code; one that is not in the table is an error of the request. */
export function kindOf(code: string): OAuthErrorKind {
  return (oauthErrors as Record<string, OAuthErrorKind>)[code] ?? oauthErrors.invalid_request
}

/** Whatever was thrown, as an OAuthError; what was not meant for the caller becomes a `server_error` without details. */
export function toOAuthError(thrown: unknown): OAuthError {
  return thrown instanceof OAuthError ? thrown : new OAuthError('server_error', undefined, { cause: thrown })
}
