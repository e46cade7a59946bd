// The end of a login session by logout (RP-Initiated Logout 1.0 section 2). Each step may be done again: a verifier that
// comes twice ends nothing else.
import type { Logout } from '#proto/consent/v1/flow.js'
import type { LogoutAnswer, ResumeLogoutRequest } from '#proto/consent/v1/logout_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import type { Cookies } from './cookies.js'
import type { Parts } from './parts.js'

/** What is thrown here is shown by the server itself. */
export async function resumeLogout(
  parts: Parts,
  { logoutVerifier, cookies }: ResumeLogoutRequest,
  call: Call,
): Promise<LogoutAnswer> {
  const { sealedFlows, sessionCookie, store } = parts
  const logout = sealedFlows.openLogout('logout verifier', logoutVerifier)
  const sessionId = uuidFromBytes(logout.sessionId)
  if (sessionCookie.read(cookies) === sessionId) return endSession(parts, logout, cookies, call)
  if (await store.findLoginSession(sessionId, call))
    throw new OAuthError('request_forbidden', 'The login session that is to end is not the one of this browser.')
  // It has ended: the verifier was used, or the session was revoked.
  return loggedOut(parts, logout.postLogoutRedirectTo, {})
}

/** Ends the session and, where its clients want that, what they were granted in it. */
export async function endSession(parts: Parts, logout: Logout, cookies: Cookies, call: Call): Promise<LogoutAnswer> {
  const sessionId = uuidFromBytes(logout.sessionId)
  await parts.store.endLoginSession(sessionId, call)
  parts.logoutDeliveries.wake()
  await revokeGrants(parts, sessionId, call)
  parts.decisions.end(uuidFromBytes(logout.id))
  return loggedOut(parts, logout.postLogoutRedirectTo, cookies)
}

/** A flow that is under way in the session finds it gone at its end, and takes its grant back. */
async function revokeGrants({ store, clients, tokens }: Parts, sessionId: string, call: Call): Promise<void> {
  const grants = await store.findGrantsOfSession(sessionId, call)
  const clientIds = [...new Set(grants.map((grant) => grant.clientId))]
  const found = await Promise.all(clientIds.map((clientId) => clients.find(clientId)))
  const revoking = new Set(found.flatMap((client) => (client?.revokeTokensOnLogout ? [client.clientId] : [])))
  if (revoking.size === 0) return
  if (revoking.size === clientIds.length) {
    await tokens.revokeGrants({ selector: { $case: 'loginSessionId', value: sessionId } }, call)
    return
  }
  for (const { id } of grants.filter(({ clientId }) => revoking.has(clientId)))
    await tokens.revokeGrants({ selector: { $case: 'grantId', value: id } }, call)
}

/** @param redirectTo Where the client says; empty: where the configuration says, or a page of the server's own. */
export function loggedOut({ urls, sessionCookie }: Parts, redirectTo: string, cookies: Cookies): LogoutAnswer {
  const url = redirectTo || urls.afterLogout()
  const kind: LogoutAnswer['kind'] = url ? { $case: 'redirectTo', value: url } : { $case: 'loggedOut', value: {} }
  return { kind, cookies: sessionCookie.remove(cookies) }
}
