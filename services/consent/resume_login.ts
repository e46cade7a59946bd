// The second leg of a flow: the login app has said who the end-user is, and the consent app is asked. Writes nothing.
import { decodeJwt } from 'jose'
import type { AuthorizationAnswer } from '#proto/consent/v1/authorization_service.js'
import { type Flow, FlowConsent, type FlowLogin } from '#proto/consent/v1/flow.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes, uuidToBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import type { AuthorizationRequest } from './authorization_request/check.js'
import { runChecks } from './authorization_request/index.js'
import { sendTo } from './authorization_response.js'
import { asksForConsent, coversRequest, needsNoConsent } from './consent_requirement.js'
import type { Cookies } from './cookies.js'
import { isForDevice } from './device_flow.js'
import { advance } from './flow.js'
import { readHint } from './id_token_hint.js'
import { checkFreshness, isSameLogin } from './login_requirement.js'
import type { Parts } from './parts.js'
import { toError } from './rejection.js'
import type { Reopened } from './reopen.js'
import { loginOf } from './requests.js'

/** What is thrown here goes back to the client. */
export async function resumeLogin(
  parts: Parts,
  { flow, request, checks }: Reopened,
  _cookies: Cookies,
  call: Call,
): Promise<AuthorizationAnswer> {
  if (flow.rejection) throw toError(flow.rejection)
  const login = loginOf(flow)
  await runChecks(checks, request, parts.checkContext)
  checkFreshness(request, login, flow.requestedAt)
  checkExpected(flow, login, parts.clientSubjects.obfuscated(request.client, login.subject, login.obfuscatedSubject))
  const consent = await knownConsent(parts, flow, request, call)
  if (!consent.skip && request.prompt.includes('none')) throw new OAuthError('consent_required')
  const next = advance(flow, 'ask_consent', { consent })
  const { flowCookies, urls, sealedFlows } = parts
  // Taking the one cookie away ends the verifier that needs it.
  const cookies = [flowCookies.remove('login', flow), flowCookies.issue('consent', flow)]
  return sendTo(urls.app('consent', sealedFlows.seal(next)), cookies)
}

/** OpenID Connect Core section 3.1.2.2: the end-user is the one of `id_token_hint`, or it is an error. */
function checkExpected(flow: Flow, { subject, sessionId }: FlowLogin, obfuscatedSubject: string): void {
  const token = flow.otherParameters.id_token_hint
  const hint = token ? readHint(decodeJwt(token)) : undefined
  if (hint && !isSameLogin(hint, { subject, obfuscatedSubject, sessionId: uuidFromBytes(sessionId) }))
    throw new OAuthError('login_required', 'The end-user who logged in is not the one of `id_token_hint`.')
}

/** What makes asking needless, if anything does. */
async function knownConsent(
  { store, checkContext }: Parts,
  flow: Flow,
  request: AuthorizationRequest,
  call: Call,
): Promise<FlowConsent> {
  const { client } = request
  // Whoever typed a code that somebody else gave to them is asked (RFC 8628 section 5.4), whatever was allowed before.
  if (isForDevice(flow) || asksForConsent(request)) return FlowConsent.fromPartial({ skip: false })
  if (needsNoConsent(client)) return FlowConsent.fromPartial({ skip: true })
  const { clientId, registrationId } = client
  const selection = { subject: loginOf(flow).subject, clientId, registrationId }
  const remembered = await store.findRememberedConsents(selection, call)
  const covering = remembered.find((consent) => coversRequest(consent, request, checkContext.scopeStrategy))
  if (!covering) return FlowConsent.fromPartial({ skip: false })
  return FlowConsent.fromPartial({ skip: true, rememberedConsentId: uuidToBytes(covering.id) })
}
