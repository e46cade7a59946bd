// A logout request: who asks, which login session, and where the browser goes afterwards (RP-Initiated Logout 1.0
// sections 2 and 3).
import type { Client } from '#proto/client/v1/client_service.js'
import { Logout } from '#proto/consent/v1/flow.js'
import type { LogoutAnswer, StartLogoutRequest } from '#proto/consent/v1/logout_service.js'
import { nowSeconds } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { newUuid, uuidToBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import type { ClientSubjects } from './client_subjects.js'
import { endSession, loggedOut } from './end_session.js'
import type { IdTokenHint } from './id_token_hint.js'
import { isSameLogin } from './login_requirement.js'
import type { Parts } from './parts.js'
import type { LoginSession } from './store/consent_store.js'
import { withParameters } from './urls.js'

interface Asking {
  readonly hint: IdTokenHint | undefined
  readonly client: Client | undefined
  /** Empty: where the configuration says. */
  readonly redirectTo: string
}

/** What is thrown here is shown by the server itself. */
export async function startLogout(parts: Parts, request: StartLogoutRequest, call: Call): Promise<LogoutAnswer> {
  const { cookies, duplicates } = request
  if (duplicates.length > 0) throw new OAuthError('invalid_request', 'A parameter was sent more than once.')
  const asking = await whoAsks(parts, request.parameters)
  const sessionId = parts.sessionCookie.read(cookies)
  const session = sessionId && (await parts.store.findLoginSession(sessionId, call))
  if (!session) return loggedOut(parts, asking.redirectTo, cookies)
  const isSame = asking.hint !== undefined && isHintOf(parts.clientSubjects, asking, asking.hint, session)
  const logout = logoutOf(request.parameters, asking, session, isSame)
  // Without an ID token of this session anyone could have sent the browser here: the end-user is asked.
  const needsNoAnswer = isSame && (asking.client?.skipLogoutConsent || parts.config.urls.logout === '')
  if (needsNoAnswer) return endSession(parts, logout, cookies, call)
  const url = parts.urls.app('logout', parts.sealedFlows.sealLogout('logout challenge', logout))
  return { kind: { $case: 'redirectTo', value: url }, cookies: [] }
}

async function whoAsks(
  { idTokenHints, clients }: Parts,
  parameters: StartLogoutRequest['parameters'],
): Promise<Asking> {
  const { id_token_hint: token, client_id: named, post_logout_redirect_uri: uri, state } = parameters
  const hint = token ? await idTokenHints.verify(token) : undefined
  const clientId = named || hint?.audience[0]
  if (!clientId) {
    if (uri || state)
      throw new OAuthError(
        'invalid_request',
        'Without `id_token_hint` or `client_id` there is no place to go to afterwards.',
      )
    return { hint, client: undefined, redirectTo: '' }
  }
  if (hint && !hint.audience.includes(clientId))
    throw new OAuthError('invalid_request', '`id_token_hint` was issued to another client.')
  const client = await clients.find(clientId)
  if (!client) throw new OAuthError('invalid_client', 'There is no client with this `client_id`.')
  return { hint, client, redirectTo: uri ? registered(client, uri, state) : '' }
}

/** The place as registered, to the byte, with `state` as it came. */
function registered(client: Client, uri: string, state: string | undefined): string {
  if (!client.postLogoutRedirectUris.includes(uri))
    throw new OAuthError('invalid_request', '`post_logout_redirect_uri` is not one that the client has registered.')
  return state ? withParameters(uri, { state }) : uri
}

/** Whether the ID token is of this login session. Error: `invalid_request` if it is of somebody else. */
function isHintOf(
  subjects: ClientSubjects,
  { client }: Asking,
  hint: IdTokenHint,
  { id, subject }: LoginSession,
): boolean {
  const obfuscatedSubject = client ? subjects.obfuscated(client, subject) : ''
  if (!isSameLogin(hint, { subject, sessionId: id, obfuscatedSubject }))
    throw new OAuthError('invalid_request', '`id_token_hint` is of another end-user than the one who is logged in.')
  // An older session of the same end-user: it is known who is meant, and not that this session is.
  return hint.sessionId === '' || hint.sessionId === id
}

function logoutOf(
  parameters: StartLogoutRequest['parameters'],
  { client, redirectTo }: Asking,
  session: LoginSession,
  rpInitiated: boolean,
): Logout {
  const { id_token_hint: _, ...shown } = parameters
  return Logout.fromPartial({
    id: uuidToBytes(newUuid()),
    requestedAt: nowSeconds(),
    sessionId: uuidToBytes(session.id),
    subject: session.subject,
    clientId: client?.clientId ?? '',
    postLogoutRedirectTo: redirectTo,
    parameters: shown,
    rpInitiated,
  })
}
