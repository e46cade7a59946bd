// The table of routes: every address that is served, on which port, and where it is specified. Each path under /admin is
// served without that prefix too, as Hydra v1 had it.

import { patchClient } from './endpoints/admin/client_patch.js'
import * as clients from './endpoints/admin/clients.js'
import * as consent from './endpoints/admin/consent_requests.js'
import * as devices from './endpoints/admin/device_requests.js'
import * as keys from './endpoints/admin/keys.js'
import * as login from './endpoints/admin/login_requests.js'
import * as logouts from './endpoints/admin/logout_requests.js'
import * as sessions from './endpoints/admin/sessions.js'
import { flushExpired, introspectToken, revokeClientAccessTokens } from './endpoints/admin/tokens.js'
import * as issuers from './endpoints/admin/trusted_issuers.js'
import { authorization } from './endpoints/authorization.js'
import * as device from './endpoints/device.js'
import { discovery } from './endpoints/discovery.js'
import * as fallbacks from './endpoints/fallbacks.js'
import { alive, ready, version } from './endpoints/health.js'
import { introspection } from './endpoints/introspection.js'
import { jwks } from './endpoints/jwks.js'
import { logout } from './endpoints/logout.js'
import * as registration from './endpoints/registration.js'
import { revocation } from './endpoints/revocation.js'
import { token } from './endpoints/token.js'
import { userinfo } from './endpoints/userinfo.js'
import type { Method, Route } from './http/endpoint.js'

type More = Pick<Route, 'metadata' | 'cors' | 'page' | 'open' | 'when'>

const route = (
  methods: string,
  path: string,
  endpoint: Route['endpoint'],
  specification: string,
  more?: More,
): Route => ({
  methods: methods.split(' ') as Method[],
  path,
  endpoint,
  specification,
  ...more,
})

const cors = true
const page = true
const open = true
const when: Route['when'] = ({ oidc }) => oidc.dynamic_client_registration.enabled

export const publicRoutes: readonly Route[] = [
  route('GET POST', '/oauth2/auth', authorization, 'RFC 6749 3.1', { page, metadata: 'authorization_endpoint' }),
  route('POST', '/oauth2/token', token, 'RFC 6749 3.2', { cors, metadata: 'token_endpoint' }),
  route('POST', '/oauth2/revoke', revocation, 'RFC 7009', { cors, metadata: 'revocation_endpoint' }),
  route('POST', '/oauth2/introspect', introspection, 'RFC 7662', { metadata: 'introspection_endpoint' }),
  route('GET POST', '/userinfo', userinfo, 'OIDC Core 5.3', { cors, metadata: 'userinfo_endpoint' }),
  route('POST', '/oauth2/device/auth', device.deviceAuthorization, 'RFC 8628 3.1', {
    cors,
    metadata: 'device_authorization_endpoint',
  }),
  route('GET POST', '/oauth2/device/verify', device.deviceVerification, 'RFC 8628 3.3', { page }),
  route('POST', '/oauth2/register', registration.registerClient, 'RFC 7591 3', {
    cors,
    when,
    metadata: 'registration_endpoint',
  }),
  route('GET', '/oauth2/register/{id}', registration.getRegisteredClient, 'RFC 7592 2.1', { cors, when }),
  route('PUT', '/oauth2/register/{id}', registration.updateRegisteredClient, 'RFC 7592 2.2', { cors, when }),
  route('DELETE', '/oauth2/register/{id}', registration.deleteRegisteredClient, 'RFC 7592 2.3', { cors, when }),
  route('GET', '/.well-known/openid-configuration', discovery, 'OIDC Discovery 4', { cors }),
  route('GET', '/.well-known/oauth-authorization-server', discovery, 'RFC 8414 3', { cors }),
  route('GET', '/.well-known/jwks.json', jwks, 'RFC 7517 5', { cors, metadata: 'jwks_uri' }),
  route('GET POST', '/oauth2/sessions/logout', logout, 'OIDC RP-Initiated Logout 2', {
    page,
    metadata: 'end_session_endpoint',
  }),
  route('GET', '/oauth2/fallbacks/login', fallbacks.loginFallback, 'Hydra', { page }),
  route('GET', '/oauth2/fallbacks/consent', fallbacks.consentFallback, 'Hydra', { page }),
  route('GET', '/oauth2/fallbacks/logout', fallbacks.logoutFallback, 'Hydra', { page }),
  route('GET', '/oauth2/fallbacks/logout/callback', fallbacks.loggedOutFallback, 'Hydra', { page }),
  route('GET', '/oauth2/fallbacks/device', fallbacks.deviceFallback, 'Hydra', { page }),
  route('GET', '/oauth2/fallbacks/device/done', fallbacks.deviceDoneFallback, 'Hydra', { page }),
  route('GET', '/oauth2/fallbacks/error', fallbacks.errorFallback, 'Hydra', { page }),
  route('GET', '/health/alive', alive, 'Hydra'),
  route('GET', '/health/ready', ready, 'Hydra'),
  route('GET', '/version', version, 'Hydra'),
]

const requests = '/admin/oauth2/auth/requests'
const loginSessions = '/admin/oauth2/auth/sessions/login'
const trust = '/admin/trust/grants/jwt-bearer/issuers'
const consentSessions = '/admin/oauth2/auth/sessions/consent'

export const adminRoutes: readonly Route[] = [
  route('GET', '/admin/clients', clients.listClients, 'Hydra listOAuth2Clients'),
  route('POST', '/admin/clients', clients.createClient, 'Hydra createOAuth2Client'),
  route('GET', '/admin/clients/{id}', clients.getClient, 'Hydra getOAuth2Client'),
  route('PUT', '/admin/clients/{id}', clients.setClient, 'Hydra setOAuth2Client'),
  route('PATCH', '/admin/clients/{id}', patchClient, 'Hydra patchOAuth2Client, RFC 6902'),
  route('DELETE', '/admin/clients/{id}', clients.deleteClient, 'Hydra deleteOAuth2Client'),
  route('PUT', '/admin/clients/{id}/lifespans', clients.setClientLifespans, 'Hydra setOAuth2ClientLifespans'),
  route('POST', '/admin/clients/{id}/secrets/rotate', clients.rotateClientSecret, 'Hydra rotateOAuth2ClientSecret'),
  route(
    'DELETE',
    '/admin/clients/{id}/secrets/rotate',
    clients.dropRotatedClientSecrets,
    'Hydra deleteRotatedOAuth2ClientSecrets',
  ),
  route('GET', `${requests}/login`, login.getLoginRequest, 'Hydra getOAuth2LoginRequest'),
  route('PUT', `${requests}/login/accept`, login.acceptLoginRequest, 'Hydra acceptOAuth2LoginRequest'),
  route('PUT', `${requests}/login/reject`, login.rejectLoginRequest, 'Hydra rejectOAuth2LoginRequest'),
  route('GET', `${requests}/consent`, consent.getConsentRequest, 'Hydra getOAuth2ConsentRequest'),
  route('PUT', `${requests}/consent/accept`, consent.acceptConsentRequest, 'Hydra acceptOAuth2ConsentRequest'),
  route('PUT', `${requests}/consent/reject`, consent.rejectConsentRequest, 'Hydra rejectOAuth2ConsentRequest'),
  route('GET', `${requests}/logout`, logouts.getLogoutRequest, 'Hydra getOAuth2LogoutRequest'),
  route('PUT', `${requests}/logout/accept`, logouts.acceptLogoutRequest, 'Hydra acceptOAuth2LogoutRequest'),
  route('PUT', `${requests}/logout/reject`, logouts.rejectLogoutRequest, 'Hydra rejectOAuth2LogoutRequest'),
  route('GET', `${requests}/device`, devices.getDeviceRequest, 'RFC 8628 3.3'),
  route('PUT', `${requests}/device/accept`, devices.acceptDeviceRequest, 'Hydra acceptUserCodeRequest'),
  route('PUT', `${requests}/device/reject`, devices.rejectDeviceRequest, 'RFC 8628 3.3'),
  route('GET', consentSessions, sessions.listConsentSessions, 'Hydra listOAuth2ConsentSessions'),
  route('DELETE', consentSessions, sessions.revokeConsentSessions, 'Hydra revokeOAuth2ConsentSessions'),
  route('DELETE', loginSessions, sessions.revokeLoginSessions, 'Hydra revokeOAuth2LoginSessions'),
  route('POST', '/admin/oauth2/introspect', introspectToken, 'Hydra introspectOAuth2Token, RFC 7662'),
  route('DELETE', '/admin/oauth2/tokens', revokeClientAccessTokens, 'Hydra deleteOAuth2Token'),
  route('POST', '/admin/oauth2/flush', flushExpired, 'Hydra v1 flushInactiveOAuth2Tokens'),
  route('GET', trust, issuers.listTrustedIssuers, 'Hydra listTrustedOAuth2JwtGrantIssuers'),
  route('POST', trust, issuers.createTrustedIssuer, 'Hydra trustOAuth2JwtGrantIssuer'),
  route('GET', `${trust}/{id}`, issuers.getTrustedIssuer, 'Hydra getTrustedOAuth2JwtGrantIssuer'),
  route('DELETE', `${trust}/{id}`, issuers.deleteTrustedIssuer, 'Hydra deleteTrustedOAuth2JwtGrantIssuer'),
  route('GET', '/admin/keys/{set}', keys.getKeySet, 'Hydra getJsonWebKeySet'),
  route('POST', '/admin/keys/{set}', keys.createKey, 'Hydra createJsonWebKeySet'),
  route('PUT', '/admin/keys/{set}', keys.replaceKeySet, 'Hydra setJsonWebKeySet'),
  route('DELETE', '/admin/keys/{set}', keys.deleteKeySet, 'Hydra deleteJsonWebKeySet'),
  route('GET', '/admin/keys/{set}/{kid}', keys.getKeySet, 'Hydra getJsonWebKey'),
  route('PUT', '/admin/keys/{set}/{kid}', keys.putKey, 'Hydra setJsonWebKey'),
  route('DELETE', '/admin/keys/{set}/{kid}', keys.deleteKey, 'Hydra deleteJsonWebKey'),
  route('GET', '/health/alive', alive, 'Hydra', { open }),
  route('GET', '/health/ready', ready, 'Hydra', { open }),
  route('GET', '/version', version, 'Hydra'),
]

export const routes: readonly Route[] = [...publicRoutes, ...adminRoutes]
