// The record of a consent session: the flow at its end, sealed. What the row has in columns of its own is left out of it.
import { Flow, FlowConsent, type FlowPayload } from '#proto/consent/v1/flow.js'
import { uuidToBytes } from '../kit/random.js'
import type { Sealer } from '../kit/sealing.js'
import { loginOf } from './requests.js'
import type { StoredConsent } from './store/consent_store.js'

const purpose = 'consent session'

const nothing = Buffer.alloc(0)

/** What apps sent along with their decisions. */
export interface FlowPayloads {
  readonly login: FlowPayload
  readonly consent: FlowPayload
}

/** The flow with what apps sent along, wherever that was until now. */
export function sealRecord(sealer: Sealer, flow: Flow, payloads: FlowPayloads): Buffer {
  const login = { payload: payloads.login, payloadStored: false, subject: '', sessionId: nothing }
  const consent = { payload: payloads.consent, payloadStored: false, consentedAtMs: 0 }
  const record = {
    ...flow,
    ...{ id: nothing, clientId: '', registrationId: nothing },
    login: { ...loginOf(flow), ...login },
    consent: flow.consent && { ...flow.consent, ...consent },
  }
  return sealer.seal(purpose, Flow.encode(record).finish())
}

/** The flow of a consent session; undefined where it was sealed under a secret that is no longer there. */
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
    login: { ...loginOf(flow), subject, sessionId: uuidToBytes(stored.loginSessionId) },
    consent: { ...consent, consentedAtMs: stored.handledAt.getTime() },
  }
}
