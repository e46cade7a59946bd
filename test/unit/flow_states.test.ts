// The state machine of a flow, and how flows are sealed.
import { describe, expect, it } from 'vitest'
import { Flow, FlowState } from '#proto/consent/v1/flow.js'
import { advance, type Move, states } from '../../services/consent/flow.js'
import { SealedFlows } from '../../services/consent/sealed_flows.js'
import { nowSeconds } from '../../services/kit/clock.js'
import { newUuid, uuidToBytes } from '../../services/kit/random.js'
import { Sealer } from '../../services/kit/sealing.js'

const moves: readonly Move[] = [
  'accept_device',
  'reject_device',
  'ask_login',
  'accept_login',
  'reject_login',
  'ask_consent',
  'accept_consent',
  'reject_consent',
  'grant',
  'refuse',
]

/** All that is legal; everything else is not. */
const legal: readonly string[] = [
  'DEVICE_REQUESTED accept_device DEVICE_ACCEPTED',
  'DEVICE_REQUESTED reject_device DEVICE_REJECTED',
  'DEVICE_ACCEPTED ask_login LOGIN_REQUESTED',
  'DEVICE_ACCEPTED refuse REFUSED',
  'DEVICE_REJECTED refuse REFUSED',
  'LOGIN_REQUESTED accept_login LOGIN_ACCEPTED',
  'LOGIN_REQUESTED reject_login LOGIN_REJECTED',
  'LOGIN_ACCEPTED ask_consent CONSENT_REQUESTED',
  'LOGIN_ACCEPTED refuse REFUSED',
  'LOGIN_REJECTED refuse REFUSED',
  'CONSENT_REQUESTED accept_consent CONSENT_ACCEPTED',
  'CONSENT_REQUESTED reject_consent CONSENT_REJECTED',
  'CONSENT_ACCEPTED grant GRANTED',
  'CONSENT_ACCEPTED refuse REFUSED',
  'CONSENT_REJECTED refuse REFUSED',
]

const names = Object.keys(FlowState) as (keyof typeof FlowState)[]

const flowIn = (state: FlowState): Flow =>
  Flow.fromPartial({ state, id: uuidToBytes(newUuid()), requestedAt: nowSeconds(), clientId: 'app' })

describe('the moves of a flow', () => {
  it.each(names)('from %s are the legal ones alone', (name) => {
    for (const move of moves) {
      const expected = legal.find((line) => line.startsWith(`${name} ${move} `))?.split(' ')[2]
      const flow = flowIn(FlowState[name])
      if (!expected) expect(() => advance(flow, move), move).toThrow('server_error')
      else expect(advance(flow, move).state, move).toBe(FlowState[expected as typeof name])
    }
  })

  it('keep all that the flow knows, and add what they bring', () => {
    const flow = flowIn(FlowState.LOGIN_REQUESTED)
    const rejection = { error: 'access_denied', errorDescription: '', errorHint: '' }
    expect(advance(flow, 'reject_login', { rejection })).toEqual({
      ...flow,
      state: FlowState.LOGIN_REJECTED,
      rejection,
    })
  })
})

describe('sealed flows', () => {
  const secret = 'a secret for the tests alone'
  const sealed = new SealedFlows(new Sealer([secret]), 60)
  const elsewhere = new SealedFlows(new Sealer([secret]), 60)
  const travelling = names.filter((name) => states[FlowState[name]].travelsAs)

  describe.each(Object.entries({ 'where it was sealed': sealed, elsewhere }))('%s', (_, opener) => {
    it.each(travelling)('%s opens as what it travels as, and as nothing else', (name) => {
      const flow = flowIn(FlowState[name])
      const text = sealed.seal(flow)
      for (const stage of ['login', 'consent'] as const) {
        const { travelsAs } = states[flow.state]
        const openings = {
          [`${stage} challenge`]: () => opener.openChallenge(stage, text),
          [`${stage} verifier`]: () => opener.openVerifier(stage, text),
        }
        for (const [as, open] of Object.entries(openings))
          if (as === travelsAs) expect(open()).toEqual(flow)
          else expect(open, as).toThrow()
      }
      expect(() => opener.openLogout('logout challenge', text)).toThrow()
    })
  })

  it('a flow stays closed where its secret is no longer one, though it was opened before', () => {
    const sealer = new Sealer([secret])
    const opener = new SealedFlows(sealer, 60)
    const text = opener.seal(flowIn(FlowState.LOGIN_REQUESTED))
    expect(opener.openChallenge('login', text)).toBeTruthy()
    sealer.replaceSecrets(['another secret for the tests'])
    expect(() => opener.openChallenge('login', text)).toThrow()
  })

  it('a flow too long to be kept at hand opens too', () => {
    const flow = { ...flowIn(FlowState.LOGIN_REQUESTED), stateParameter: 'x'.repeat(8_000) }
    expect(sealed.openChallenge('login', sealed.seal(flow))).toEqual(flow)
  })

  it('BR-06: tampered, truncated, lengthened and differently encoded ones are refused', () => {
    const text = sealed.seal(flowIn(FlowState.LOGIN_REQUESTED))
    for (let index = 0; index < text.length; index += 7) {
      const other = text[index] === 'A' ? 'B' : 'A'
      expect(() => sealed.openChallenge('login', text.slice(0, index) + other + text.slice(index + 1))).toThrow()
      expect(() => sealed.openChallenge('login', text.slice(0, index))).toThrow()
    }
    for (const changed of [
      `${text}A`,
      `${text}=`,
      `${text} `,
      ` ${text}`,
      text.toUpperCase(),
      encodeURIComponent(`${text}/`),
    ])
      expect(() => sealed.openChallenge('login', changed), changed).toThrow()
  })

  it('an ended flow does not travel', () => {
    expect(() => sealed.seal(flowIn(FlowState.GRANTED))).toThrow()
    expect(() => sealed.seal(flowIn(FlowState.REFUSED))).toThrow()
  })

  it('one that is older than its time is refused', () => {
    const flow = { ...flowIn(FlowState.LOGIN_REQUESTED), requestedAt: nowSeconds() - 60 }
    expect(() => sealed.openChallenge('login', sealed.seal(flow))).toThrow('request_unauthorized')
  })
})
