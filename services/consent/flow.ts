// The life of an authorization request: states and legal moves as one table. A flow is never stored before its end; it
// travels, sealed, as a challenge to the login and consent apps and comes back as a verifier.
import { type Flow, FlowState } from '#proto/consent/v1/flow.js'
import { nowSeconds } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'

export type Stage = 'device' | 'login' | 'consent'

/** What a flow is sealed for. One purpose for each stage, so that nothing passes for what it is not. */
export type TravelsAs = `${Stage} challenge` | `${Stage} verifier`

export type Move =
  | 'accept_device'
  | 'reject_device'
  | 'ask_login'
  | 'accept_login'
  | 'reject_login'
  | 'ask_consent'
  | 'accept_consent'
  | 'reject_consent'
  | 'grant'
  | 'refuse'

interface State {
  /** Undefined: it has ended. */
  readonly travelsAs: TravelsAs | undefined
  readonly moves: Readonly<Partial<Record<Move, FlowState>>>
}

export const states: Readonly<Record<FlowState, State>> = {
  [FlowState.UNSPECIFIED]: { travelsAs: undefined, moves: {} },
  [FlowState.DEVICE_REQUESTED]: {
    travelsAs: 'device challenge',
    moves: { accept_device: FlowState.DEVICE_ACCEPTED, reject_device: FlowState.DEVICE_REJECTED },
  },
  [FlowState.DEVICE_ACCEPTED]: {
    travelsAs: 'device verifier',
    moves: { ask_login: FlowState.LOGIN_REQUESTED, refuse: FlowState.REFUSED },
  },
  [FlowState.DEVICE_REJECTED]: { travelsAs: 'device verifier', moves: { refuse: FlowState.REFUSED } },
  [FlowState.LOGIN_REQUESTED]: {
    travelsAs: 'login challenge',
    moves: { accept_login: FlowState.LOGIN_ACCEPTED, reject_login: FlowState.LOGIN_REJECTED },
  },
  [FlowState.LOGIN_ACCEPTED]: {
    travelsAs: 'login verifier',
    moves: { ask_consent: FlowState.CONSENT_REQUESTED, refuse: FlowState.REFUSED },
  },
  [FlowState.LOGIN_REJECTED]: { travelsAs: 'login verifier', moves: { refuse: FlowState.REFUSED } },
  [FlowState.CONSENT_REQUESTED]: {
    travelsAs: 'consent challenge',
    moves: { accept_consent: FlowState.CONSENT_ACCEPTED, reject_consent: FlowState.CONSENT_REJECTED },
  },
  [FlowState.CONSENT_ACCEPTED]: {
    travelsAs: 'consent verifier',
    moves: { grant: FlowState.GRANTED, refuse: FlowState.REFUSED },
  },
  [FlowState.CONSENT_REJECTED]: { travelsAs: 'consent verifier', moves: { refuse: FlowState.REFUSED } },
  [FlowState.GRANTED]: { travelsAs: undefined, moves: {} },
  [FlowState.REFUSED]: { travelsAs: undefined, moves: {} },
}

/** The flow after a move, with what the move adds. */
export function advance(flow: Flow, move: Move, additions: Partial<Omit<Flow, 'state' | 'id'>> = {}): Flow {
  const state = states[flow.state].moves[move]
  if (state === undefined)
    throw new OAuthError('server_error', undefined, { cause: new Error(`no move ${move} from state ${flow.state}`) })
  return { ...flow, ...additions, state }
}

/** The flow's id as text; the consent request and the grant have the same. */
export const flowIdOf = (flow: Flow): string => uuidFromBytes(flow.id)

/** Whether it is too late to go on with a flow or logout that began then, in epoch seconds. */
export const isTooLate = ({ requestedAt }: { readonly requestedAt: number }, lifespan: number): boolean =>
  nowSeconds() >= requestedAt + lifespan
