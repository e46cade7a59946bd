// What a flow looks like to the login and consent apps.
import { decodeJwt } from 'jose'
import type { Client } from '#proto/client/v1/client_service.js'
import type { ConsentRequest } from '#proto/consent/v1/consent_service.js'
import type { Flow, FlowPayload } from '#proto/consent/v1/flow.js'
import { FlowLogin } from '#proto/consent/v1/flow.js'
import type { LoginRequest, OidcContext } from '#proto/consent/v1/login_service.js'
import { uuidFromBytes } from '../kit/random.js'
import { splitWords } from '../kit/scope_strategy.js'
import { isForDevice } from './device_flow.js'
import { flowIdOf } from './flow.js'
import type { Parts } from './parts.js'
import { decodeJson } from './payloads.js'

const textOf = (flow: Flow, name: string): string => flow.otherParameters[name] ?? ''

export const requestedScope = (flow: Flow): string[] => splitWords(flow.scope)
export const requestedAudience = (flow: Flow): string[] => splitWords(textOf(flow, 'audience'))

export const grantedScope = (flow: Flow): string[] => at(requestedScope(flow), flow.consent?.grantedScope)
export const grantedAudience = (flow: Flow): string[] => at(requestedAudience(flow), flow.consent?.grantedAudience)

const at = (requested: readonly string[], positions: readonly number[] = []): string[] =>
  positions.flatMap((position) => requested[position] ?? [])

/** What is known of the login; empty before there is one. */
export const loginOf = (flow: Flow): FlowLogin => flow.login ?? FlowLogin.fromPartial({})

function oidcContextOf(flow: Flow): OidcContext {
  const hint = textOf(flow, 'id_token_hint')
  return {
    acrValues: splitWords(textOf(flow, 'acr_values')),
    uiLocales: splitWords(textOf(flow, 'ui_locales')),
    display: textOf(flow, 'display'),
    // It was verified before the flow began, and the flow came back sealed.
    idTokenHintClaims: hint ? decodeJwt(hint) : undefined,
    loginHint: textOf(flow, 'login_hint'),
  }
}

export function loginRequestOf(
  flow: Flow,
  challenge: string,
  client: Client,
  { urls }: Pick<Parts, 'urls'>,
): LoginRequest {
  const login = loginOf(flow)
  return {
    challenge,
    requestedScope: requestedScope(flow),
    requestedAccessTokenAudience: requestedAudience(flow),
    skip: login.skip,
    subject: login.skip ? login.subject : '',
    oidcContext: oidcContextOf(flow),
    client,
    requestUrl: urls.request(flow),
    sessionId: uuidFromBytes(login.sessionId),
  }
}

export function consentRequestOf(
  flow: Flow,
  challenges: { readonly login: string; readonly consent: string },
  client: Client,
  loginPayload: FlowPayload,
  { urls }: Pick<Parts, 'urls'>,
): ConsentRequest {
  const login = loginOf(flow)
  return {
    challenge: challenges.consent,
    consentRequestId: flowIdOf(flow),
    requestedScope: requestedScope(flow),
    requestedAccessTokenAudience: requestedAudience(flow),
    skip: flow.consent?.skip ?? false,
    subject: login.subject,
    oidcContext: oidcContextOf(flow),
    client,
    requestUrl: urls.request(flow),
    loginChallenge: challenges.login,
    loginSessionId: uuidFromBytes(login.sessionId),
    acr: login.acr,
    amr: login.amr,
    context: decodeJson(loginPayload.contextJson),
    deviceChallengeId: isForDevice(flow) ? flowIdOf(flow) : '',
  }
}
