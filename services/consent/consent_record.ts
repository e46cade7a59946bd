// The record of a consent session: the flow at its end, sealed. What the row has in columns of its own is left out of it.
import { Flow, FlowConsent, type FlowPayload, FlowState } from '#proto/consent/v1/flow.js'
import { uuidToBytes } from '../kit/random.js'
import type { Sealer } from '../kit/sealing.js'
import { grantedScope, loginOf } from './requests.js'
import type { StoredConsent } from './store/consent_store.js'

const purpose = 'consent session'

const nothing = Buffer.alloc(0)

/** What apps sent along with their decisions. */
export interface FlowPayloads {
  readonly login: FlowPayload
  readonly consent: FlowPayload
}

/** What the row says, or nobody asks about once the flow has ended. */
const leftOut = {
  ...{ state: FlowState.UNSPECIFIED, requestedAt: 0, id: nothing, clientId: '', registrationId: nothing },
  // Good for one answer, which was given.
  ...{ stateParameter: '', nonce: '', codeChallenge: nothing },
}
const leftOutOfLogin = { payloadStored: false, subject: '', sessionId: nothing, authenticatedAtMs: 0 }
const leftOutOfConsent = { payloadStored: false, consentedAtMs: 0, grantedScope: [], grantedAudience: [] }

/** What nearly every request has. */
const usualResponseType = 'code'

/** The flow with what apps sent along, wherever that was until now. Where all scopes were granted, the row has them. */
export function sealRecord(sealer: Sealer, flow: Flow, payloads: FlowPayloads): Buffer {
  const record = {
    ...flow,
    ...leftOut,
    responseType: flow.responseType === usualResponseType ? '' : flow.responseType,
    scope: flow.scope === grantedScope(flow).join(' ') ? '' : flow.scope,
    login: { ...loginOf(flow), ...leftOutOfLogin, payload: payloads.login },
    consent: flow.consent && { ...flow.consent, ...leftOutOfConsent, payload: payloads.consent },
  }
  return sealer.seal(purpose, Flow.encode(record).finish())
}

/**
 * The flow of a consent session, but for what nobody asks about any more; undefined where it was sealed under a secret that is no
 * longer there.
 */
export function openRecord(sealer: Sealer, subject: string, stored: StoredConsent): Flow | undefined {
  const opened = sealer.open(purpose, stored.record)
  if (!opened) return undefined
  const flow = Flow.decode(opened)
  const consent = flow.consent ?? FlowConsent.fromPartial({})
  return {
    ...flow,
    id: uuidToBytes(stored.id),
    clientId: stored.clientId,
    registrationId: uuidToBytes(stored.registrationId),
    responseType: flow.responseType || usualResponseType,
    scope: flow.scope || stored.grantedScope,
    login: { ...loginOf(flow), subject, sessionId: uuidToBytes(stored.loginSessionId) },
    consent: { ...consent, consentedAtMs: stored.handledAt.getTime() },
  }
}
