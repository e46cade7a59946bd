// The end of a login session by logout (RP-Initiated Logout 1.0 section 2), and which clients learn of it through the browser
// (Front-Channel Logout 1.0 section 3). Each step may be done again: a verifier that
// comes twice ends nothing else.
import type { Client } from '#proto/client/v1/client_service.js'
import type { Logout } from '#proto/consent/v1/flow.js'
import type { LogoutAnswer, ResumeLogoutRequest } from '#proto/consent/v1/logout_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import type { Cookies } from './cookies.js'
import type { Parts } from './parts.js'
import { withParameters } from './urls.js'

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
  const session = await findClients(parts, sessionId, call)
  await revokeGrants(parts, session, call)
  parts.decisions.end(uuidFromBytes(logout.id))
  return loggedOut(parts, logout.postLogoutRedirectTo, cookies, frontchannelUris(parts, session))
}

interface EndedSession {
  readonly id: string
  readonly grants: readonly { readonly id: string; readonly clientId: string }[]
  /** Those that are still registered. */
  readonly clients: readonly Client[]
}

/** Who the session was used for. A flow that is under way finds it gone at its end, and takes its grant back. */
async function findClients({ store, clients }: Parts, id: string, call: Call): Promise<EndedSession> {
  const grants = await store.findGrantsOfSession(id, call)
  const clientIds = [...new Set(grants.map((grant) => grant.clientId))]
  const found = await Promise.all(clientIds.map((clientId) => clients.find(clientId)))
  return { id, grants, clients: found.filter((client) => client !== undefined) }
}

async function revokeGrants({ tokens }: Parts, { id, grants, clients }: EndedSession, call: Call): Promise<void> {
  const revoking = new Set(clients.filter((client) => client.revokeTokensOnLogout).map((client) => client.clientId))
  if (revoking.size === 0) return
  if (grants.every(({ clientId }) => revoking.has(clientId))) {
    await tokens.revokeGrants({ selector: { $case: 'loginSessionId', value: id } }, call)
    return
  }
  for (const grant of grants.filter(({ clientId }) => revoking.has(clientId)))
    await tokens.revokeGrants({ selector: { $case: 'grantId', value: grant.id } }, call)
}

/** Front-Channel Logout 1.0 section 3: `iss` and `sid` always go together. */
const frontchannelUris = ({ config }: Parts, { id: sid, clients }: EndedSession): string[] =>
  clients
    .filter((client) => client.frontchannelLogoutUri !== '')
    .map((client) => withParameters(client.frontchannelLogoutUri, { iss: config.issuer, sid }))

/**
 * @param redirectTo Where the client says; empty: where the configuration says, or a page of the server's own.
 * @param uris What the browser has to load before.
 */
export function loggedOut(
  { urls, sessionCookie }: Parts,
  redirectTo: string,
  cookies: Cookies,
  uris: string[] = [],
): LogoutAnswer {
  const url = redirectTo || urls.afterLogout()
  return { kind: kindOf(url, uris), cookies: sessionCookie.remove(cookies) }
}

function kindOf(url: string | undefined, uris: string[]): LogoutAnswer['kind'] {
  if (uris.length > 0) return { $case: 'frontchannelLogout', value: { uris, redirectTo: url ?? '' } }
  return url ? { $case: 'redirectTo', value: url } : { $case: 'loggedOut', value: {} }
}
