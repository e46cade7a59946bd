// The last leg of a flow: the consent app has said what is allowed; the grant begins, the flow is written, the client gets
// its answer.
//
// The grant begins before the flow is written, and is taken back where the flow then may not be: a revocation first notes
// that nothing counts any more and then revokes grants, so that whichever comes first, no grant outlives it. Nobody has seen
// the code of a grant that is taken back. Both the grant's and the consent session's key are the flow's id: a verifier that
// comes twice finds one of them taken.
import type { AuthorizationAnswer } from '#proto/consent/v1/authorization_service.js'
import type { FlowPayload } from '#proto/consent/v1/flow.js'
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import { log } from '../kit/log.js'
import { OAuthError } from '../kit/oauth_error.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import { runChecks } from './authorization_request/index.js'
import { answerClient, refuseClient, showError, verifierUsed } from './authorization_response.js'
import type { ClientSubjects } from './client_subjects.js'
import type { FlowPayloads } from './consent_record.js'
import type { Cookies } from './cookies.js'
import { denyDevice, deviceCodeIdOf } from './device_flow.js'
import { advance, flowIdOf } from './flow.js'
import { endOf, type SessionOutcome, sessionOutcome } from './flow_outcome.js'
import { checkFreshness } from './login_requirement.js'
import type { Parts } from './parts.js'
import { decodeJson } from './payloads.js'
import { toError } from './rejection.js'
import type { Reopened } from './reopen.js'
import { grantedAudience, grantedScope, loginOf } from './requests.js'
import type { FlowOutcome } from './store/flow_end.js'

/** What is thrown here goes back to the client. */
export async function resumeConsent(
  parts: Parts,
  reopened: Reopened,
  cookies: Cookies,
  call: Call,
): Promise<AuthorizationAnswer> {
  const { flow, request, checks, destination } = reopened
  const session = sessionOutcome(parts, flow, cookies)
  const payloads = await payloadsOf(parts, reopened, call)
  if (flow.rejection) return refuse(parts, reopened, payloads, session)
  await runChecks(checks, request, parts.checkContext)
  checkFreshness(request, loginOf(flow), flow.requestedAt)
  const parameters = await startGrant(parts, reopened, payloads.consent, call)
  if (!parameters) return showError(verifierUsed('consent'))
  const outcome = await writeOrTakeBack(parts, reopened, payloads, session)
  parts.decisions.end(flowIdOf(flow))
  if (outcome === 'used') return showError(verifierUsed('consent'))
  const settings = parts.config
  const cookie = parts.flowCookies.remove('consent', flow)
  if (outcome !== 'written')
    return refuseClient(destination, withdrawn[outcome](), settings, [cookie, ...parts.sessionCookie.remove(cookies)])
  return answerClient(destination, parameters, settings, [cookie, ...session.cookies])
}

const withdrawn = {
  session_ended: () => new OAuthError('login_required', 'The login session was ended meanwhile.'),
  consent_revoked: () => new OAuthError('consent_required', 'The consent was revoked meanwhile.'),
}

async function payloadsOf({ payloads }: Parts, { flow }: Reopened, call: Call): Promise<FlowPayloads> {
  const [login, consent] = await Promise.all([payloads.get(flow, 'login', call), payloads.get(flow, 'consent', call)])
  return { login, consent }
}

/** The end-user said no. The login that went before may be remembered all the same, or end another. */
async function refuse(
  parts: Parts,
  { flow, request, destination }: Reopened,
  payloads: FlowPayloads,
  session: SessionOutcome,
): Promise<AuthorizationAnswer> {
  const changesSession = session.change === 'make' || session.endedSessionId !== undefined
  const end = endOf(parts, advance(flow, 'refuse'), request.client, payloads, session)
  const outcome = changesSession ? await parts.store.endFlow(end) : 'written'
  parts.decisions.end(flowIdOf(flow))
  if (outcome === 'used') return showError(verifierUsed('consent'))
  await denyDevice(parts, flow)
  const cookies = outcome === 'written' ? session.cookies : []
  const error = flow.rejection ? toError(flow.rejection) : new OAuthError('access_denied')
  return refuseClient(destination, error, parts.config, [parts.flowCookies.remove('consent', flow), ...cookies])
}

/** Begins the grant; undefined if it was begun before. */
async function startGrant(
  { tokens, clientSubjects }: Parts,
  reopened: Reopened,
  payload: FlowPayload,
  call: Call,
): Promise<Record<string, string> | undefined> {
  try {
    return (await tokens.startGrant(grantOf(clientSubjects, reopened, payload), call)).parameters
  } catch (thrown) {
    if (thrown instanceof OAuthError && thrown.code === 'conflict') return undefined
    throw thrown
  }
}

async function writeOrTakeBack(
  parts: Parts,
  { flow, request }: Reopened,
  payloads: FlowPayloads,
  session: SessionOutcome,
): Promise<FlowOutcome> {
  let outcome: FlowOutcome | undefined
  try {
    outcome = await parts.store.endFlow(endOf(parts, advance(flow, 'grant'), request.client, payloads, session))
    return outcome
  } finally {
    if (outcome !== 'written') await takeBack(parts, flowIdOf(flow))
  }
}

/** Nobody has the code; so where even this fails, the grant lapses with it. */
async function takeBack({ tokens }: Parts, grantId: string): Promise<void> {
  try {
    await tokens.revokeGrants({ selector: { $case: 'grantId', value: grantId } })
  } catch (err) {
    log.warn({ err, grantId }, 'a grant that nobody has the code of could not be taken back')
  }
}

function grantOf(subjects: ClientSubjects, { flow, request }: Reopened, payload: FlowPayload): StartGrantRequest {
  const login = loginOf(flow)
  const { client } = request
  return {
    grantId: flowIdOf(flow),
    clientId: client.clientId,
    registrationId: client.registrationId,
    subject: login.subject,
    responseType: flow.responseType,
    redirectUri: flow.redirectUriOmitted ? '' : flow.redirectUri,
    codeChallenge: flow.codeChallenge,
    nonce: flow.nonce,
    scope: grantedScope(flow),
    audience: grantedAudience(flow),
    accessTokenClaims: decodeJson(payload.accessTokenClaimsJson),
    idTokenClaims: decodeJson(payload.idTokenClaimsJson),
    authenticatedAt: Math.floor(login.authenticatedAtMs / 1_000),
    requestedAt: flow.requestedAt,
    acr: login.acr,
    amr: login.amr,
    loginSessionId: uuidFromBytes(login.sessionId),
    obfuscatedSubject: subjects.obfuscated(client, login.subject, login.obfuscatedSubject),
    deviceCodeId: deviceCodeIdOf(flow),
  }
}
