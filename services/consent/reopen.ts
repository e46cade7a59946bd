// A flow that comes back as a verifier: in the browser that began it, in time, and for a client that may still ask.
import type { Flow } from '#proto/consent/v1/flow.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { AuthorizationRequest, Check } from './authorization_request/check.js'
import { checksOnReturn, requestOf } from './authorization_request/index.js'
import type { Destination } from './authorization_response.js'
import type { Cookies } from './cookies.js'
import { deviceChecks, deviceRequestOf, isForDevice } from './device_flow.js'
import type { Stage } from './flow.js'
import type { Parts } from './parts.js'
import { parametersOf } from './urls.js'

export interface Reopened {
  readonly flow: Flow
  /** The request that the flow began with, for the client as it is registered now; its checks are still to come. */
  readonly request: AuthorizationRequest
  readonly checks: readonly Check[]
  readonly destination: Destination
}

/** What is thrown here is shown by the server itself: nothing of the flow is to be trusted. */
export async function reopen(parts: Parts, stage: Stage, verifier: string, cookies: Cookies): Promise<Reopened> {
  const { sealedFlows, clients, urls } = parts
  const flow = sealedFlows.openVerifier(stage, verifier)
  checkBrowser(parts, stage, flow, cookies)
  const client = await clients.findRegistration(flow.clientId, uuidFromBytes(flow.registrationId))
  if (!client) throw new OAuthError('invalid_client', 'The client is no longer registered.')
  if (isForDevice(flow)) {
    const destination = { redirectUri: '', responseMode: '', state: '', deviceDone: urls.deviceDone() }
    return { flow, request: deviceRequestOf(client, parametersOf(flow)), checks: deviceChecks, destination }
  }
  const request = requestOf(client, { parameters: parametersOf(flow), duplicates: [] })
  if (request.redirectUri !== flow.redirectUri)
    throw new OAuthError('invalid_request', 'The redirect URI of the request is no longer the registered one.')
  const { redirectUri, stateParameter: state } = flow
  const responseMode = flow.responseMode || request.responseMode
  return { flow, request, checks: checksOnReturn, destination: { redirectUri, responseMode, state } }
}

/** Error: `request_forbidden`. */
export function checkBrowser({ flowCookies }: Parts, stage: Stage, flow: Flow, cookies: Cookies): void {
  if (flowCookies.belongsTo(stage, flow, cookies)) return
  throw new OAuthError('request_forbidden', 'No CSRF value for this flow is in the cookies.', {
    hint: 'A flow goes on in the browser that began it; a verifier works once.',
  })
}
