// Challenges and verifiers: flows and logouts, sealed for their stage.
import { Flow, FlowLogin, FlowState, Logout } from '#proto/consent/v1/flow.js'
import { lruCache } from '../kit/lru_cache.js'
import { OAuthError } from '../kit/oauth_error.js'
import { decodeBase64url, type Sealer } from '../kit/sealing.js'
import { flowIdOf, isTooLate, type Stage, states, type TravelsAs } from './flow.js'
import { loginOf } from './requests.js'

export type LogoutTravelsAs = 'logout challenge' | 'logout verifier'

/** No URL is longer; what is, was not made here. */
const maxLength = 64 * 1_024

/** Flows that are kept at hand: most come back within seconds of when they were sealed. */
const maxKnown = 1_000
/** A longer one is opened each time, so that all of them take a few megabytes at most. */
const maxKnownLength = 4 * 1_024

export class SealedFlows {
  readonly #sealer: Sealer
  readonly #lifespan: number
  /** Flows by what they travel as. A flow is never changed. */
  readonly #known = lruCache<Flow>(maxKnown)
  /** Login challenges by the ids of their flows. */
  readonly #loginChallenges = lruCache<string>(maxKnown)
  #secretsVersion: number

  /** @param lifespan Seconds from the arrival of a request to when its answer must be there. */
  constructor(sealer: Sealer, lifespan: number) {
    this.#sealer = sealer
    this.#secretsVersion = sealer.secretsVersion
    this.#lifespan = lifespan
  }

  /** The challenge or verifier that the flow travels as. */
  seal(flow: Flow): string {
    const { travelsAs } = states[flow.state]
    if (!travelsAs) throw new Error(`a flow in state ${flow.state} does not travel`)
    const text = this.#seal(travelsAs, Flow.encode(flow).finish())
    this.#keep(text, flow)
    return text
  }

  /** What the login app was given for a flow that has gone on; sealed anew where it is not at hand. */
  loginChallenge(flow: Flow): string {
    this.#forgetIfReplaced()
    return this.#loginChallenges.get(flowIdOf(flow)) ?? this.seal(beforeLogin(flow))
  }

  sealLogout(travelsAs: LogoutTravelsAs, logout: Logout): string {
    return this.#seal(travelsAs, Logout.encode(logout).finish())
  }

  /** The flow behind a challenge. Errors: `not_found`, `request_unauthorized`. */
  openChallenge(stage: Stage, challenge: string): Flow {
    const flow = this.#openFlow(`${stage} challenge`, challenge)
    if (!flow) throw new OAuthError('not_found', `The ${stage} challenge is not one that this server made.`)
    this.#checkInTime(flow, stage)
    return flow
  }

  /** The flow behind a verifier. Errors: `access_denied`, `request_unauthorized`. */
  openVerifier(stage: Stage, verifier: string): Flow {
    const flow = this.#openFlow(`${stage} verifier`, verifier)
    if (!flow) throw new OAuthError('access_denied', `The ${stage} verifier is not one that this server made.`)
    this.#checkInTime(flow, stage)
    return flow
  }

  /** Errors: `not_found`, `request_unauthorized`. */
  openLogout(travelsAs: LogoutTravelsAs, text: string): Logout {
    const opened = this.#open(travelsAs, text)
    if (!opened) throw new OAuthError('not_found', `The ${travelsAs} is not one that this server made.`)
    const logout = Logout.decode(opened)
    this.#checkInTime(logout, 'logout')
    return logout
  }

  #checkInTime(request: { readonly requestedAt: number }, stage: Stage | 'logout'): void {
    if (isTooLate(request, this.#lifespan))
      throw new OAuthError('request_unauthorized', `The ${stage} request has expired; begin again.`)
  }

  #seal(purpose: TravelsAs | LogoutTravelsAs, plaintext: Uint8Array): string {
    return this.#sealer.seal(purpose, plaintext).toString('base64url')
  }

  #openFlow(purpose: TravelsAs, text: string): Flow | undefined {
    const flow = this.#recall(text) ?? this.#decode(purpose, text)
    return flow && states[flow.state].travelsAs === purpose ? flow : undefined
  }

  #decode(purpose: TravelsAs, text: string): Flow | undefined {
    const opened = this.#open(purpose, text)
    if (!opened) return undefined
    const flow = Flow.decode(opened)
    this.#keep(text, flow)
    return flow
  }

  #keep(text: string, flow: Flow): void {
    if (text.length > maxKnownLength) return
    this.#known.set(text, flow)
    if (states[flow.state].travelsAs === 'login challenge') this.#loginChallenges.set(flowIdOf(flow), text)
  }

  #recall(text: string): Flow | undefined {
    this.#forgetIfReplaced()
    return this.#known.get(text)
  }

  /** What was sealed under a secret that is no longer one is not recalled either. */
  #forgetIfReplaced(): void {
    if (this.#secretsVersion === this.#sealer.secretsVersion) return
    this.#secretsVersion = this.#sealer.secretsVersion
    this.#known.clear()
    this.#loginChallenges.clear()
  }

  #open(purpose: TravelsAs | LogoutTravelsAs, text: string): Buffer | undefined {
    const sealed = text.length <= maxLength ? decodeBase64url(text) : undefined
    return sealed && this.#sealer.open(purpose, sealed)
  }
}

/** The flow as it was when the login app was asked. */
function beforeLogin(flow: Flow): Flow {
  const { skip, sessionId, subject, authenticatedAtMs, acr, amr } = loginOf(flow)
  const login = FlowLogin.fromPartial(skip ? { skip, sessionId, subject, authenticatedAtMs, acr, amr } : { sessionId })
  return { ...flow, state: FlowState.LOGIN_REQUESTED, login, consent: undefined, rejection: undefined }
}
