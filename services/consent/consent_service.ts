// The consent app's side of a flow: it is told what is asked, and says what the end-user allows. And what was allowed.
import {
  AcceptConsentRequestRequest,
  type ConsentServiceService,
  RejectConsentRequestRequest,
} from '#proto/consent/v1/consent_service.js'
import { type Flow, FlowConsent, type FlowPayload } from '#proto/consent/v1/flow.js'
import { nowMs } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { purgeForMs, whileAwaited } from '../kit/repeat.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import { keyOf, openFlow, resumeUrl } from './challenges.js'
import { listConsentSessions, revokeConsentSessions } from './consent_sessions.js'
import { advance } from './flow.js'
import type { Parts } from './parts.js'
import { encodeJson } from './payloads.js'
import { rejectionOf } from './rejection.js'
import { consentRequestOf, requestedAudience, requestedScope } from './requests.js'

export function createConsentHandlers(parts: Parts): Handlers<typeof ConsentServiceService> {
  const { decisions, payloads, sealedFlows } = parts
  return {
    async getConsentRequest({ consentChallenge }, call) {
      const { flow, client } = await openFlow(parts, 'consent', consentChallenge)
      const challenges = { consent: consentChallenge, login: sealedFlows.loginChallenge(flow) }
      const payload = await payloads.get(flow, 'login', call)
      return { consentRequest: consentRequestOf(flow, challenges, client, payload, parts) }
    },

    async acceptConsentRequest(request, call) {
      const { flow } = await openFlow(parts, 'consent', request.consentChallenge)
      checkGranted('grant_scope', request.grantScope, requestedScope(flow))
      checkGranted('grant_access_token_audience', request.grantAccessTokenAudience, requestedAudience(flow))
      const payload = payloadOf(request)
      const said = AcceptConsentRequestRequest.encode({ ...request, consentChallenge: '' }).finish()
      const answer = () => accept(parts, flow, request, payload, call)
      return { redirectTo: await decisions.make(keyOf(flow, 'consent'), said, answer) }
    },

    async rejectConsentRequest(request, call) {
      const { flow } = await openFlow(parts, 'consent', request.consentChallenge)
      const rejection = rejectionOf(request.rejection, call)
      const body = RejectConsentRequestRequest.encode({ ...request, consentChallenge: '' }).finish()
      const answer = async () => resumeUrl(parts, 'consent', advance(flow, 'reject_consent', { rejection }))
      const said = Buffer.concat([Buffer.from('reject'), body])
      return { redirectTo: await decisions.make(keyOf(flow, 'consent'), said, answer) }
    },

    listConsentSessions: (request, call) => listConsentSessions(parts, request, call),
    revokeConsentSessions: ({ selector }, call) => revokeConsentSessions(parts, selector, call),
    purgeExpired: async ({ notAfter }, { signal }) => ({
      deleted: await parts.store.purge(whileAwaited(purgeForMs, signal), notAfter),
    }),
  }
}

const payloadOf = ({ context, session }: AcceptConsentRequestRequest): FlowPayload => ({
  contextJson: encodeJson(context, '`context`'),
  accessTokenClaimsJson: encodeJson(session?.accessToken, '`session.access_token`'),
  idTokenClaimsJson: encodeJson(session?.idToken, '`session.id_token`'),
})

async function accept(
  parts: Parts,
  flow: Flow,
  request: AcceptConsentRequestRequest,
  payload: FlowPayload,
  call: Call,
): Promise<string> {
  const carried = await parts.payloads.put(flow, 'consent', payload, call)
  const consent: FlowConsent = {
    ...(flow.consent ?? FlowConsent.fromPartial({})),
    grantedScope: positionsOf(request.grantScope, requestedScope(flow)),
    grantedAudience: positionsOf(request.grantAccessTokenAudience, requestedAudience(flow)),
    remember: request.remember,
    rememberFor: request.rememberFor,
    consentedAtMs: nowMs(),
    ...carried,
  }
  return resumeUrl(parts, 'consent', advance(flow, 'accept_consent', { consent }))
}

/** Where the granted stand among the requested, each once. */
const positionsOf = (granted: readonly string[], requested: readonly string[]): number[] =>
  [...new Set(granted)].map((value) => requested.indexOf(value))

/** Nothing is granted that was not asked for. */
function checkGranted(name: string, granted: readonly string[], requested: readonly string[]): void {
  const surplus = granted.find((value) => !requested.includes(value))
  if (surplus !== undefined)
    throw new OAuthError('invalid_request', `\`${name}\` has '${surplus.slice(0, 100)}', which was not requested.`)
}
