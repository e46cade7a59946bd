// The table of every RPC: how long it may take, how large its request may be, and who may call it. A method of a service
// that is not here does not compile where it is served.
import type { Caller } from './contract.js'

export interface Rule {
  /** Milliseconds until the call is given up; 0: a stream that lives as long as its caller. */
  readonly deadline: number
  /** The largest request, in bytes; of a stream, each of them. */
  readonly limit: number
  readonly callers: readonly Caller[]
}

const KiB = 1024
const MiB = 1024 * KiB

const admin = ['gateway', 'operator'] as const
const endpoint = ['gateway', 'operator'] as const
const reader = ['gateway', 'operator', 'consent', 'token', 'introspection'] as const
const anyone = ['gateway', 'operator', 'consent', 'token', 'introspection', 'client', 'resource_server'] as const

const rule = (deadline: number, limit: number, callers: readonly Caller[]): Rule => ({ deadline, limit, callers })

export const rules = {
  '/tessera.client.v1.ClientService/CreateClient': rule(3000, MiB, admin),
  '/tessera.client.v1.ClientService/GetClient': rule(3000, 4 * KiB, reader),
  '/tessera.client.v1.ClientService/ListClients': rule(3000, 4 * KiB, admin),
  '/tessera.client.v1.ClientService/UpdateClient': rule(3000, MiB, admin),
  '/tessera.client.v1.ClientService/DeleteClient': rule(3000, 4 * KiB, admin),
  '/tessera.client.v1.ClientService/RotateClientSecret': rule(3000, 4 * KiB, admin),
  '/tessera.client.v1.ClientService/DropRotatedClientSecrets': rule(3000, 4 * KiB, admin),
  '/tessera.client.v1.ClientService/AuthenticateClient': rule(3000, 256 * KiB, reader),
  '/tessera.client.v1.ClientService/CheckOrigin': rule(1000, 64 * KiB, ['gateway', 'operator']),
  '/tessera.client.v1.ClientService/WatchClients': rule(0, 128 * KiB, reader),
  '/tessera.client.v1.ClientService/GetServerMetadata': rule(3000, 4 * KiB, admin),
  '/tessera.client.v1.RegistrationService/RegisterClient': rule(3000, 128 * KiB, ['gateway']),
  '/tessera.client.v1.RegistrationService/GetRegisteredClient': rule(3000, 4 * KiB, ['gateway']),
  '/tessera.client.v1.RegistrationService/UpdateRegisteredClient': rule(3000, 128 * KiB, ['gateway']),
  '/tessera.client.v1.RegistrationService/DeleteRegisteredClient': rule(3000, 4 * KiB, ['gateway']),

  '/tessera.consent.v1.AuthorizationService/StartAuthorization': rule(3000, 64 * KiB, ['gateway']),
  '/tessera.consent.v1.AuthorizationService/ResumeAuthorization': rule(3000, 256 * KiB, ['gateway']),
  '/tessera.consent.v1.AuthorizationService/GetServerMetadata': rule(3000, 4 * KiB, admin),
  '/tessera.consent.v1.LoginService/GetLoginRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.LoginService/AcceptLoginRequest': rule(3000, 256 * KiB, admin),
  '/tessera.consent.v1.LoginService/RejectLoginRequest': rule(3000, 256 * KiB, admin),
  '/tessera.consent.v1.LoginService/RevokeLoginSessions': rule(5000, 4 * KiB, admin),
  '/tessera.consent.v1.ConsentService/GetConsentRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.ConsentService/AcceptConsentRequest': rule(3000, 512 * KiB, admin),
  '/tessera.consent.v1.ConsentService/RejectConsentRequest': rule(3000, 256 * KiB, admin),
  '/tessera.consent.v1.ConsentService/ListConsentSessions': rule(3000, 4 * KiB, admin),
  '/tessera.consent.v1.ConsentService/RevokeConsentSessions': rule(5000, 4 * KiB, admin),
  '/tessera.consent.v1.ConsentService/PurgeExpired': rule(10_000, 4 * KiB, admin),
  '/tessera.consent.v1.LogoutService/StartLogout': rule(3000, 64 * KiB, ['gateway']),
  '/tessera.consent.v1.LogoutService/ResumeLogout': rule(3000, 64 * KiB, ['gateway']),
  '/tessera.consent.v1.LogoutService/GetLogoutRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.LogoutService/AcceptLogoutRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.LogoutService/RejectLogoutRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.DeviceService/StartDeviceVerification': rule(3000, 64 * KiB, ['gateway']),
  '/tessera.consent.v1.DeviceService/GetDeviceRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.DeviceService/AcceptDeviceRequest': rule(3000, 64 * KiB, admin),
  '/tessera.consent.v1.DeviceService/RejectDeviceRequest': rule(3000, 256 * KiB, admin),

  '/tessera.token.v1.TokenService/IssueToken': rule(3000, 256 * KiB, endpoint),
  '/tessera.token.v1.TokenService/RevokeToken': rule(3000, 256 * KiB, endpoint),
  '/tessera.token.v1.TokenService/StartGrant': rule(3000, 512 * KiB, ['consent']),
  '/tessera.token.v1.TokenService/GetUserClaims': rule(3000, 4 * KiB, ['gateway']),
  '/tessera.token.v1.TokenService/RevokeGrants': rule(5000, 4 * KiB, ['consent', 'operator']),
  '/tessera.token.v1.TokenService/RevokeClientAccessTokens': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.TokenService/InspectRefreshToken': rule(3000, 256 * KiB, ['introspection']),
  '/tessera.token.v1.TokenService/GetGrantSession': rule(3000, 4 * KiB, ['introspection']),
  '/tessera.token.v1.TokenService/SignLogoutToken': rule(3000, 4 * KiB, ['consent']),
  '/tessera.token.v1.TokenService/PurgeExpired': rule(10_000, 4 * KiB, admin),
  '/tessera.token.v1.TokenService/GetServerMetadata': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.DeviceCodeService/StartDeviceAuthorization': rule(3000, 64 * KiB, endpoint),
  '/tessera.token.v1.DeviceCodeService/FindUserCode': rule(3000, 4 * KiB, ['consent']),
  '/tessera.token.v1.DeviceCodeService/ClaimUserCode': rule(3000, 4 * KiB, ['consent']),
  '/tessera.token.v1.DeviceCodeService/DenyDeviceCode': rule(3000, 4 * KiB, ['consent']),
  '/tessera.token.v1.TrustedIssuerService/CreateTrustedIssuer': rule(3000, 64 * KiB, admin),
  '/tessera.token.v1.TrustedIssuerService/GetTrustedIssuer': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.TrustedIssuerService/ListTrustedIssuers': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.TrustedIssuerService/DeleteTrustedIssuer': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.KeyService/GetPublishedKeys': rule(3000, 4 * KiB, anyone),
  '/tessera.token.v1.KeyService/ListKeySets': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.KeyService/GetKeySet': rule(3000, 4 * KiB, admin),
  '/tessera.token.v1.KeyService/CreateKey': rule(10_000, 4 * KiB, admin),
  '/tessera.token.v1.KeyService/RotateKeySet': rule(30_000, 4 * KiB, admin),
  '/tessera.token.v1.KeyService/PutKey': rule(10_000, 64 * KiB, admin),
  '/tessera.token.v1.KeyService/ReplaceKeySet': rule(30_000, MiB, admin),
  '/tessera.token.v1.KeyService/DeleteKey': rule(10_000, 4 * KiB, admin),
  '/tessera.token.v1.KeyService/DeleteKeySet': rule(30_000, 4 * KiB, admin),
  '/tessera.token.v1.RevocationService/WatchRevocations': rule(0, MiB, anyone),
  '/tessera.token.v1.RevocationService/CheckRevocation': rule(2000, 4 * KiB, ['introspection', 'resource_server']),

  '/tessera.introspection.v1.IntrospectionService/Introspect': rule(3000, 2 * MiB, anyone),
  '/tessera.introspection.v1.IntrospectionService/BatchIntrospect': rule(10_000, 4 * MiB, anyone),
  // The limit is one message's; each is answered within the deadline of a batch.
  '/tessera.introspection.v1.IntrospectionService/StreamIntrospect': rule(0, 4 * MiB, anyone),
} as const satisfies Record<string, Rule>

export type RulePath = keyof typeof rules

/** The rule of a method; every method that is served has one. */
export function ruleOf(path: string): Rule {
  const found = (rules as Record<string, Rule>)[path]
  if (!found) throw new Error(`no rule for ${path}: add it to services/kit/rpc/rules.ts`)
  return found
}
