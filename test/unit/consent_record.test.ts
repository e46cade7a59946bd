// The record of a consent session: whatever is left out of it comes back, and what an earlier version sealed opens.
import { describe, expect, it } from 'vitest'
import { Flow, FlowPayload, FlowState } from '#proto/consent/v1/flow.js'
import { openRecord, sealRecord } from '../../services/consent/consent_record.js'
import { grantedScope, loginOf } from '../../services/consent/requests.js'
import type { StoredConsent } from '../../services/consent/store/consent_store.js'
import { parametersOf } from '../../services/consent/urls.js'
import { newOrderedId, newUuid, uuidFromBytes, uuidToBytes } from '../../services/kit/random.js'
import { Sealer } from '../../services/kit/sealing.js'

const sealer = new Sealer(['a-system-secret-of-thirty-two-chars'])
const payloads = {
  login: FlowPayload.fromPartial({ contextJson: '{"seen":"by the login app"}' }),
  consent: FlowPayload.fromPartial({ contextJson: '{"seen":"by the consent app"}', idTokenClaimsJson: '{"a":1}' }),
}

const ended = (changes: Partial<Flow> = {}): Flow =>
  Flow.fromPartial({
    state: FlowState.GRANTED,
    id: newOrderedId(),
    requestedAt: 1_700_000_000,
    clientId: 'a-client',
    registrationId: uuidToBytes(newUuid()),
    redirectUri: 'https://client.example/callback',
    responseType: 'code',
    scope: 'openid offline_access',
    stateParameter: 'the-state',
    nonce: 'the-nonce',
    codeChallenge: Buffer.alloc(32, 7),
    otherParameters: { ui_locales: 'de', audience: 'https://api.example https://other.example' },
    login: {
      sessionId: newOrderedId(),
      subject: 'alice',
      authenticatedAtMs: 1_700_000_001_000,
      acr: '1',
      amr: ['pwd'],
    },
    consent: {
      grantedScope: [0, 1],
      grantedAudience: [1],
      remember: true,
      rememberFor: 60,
      consentedAtMs: 1_700_000_002_000,
    },
    ...changes,
  })

const rowOf = (flow: Flow, record: Buffer): StoredConsent => ({
  id: uuidFromBytes(flow.id),
  clientId: flow.clientId,
  registrationId: uuidFromBytes(flow.registrationId),
  loginSessionId: uuidFromBytes(loginOf(flow).sessionId),
  grantedScope: grantedScope(flow).join(' '),
  grantedAudience: 'https://other.example',
  handledAt: new Date(1_700_000_002_000),
  rememberedUntil: null,
  record,
})

/** What a list of sessions says of a flow. */
const shown = (flow: Flow | undefined) => {
  if (!flow) return undefined
  const { subject, sessionId, acr, amr, payload } = loginOf(flow)
  const { remember, rememberFor, skip, payload: consentPayload, consentedAtMs } = flow.consent ?? {}
  return {
    parameters: parametersOf(flow),
    login: { subject, sessionId: Buffer.from(sessionId), acr, amr, payload },
    consent: { remember, rememberFor, skip, payload: consentPayload, consentedAtMs },
  }
}

/** What was good for one answer is left out. */
const kept = (flow: Flow): Flow => ({ ...flow, stateParameter: '', nonce: '', codeChallenge: Buffer.alloc(0) })

const withPayloads = (flow: Flow): Flow => ({
  ...flow,
  login: { ...loginOf(flow), payload: payloads.login },
  consent: flow.consent && { ...flow.consent, payload: payloads.consent },
})

describe('the record of a consent session', () => {
  it.each([
    ['all of the scope was granted', {}],
    ['a part of the scope was granted', { consent: { ...Flow.fromPartial(ended()).consent, grantedScope: [1] } }],
    [
      'the scopes were granted in another order',
      { consent: { ...Flow.fromPartial(ended()).consent, grantedScope: [1, 0] } },
    ],
    ['nothing was asked for', { scope: '', consent: { ...Flow.fromPartial(ended()).consent, grantedScope: [] } }],
    ['the response type is another', { responseType: 'code id_token' }],
    ['the redirect URI was not named', { redirectUriOmitted: true }],
  ])('says what the flow was: %s', (_, changes) => {
    const flow = Flow.fromPartial(ended(changes as Partial<Flow>))
    const opened = openRecord(sealer, 'alice', rowOf(flow, sealRecord(sealer, flow, payloads)))
    expect(shown(opened)).toEqual(shown(withPayloads(kept(flow))))
  })

  it('opens as an earlier version sealed it, with all that was granted', () => {
    const flow = Flow.fromPartial(ended())
    const record = sealer.seal('consent session', Flow.encode(withPayloads(flow)).finish())
    expect(shown(openRecord(sealer, 'alice', rowOf(flow, record)))).toEqual(shown(withPayloads(flow)))
  })

  it('is little more than where the answer went', () => {
    const flow = ended({ otherParameters: {} })
    const nothing = { login: FlowPayload.fromPartial({}), consent: FlowPayload.fromPartial({}) }
    expect(sealRecord(sealer, flow, nothing).length - flow.redirectUri.length).toBeLessThan(80)
  })
})
