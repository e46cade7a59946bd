// The first leg of a flow: who the end-user is, from a remembered login or from the login app. Writes nothing.
import type { AuthorizationAnswer, Cookie } from '#proto/consent/v1/authorization_service.js'
import { Flow, FlowLogin, FlowState } from '#proto/consent/v1/flow.js'
import { nowSeconds } from '../kit/clock.js'
import { newOrderedId, uuidToBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import type { AuthorizationRequest } from './authorization_request/check.js'
import { sendTo } from './authorization_response.js'
import type { Cookies } from './cookies.js'
import { asksForLogin, reusableLogin } from './login_requirement.js'
import type { Parts } from './parts.js'
import type { LoginSession } from './store/consent_store.js'

/** Error: `login_required`. */
export async function startLogin(
  parts: Parts,
  request: AuthorizationRequest,
  cookies: Cookies,
  call: Call,
): Promise<AuthorizationAnswer> {
  const { sealedFlows, flowCookies, urls, clientSubjects } = parts
  const requestedAt = nowSeconds()
  const session = asksForLogin(request) ? undefined : await findSession(parts, cookies, call)
  const reusable = reusableLogin(request, session?.found, requestedAt, clientSubjects)
  const flow = flowOf(request, requestedAt, reusable)
  const challenge = sealedFlows.seal(flow)
  const isNew = request.prompt.includes('registration')
  return sendTo(isNew ? urls.registration(challenge) : urls.app('login', challenge), [
    ...flowCookies.prune(cookies),
    flowCookies.issue('login', flow),
    ...(session?.stale ?? []),
  ])
}

/** The login session of this browser, or the removal of a cookie that stands for none. */
export async function findSession(
  { sessionCookie, store }: Parts,
  cookies: Cookies,
  call: Call,
): Promise<{ found: LoginSession | undefined; stale: Cookie[] }> {
  const id = sessionCookie.read(cookies)
  const found = id === undefined ? undefined : await store.findLoginSession(id, call)
  return { found, stale: found ? [] : sessionCookie.remove(cookies) }
}

/** Parameters that a flow has fields for; the others are kept by name. */
const known = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
])

function flowOf(request: AuthorizationRequest, requestedAt: number, login: LoginSession | undefined): Flow {
  const { parameters, client } = request
  const id = newOrderedId()
  return Flow.fromPartial({
    state: FlowState.LOGIN_REQUESTED,
    id,
    requestedAt,
    clientId: client.clientId,
    registrationId: uuidToBytes(client.registrationId),
    redirectUri: request.redirectUri,
    redirectUriOmitted: request.redirectUriOmitted,
    responseType: parameters.response_type ?? '',
    responseMode: parameters.response_mode ?? '',
    scope: parameters.scope ?? '',
    stateParameter: parameters.state ?? '',
    nonce: parameters.nonce ?? '',
    codeChallenge: request.codeChallenge,
    otherParameters: Object.fromEntries(Object.entries(parameters).filter(([name]) => !known.has(name))),
    login: beginLogin(id, login),
  })
}

/** A login that is not remembered gets a session of the flow's own id, whatever cookie came along (session fixation). */
export function beginLogin(flowId: Buffer, session?: LoginSession): FlowLogin {
  if (!session) return FlowLogin.fromPartial({ sessionId: flowId })
  const { subject, authenticatedAtMs, acr, amr } = session
  const sessionId = uuidToBytes(session.id)
  return FlowLogin.fromPartial({ sessionId, skip: true, subject, authenticatedAtMs, acr, amr: [...amr] })
}
