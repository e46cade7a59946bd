// What is written at the end of a flow, and what becomes of the browser's login session.
import type { Client } from '#proto/client/v1/client_service.js'
import type { Cookie } from '#proto/consent/v1/authorization_service.js'
import { type Flow, FlowConsent, FlowState } from '#proto/consent/v1/flow.js'
import { uuidFromBytes } from '../kit/random.js'
import { asksForRefreshToken } from '../kit/scope_strategy.js'
import { type FlowPayloads, sealRecord } from './consent_record.js'
import type { Cookies } from './cookies.js'
import { isForDevice } from './device_flow.js'
import { flowIdOf } from './flow.js'
import type { Parts } from './parts.js'
import { grantedAudience, grantedScope, loginOf } from './requests.js'
import type { FlowEnd, SessionChange } from './store/flow_end.js'

export interface SessionOutcome {
  readonly change: SessionChange
  /** Seconds that the login is remembered from now on. */
  readonly lifespan: number
  /** Another login session of this browser, which ends. */
  readonly endedSessionId: string | undefined
  readonly cookies: Cookie[]
}

/** A new login takes the place of the one that the browser had; one that is not remembered takes it away. */
export function sessionOutcome({ config, sessionCookie }: Parts, flow: Flow, cookies: Cookies): SessionOutcome {
  const login = loginOf(flow)
  const sessionId = uuidFromBytes(login.sessionId)
  const longest = config.ttl.authentication_session
  const lifespan = Math.min(login.rememberFor || longest, longest)
  if (login.skip) {
    const extended = login.extendSessionLifespan
    const renewed = extended ? [sessionCookie.write(sessionId, lifespan)] : []
    return { change: extended ? 'extend' : 'use', lifespan, endedSessionId: undefined, cookies: renewed }
  }
  const endedSessionId = sessionCookie.read(cookies)
  if (!login.remember) return { change: 'none', lifespan, endedSessionId, cookies: sessionCookie.remove(cookies) }
  return { change: 'make', lifespan, endedSessionId, cookies: [sessionCookie.write(sessionId, lifespan)] }
}

/** @param flow In its last state. */
export function endOf(
  { config, sealer }: Pick<Parts, 'config' | 'sealer'>,
  flow: Flow,
  client: Client,
  payloads: FlowPayloads,
  session: SessionOutcome,
): FlowEnd {
  const login = loginOf(flow)
  const consent = flow.consent ?? FlowConsent.fromPartial({})
  const isRejected = flow.state === FlowState.REFUSED
  const isRemembered = !isRejected && consent.remember && !consent.skip
  return {
    id: flowIdOf(flow),
    clientId: flow.clientId,
    registrationId: client.registrationId,
    subject: login.subject,
    loginSessionId: uuidFromBytes(login.sessionId),
    grantedScope: grantedScope(flow),
    grantedAudience: grantedAudience(flow),
    rejected: isRejected,
    rememberedConsent: isRemembered,
    rememberFor: isRemembered ? consent.rememberFor || undefined : undefined,
    basedOn: consent.rememberedConsentId.length > 0 ? uuidFromBytes(consent.rememberedConsentId) : undefined,
    handledAtMs: consent.consentedAtMs,
    lifespan: isRejected
      ? config.ttl.login_consent_request
      : recordLifespan(config, client, flow, session, isRemembered),
    record: sealRecord(sealer, flow, payloads),
    sessionChange: session.change,
    sessionLifespan: session.lifespan,
    authenticatedAtMs: login.authenticatedAtMs,
    acr: login.acr,
    amr: login.amr,
    identityProviderSessionId: login.identityProviderSessionId,
    endedSessionId: session.endedSessionId,
  }
}

/**
 * Seconds that a consent session is kept: for as long as it is remembered, tokens may live that were issued for it, and the
 * login session lives, whose logout reaches the clients that it was used for. Undefined: for ever.
 */
function recordLifespan(
  { ttl }: Parts['config'],
  { lifespans }: Client,
  flow: Flow,
  { change, lifespan }: SessionOutcome,
  isRemembered: boolean,
): number | undefined {
  const own = isForDevice(flow)
    ? [lifespans?.deviceAuthorizationGrantAccessToken, lifespans?.deviceAuthorizationGrantRefreshToken]
    : [lifespans?.authorizationCodeGrantAccessToken, lifespans?.authorizationCodeGrantRefreshToken]
  const [accessToken = ttl.access_token, refreshToken = ttl.refresh_token] = own
  const code = isForDevice(flow) ? ttl.device_user_code : ttl.auth_code
  const needs = [
    ttl.login_consent_request,
    code + accessToken,
    lifespans?.implicitGrantAccessToken ?? ttl.access_token,
    asksForRefreshToken(grantedScope(flow)) ? refreshToken && code + refreshToken : 0,
    isRemembered ? flow.consent?.rememberFor || undefined : 0,
    change === 'none' ? 0 : change === 'use' ? ttl.authentication_session : lifespan,
  ]
  return needs.includes(undefined) ? undefined : Math.max(...needs.map((seconds) => seconds ?? 0))
}
