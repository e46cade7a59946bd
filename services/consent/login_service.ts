// The login app's side of a flow: it is told what is asked, and says who the end-user is.
import { type Flow, type FlowLogin, FlowPayload } from '#proto/consent/v1/flow.js'
import {
  AcceptLoginRequestRequest,
  type LoginServiceService,
  RejectLoginRequestRequest,
} from '#proto/consent/v1/login_service.js'
import { nowMs } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { isUuid } from '../kit/random.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import { splitWords } from '../kit/scope_strategy.js'
import { keyOf, openFlow, resumeUrl } from './challenges.js'
import { isForDevice } from './device_flow.js'
import { advance } from './flow.js'
import type { Parts } from './parts.js'
import { encodeJson } from './payloads.js'
import { rejectionOf } from './rejection.js'
import { loginOf, loginRequestOf } from './requests.js'
import { beginLogin } from './start_login.js'

export function createLoginHandlers(parts: Parts): Handlers<typeof LoginServiceService> {
  const { decisions, store, logoutDeliveries } = parts
  return {
    async getLoginRequest({ loginChallenge }) {
      const { flow, client } = await openFlow(parts, 'login', loginChallenge)
      return { loginRequest: loginRequestOf(flow, loginChallenge, client, parts) }
    },

    async acceptLoginRequest(request, call) {
      const { flow } = await openFlow(parts, 'login', request.loginChallenge)
      checkForm(request)
      const payload = FlowPayload.fromPartial({ contextJson: encodeJson(request.context, '`context`') })
      const said = AcceptLoginRequestRequest.encode({ ...request, loginChallenge: '' }).finish()
      return {
        redirectTo: await decisions.make(keyOf(flow, 'login'), said, () => accept(parts, flow, request, payload, call)),
      }
    },

    async rejectLoginRequest(request, call) {
      const { flow } = await openFlow(parts, 'login', request.loginChallenge)
      const rejection = rejectionOf(request.rejection, call)
      const said = Buffer.concat([
        Buffer.from('reject'),
        RejectLoginRequestRequest.encode({ ...request, loginChallenge: '' }).finish(),
      ])
      const answer = async () => resumeUrl(parts, 'login', advance(flow, 'reject_login', { rejection }))
      return { redirectTo: await decisions.make(keyOf(flow, 'login'), said, answer) }
    },

    async revokeLoginSessions({ selector }, call) {
      if (!selector?.value) throw new OAuthError('invalid_request', 'It is not said which login sessions.')
      if (selector.$case === 'loginSessionId') {
        const isEnded = isUuid(selector.value) && (await store.endLoginSession(selector.value, call))
        logoutDeliveries.wake()
        return { revoked: isEnded ? 1 : 0 }
      }
      checkText('subject', selector.value)
      await store.revokeLogins(selector.value, call)
      return { revoked: await store.deleteRevokedLogins(selector.value, call) }
    },
  }
}

async function accept(
  parts: Parts,
  flow: Flow,
  request: AcceptLoginRequestRequest,
  payload: FlowPayload,
  call: Call,
): Promise<string> {
  const remembered = loginOf(flow)
  const isOther = remembered.skip && request.subject !== remembered.subject
  if (isOther && !isForDevice(flow)) return otherSubject(parts, flow)
  // A device's request cannot begin again; that somebody else logged in is as good as a new login.
  const known = isOther ? beginLogin(flow.id) : remembered
  const carried = await parts.payloads.put(flow, 'login', payload, call)
  const login: FlowLogin = {
    sessionId: known.sessionId,
    skip: known.skip,
    subject: request.subject,
    // A login that is not asked for anew stays as old as it is.
    authenticatedAtMs: known.skip ? known.authenticatedAtMs : nowMs(),
    remember: known.skip || request.remember,
    rememberFor: request.rememberFor,
    extendSessionLifespan: request.extendSessionLifespan,
    acr: request.acr || known.acr || acrWhereAsked(flow),
    amr: request.amr.length > 0 ? request.amr : known.amr,
    obfuscatedSubject: request.forceSubjectIdentifier,
    identityProviderSessionId: request.identityProviderSessionId,
    ...carried,
  }
  return resumeUrl(parts, 'login', advance(flow, 'accept_login', { login }))
}

/** OpenID Connect Core section 2: "0" where the client asks for a class and none was reached. */
const acrWhereAsked = (flow: Flow): string => (splitWords(flow.otherParameters.acr_values ?? '').length > 0 ? '0' : '')

/** Somebody else than the one who is remembered: the request begins again, with a login; silently that cannot be. */
function otherSubject(parts: Parts, flow: Flow): string {
  if (!splitWords(flow.otherParameters.prompt ?? '').includes('none')) return parts.urls.restart(flow)
  const rejection = { error: 'login_required', errorDescription: '', errorHint: '' }
  return resumeUrl(parts, 'login', advance(flow, 'reject_login', { rejection }))
}

function checkForm(request: AcceptLoginRequestRequest): void {
  if (request.subject === '') throw new OAuthError('invalid_request', '`subject` is missing.')
  const { subject, acr, forceSubjectIdentifier, identityProviderSessionId, amr } = request
  for (const [name, text] of Object.entries({ subject, acr, forceSubjectIdentifier, identityProviderSessionId }))
    checkText(name, text)
  if (amr.length > 32) throw new OAuthError('invalid_request', '`amr` has more than 32 values.')
  for (const method of amr) checkText('amr', method)
}

/** OpenID Connect Core section 2 gives a subject 255 characters. */
function checkText(name: string, text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (text.length > 255 || /[\x00-\x1f\x7f]/.test(text))
    throw new OAuthError('invalid_request', `\`${name}\` is longer than 255 characters or has control characters.`)
}
