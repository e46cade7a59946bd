// The authorization endpoint: begins a flow, and goes on with it when the browser comes back (RFC 6749 section 3.1, OpenID
// Connect Core section 3.1.2).
import type { Client } from '#proto/client/v1/client_service.js'
import type {
  AuthorizationAnswer,
  AuthorizationServiceService,
  StartAuthorizationRequest,
} from '#proto/consent/v1/authorization_service.js'
import { log } from '../kit/log.js'
import { OAuthError, toOAuthError } from '../kit/oauth_error.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import type { AuthorizationRequest, Incoming } from './authorization_request/check.js'
import { findClient } from './authorization_request/client.js'
import { checks, requestOf, runChecks } from './authorization_request/index.js'
import { type Destination, isOutage, refuseClient, showError, verifierUsed } from './authorization_response.js'
import { keyOf } from './challenges.js'
import type { Cookies } from './cookies.js'
import { denyDevice } from './device_flow.js'
import { flowIdOf } from './flow.js'
import type { Parts } from './parts.js'
import { type Reopened, reopen } from './reopen.js'
import { resumeConsent } from './resume_consent.js'
import { resumeDevice } from './resume_device.js'
import { resumeLogin } from './resume_login.js'
import { serverMetadata } from './server_metadata.js'
import { findSession, startLogin } from './start_login.js'

export function createAuthorizationHandlers(parts: Parts): Handlers<typeof AuthorizationServiceService> {
  return {
    startAuthorization: async (request, call) => ({ answer: await start(parts, request, call) }),

    async resumeAuthorization({ verifier, cookies }, call) {
      switch (verifier?.$case) {
        case 'loginVerifier':
          return { answer: await resume(parts, 'login', verifier.value, cookies, call) }
        case 'deviceVerifier':
          return { answer: await resumeDevice(parts, verifier.value, cookies, call) }
        case 'consentVerifier':
          return { answer: await resume(parts, 'consent', verifier.value, cookies, call) }
        default:
          throw new OAuthError('invalid_request', 'There is no verifier.')
      }
    },

    getServerMetadata: async () => ({ metadata: serverMetadata }),
  }
}

async function start(
  parts: Parts,
  { parameters, duplicates, cookies }: StartAuthorizationRequest,
  call: Call,
): Promise<AuthorizationAnswer> {
  let request: AuthorizationRequest
  try {
    const incoming = { parameters: sentOf(parameters), duplicates }
    const client = await findClient(incoming, parts.clients)
    const opened = await openRequest(parts, client, incoming)
    request = requestOf(client, opened.incoming)
    if (opened.error) return await refuseRequest(parts, request, opened.error, cookies, call)
  } catch (thrown) {
    return withoutRedirect(thrown)
  }
  try {
    await runChecks(checks, request, parts.checkContext)
    return await startLogin(parts, request, cookies, call)
  } catch (thrown) {
    return refuseRequest(parts, request, thrown, cookies, call)
  }
}

/** A parameter without a value counts as not sent. */
const sentOf = (parameters: Incoming['parameters']): Incoming['parameters'] =>
  Object.values(parameters).includes('')
    ? Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''))
    : parameters

/** The answers of a request that must not ask the end-user (OpenID Connect Core section 3.1.2.6). */
const silentAnswers = ['login_required', 'consent_required', 'interaction_required', 'account_selection_required']

/**
 * Nobody vouches for where a client that registered itself leads: a link with a fault in it would take whoever follows it
 * there by way of this server (RFC 9700 section 4.11.2). Who has a session here was asked before.
 */
async function refuseRequest(
  parts: Parts,
  request: AuthorizationRequest,
  thrown: unknown,
  cookies: Cookies,
  call: Call,
): Promise<AuthorizationAnswer> {
  const error = report(thrown, call)
  const isFault = !isOutage(error) && !silentAnswers.includes(error.code)
  if (request.client.selfRegistered && isFault && !(await findSession(parts, cookies, call)).found)
    return showError(error)
  return refuseClient(destinationOf(request), error, parts.config, [])
}

/** The request that counts. An object that cannot be accepted is answered where the request around it says. */
async function openRequest(
  { requestObjects }: Parts,
  client: Client,
  incoming: Incoming,
): Promise<{ incoming: Incoming; error?: unknown }> {
  try {
    return { incoming: await requestObjects.open(client, incoming) }
  } catch (error) {
    return { incoming, error }
  }
}

const destinationOf = ({ redirectUri, responseMode, parameters }: AuthorizationRequest): Destination => ({
  redirectUri,
  responseMode,
  state: parameters.state ?? '',
})

const goOn = { login: resumeLogin, consent: resumeConsent } as const

async function resume(
  parts: Parts,
  stage: keyof typeof goOn,
  verifier: string,
  cookies: Cookies,
  call: Call,
): Promise<AuthorizationAnswer> {
  let reopened: Reopened
  try {
    reopened = await reopen(parts, stage, verifier, cookies)
  } catch (thrown) {
    return withoutRedirect(thrown)
  }
  const { flow, destination } = reopened
  const key = keyOf(flow, stage)
  if (!parts.decisions.take(key)) return showError(verifierUsed(stage))
  try {
    return await goOn[stage](parts, reopened, cookies, call)
  } catch (thrown) {
    const error = report(thrown, call)
    if (isOutage(error)) {
      // Nothing was decided, so the same verifier may come again.
      parts.decisions.giveBack(key)
      return refuseClient(destination, error, parts.config, [])
    }
    await denyDevice(parts, flow)
    parts.decisions.end(flowIdOf(flow))
    return refuseClient(destination, error, parts.config, [parts.flowCookies.remove(stage, flow)])
  }
}

/** An error where no redirect URI is to be trusted; an outage is an error of the call itself. */
function withoutRedirect(thrown: unknown): AuthorizationAnswer {
  const error = toOAuthError(thrown)
  if (isOutage(error)) throw thrown
  return showError(error)
}

/** The error for the client; what was not its doing is logged. */
function report(thrown: unknown, call: Call): OAuthError {
  const error = toOAuthError(thrown)
  if (isOutage(error)) log.error({ requestId: call.requestId, err: error.cause ?? error }, 'an authorization failed')
  return error
}
