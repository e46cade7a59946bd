// Logout (OpenID Connect RP-Initiated Logout 1.0), and the logout app's side of it.
import type { Client } from '#proto/client/v1/client_service.js'
import type { Logout } from '#proto/consent/v1/flow.js'
import type { LogoutAnswer, LogoutRequest, LogoutServiceService } from '#proto/consent/v1/logout_service.js'
import { toOAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import { isOutage } from './authorization_response.js'
import type { Decided } from './decisions.js'
import { resumeLogout } from './end_session.js'
import type { Parts } from './parts.js'
import { startLogout } from './start_logout.js'

export function createLogoutHandlers(parts: Parts): Handlers<typeof LogoutServiceService> {
  const { sealedFlows, decisions, urls } = parts
  return {
    startLogout: async (request, call) => ({ answer: await answering(() => startLogout(parts, request, call)) }),
    resumeLogout: async (request, call) => ({ answer: await answering(() => resumeLogout(parts, request, call)) }),

    async getLogoutRequest({ logoutChallenge }) {
      const logout = openChallenge(parts, logoutChallenge)
      return { logoutRequest: logoutRequestOf(logout, logoutChallenge, await clientOf(parts, logout), parts) }
    },

    async acceptLogoutRequest({ logoutChallenge }) {
      const logout = openChallenge(parts, logoutChallenge)
      const answer = async () => urls.resumeLogout(sealedFlows.sealLogout('logout verifier', logout))
      return { redirectTo: await decisions.make(keyOf(logout), Buffer.from('accept'), answer) }
    },

    async rejectLogoutRequest({ logoutChallenge }, call: Call) {
      const logout = openChallenge(parts, logoutChallenge)
      await decisions.make(keyOf(logout), Buffer.from('reject'), async () => call.requestId)
      return {}
    },
  }
}

const keyOf = (logout: Logout): Decided => ({ id: uuidFromBytes(logout.id), stage: 'logout' })

/** Errors: `not_found`, `request_unauthorized`, `gone`. */
function openChallenge({ sealedFlows, decisions, urls }: Parts, challenge: string): Logout {
  const logout = sealedFlows.openLogout('logout challenge', challenge)
  decisions.checkOpen(uuidFromBytes(logout.id), () => urls.logoutRequest(logout.parameters))
  return logout
}

const clientOf = ({ clients }: Parts, { clientId }: Logout): Promise<Client | undefined> | undefined =>
  clientId === '' ? undefined : clients.find(clientId)

function logoutRequestOf(
  logout: Logout,
  challenge: string,
  client: Client | undefined,
  { urls, config }: Pick<Parts, 'urls' | 'config'>,
): LogoutRequest {
  const { subject, requestedAt } = logout
  return {
    challenge,
    subject,
    sid: uuidFromBytes(logout.sessionId),
    requestUrl: urls.logoutRequest(logout.parameters),
    rpInitiated: logout.rpInitiated,
    client,
    expiresAt: new Date((requestedAt + config.ttl.login_consent_request) * 1_000),
    requestedAt: new Date(requestedAt * 1_000),
  }
}

/** What is wrong with a request is part of the answer; an outage is an error of the call. */
async function answering(work: () => Promise<LogoutAnswer>): Promise<LogoutAnswer> {
  try {
    return await work()
  } catch (thrown) {
    const error = toOAuthError(thrown)
    if (isOutage(error)) throw thrown
    const { code, description, hint, retryAfter, redirectTo } = error
    return { kind: { $case: 'error', value: { code, description, hint, retryAfter, redirectTo } }, cookies: [] }
  }
}
