// Whether the end-user has to log in, or is known from a remembered login (OpenID Connect Core section 3.1.2.3).
import { OAuthError } from '../kit/oauth_error.js'
import type { AuthorizationRequest } from './authorization_request/check.js'
import type { ClientSubjects } from './client_subjects.js'
import type { IdTokenHint } from './id_token_hint.js'
import type { LoginSession } from './store/consent_store.js'

type Request = Pick<AuthorizationRequest, 'client' | 'prompt' | 'maxAge' | 'idTokenHint'>

/** Whether a remembered login makes no difference. */
export const asksForLogin = ({ prompt }: Pick<Request, 'prompt'>): boolean =>
  ['login', 'select_account', 'registration'].some((value) => prompt.includes(value))

/** The remembered login to go on with; undefined: the end-user logs in. Error: `login_required`. */
export function reusableLogin(
  request: Request,
  session: LoginSession | undefined,
  requestedAt: number,
  subjects: ClientSubjects,
): LoginSession | undefined {
  if (asksForLogin(request)) return undefined
  if (!session || isTooOld(request.maxAge, session.authenticatedAtMs, requestedAt)) {
    if (request.prompt.includes('none')) throw new OAuthError('login_required')
    return undefined
  }
  const { subject, id } = session
  const obfuscatedSubject = subjects.obfuscated(request.client, subject)
  if (request.idTokenHint && !isSameLogin(request.idTokenHint, { subject, sessionId: id, obfuscatedSubject }))
    throw new OAuthError('login_required', 'The end-user who is logged in is not the one of `id_token_hint`.')
  return session
}

/** `max_age=0` means that no login is fresh enough but a new one. */
const isTooOld = (maxAge: number | undefined, authenticatedAtMs: number, now: number): boolean =>
  maxAge !== undefined && (maxAge === 0 || Math.floor(authenticatedAtMs / 1_000) + maxAge < now)

/** Whether an ID token was issued for this login or another of the same end-user. */
export const isSameLogin = (
  hint: IdTokenHint,
  login: { readonly subject: string; readonly sessionId: string; readonly obfuscatedSubject: string },
): boolean =>
  hint.subject === login.subject ||
  (login.obfuscatedSubject !== '' && hint.subject === login.obfuscatedSubject) ||
  (hint.sessionId !== '' && hint.sessionId === login.sessionId)

/** That the login which came of it is as fresh as was asked for, whatever happened in between. Error: `login_required`. */
export function checkFreshness(
  request: Pick<Request, 'prompt' | 'maxAge'>,
  login: { readonly authenticatedAtMs: number },
  requestedAt: number,
): void {
  const authenticatedAt = Math.floor(login.authenticatedAtMs / 1_000)
  const atLeast = asksForLogin(request) ? requestedAt : requestedAt - (request.maxAge ?? Number.POSITIVE_INFINITY)
  if (authenticatedAt < atLeast)
    throw new OAuthError('login_required', 'The end-user was not authenticated as recently as was asked for.')
}
