// The metadata of a client: defaults, and what is accepted (RFC 7591 section 2, OpenID Connect Registration section 2,
// RFC 8252). One line for each field.
import type { Client, Lifespans } from '#proto/client/v1/client_service.js'
import { macAlgorithms, signatureAlgorithms } from '../kit/jwt/signature.js'
import { OAuthError } from '../kit/oauth_error.js'
import { authenticationMethods, findMethod } from './authentication/index.js'
import { hasKeys, publicKeys } from './client_jwks.js'
import {
  anything,
  endpointUri,
  httpsUri,
  json,
  list,
  oneOf,
  optional,
  origin,
  originOf,
  type Rule,
  requestUri,
  responseType,
  scope,
  text,
  webUri,
  word,
} from './metadata_rules.js'
import { partsOf, redirectUriProblem } from './redirect_uri.js'

/** What this server can sign with (RFC 7518 section 3.1, RFC 8037 section 3.1). */
const ownAlgorithms = signatureAlgorithms.filter((alg) => alg !== 'Ed25519')

/** Subject identifier types (OpenID Connect Core section 8). */
const subjectTypes = ['public', 'pairwise']

/** 68 years: the end of what is issued today still fits in 32 bits of epoch seconds. */
const maxLifespan = 2 ** 31 - 1

const lifespans: Rule<Lifespans | undefined> = (values) => {
  for (const [name, seconds] of Object.entries(values ?? {}))
    if (seconds !== undefined && (seconds < 1 || seconds > maxLifespan))
      return `has ${wireName(name)} outside of 1 to ${maxLifespan} seconds`
  return undefined
}

/** Visible ASCII that stays one segment of a path however it is written. */
const clientId: Rule<string> = (value) => {
  if (value.includes('/') || value.includes('..') || value === '.') return 'must not have a slash or dot segment'
  return word(255)(value)
}

const rules = {
  clientId,
  clientName: text(255),
  redirectUris: list(100, redirectUriProblem),
  grantTypes: list(50, word(255)),
  responseTypes: list(50, responseType),
  scope: optional(scope),
  audience: list(100, word(2_048)),
  owner: text(255),
  policyUri: optional(webUri),
  allowedCorsOrigins: list(100, origin),
  tosUri: optional(webUri),
  clientUri: optional(webUri),
  logoUri: optional(webUri),
  contacts: list(50, text(255)),
  subjectType: oneOf(...subjectTypes),
  sectorIdentifierUri: optional(httpsUri),
  jwksUri: optional(endpointUri),
  jwks: publicKeys,
  tokenEndpointAuthMethod: oneOf(...authenticationMethods.map((method) => method.name)),
  tokenEndpointAuthSigningAlg: optional(oneOf(...signatureAlgorithms, ...macAlgorithms)),
  requestUris: list(100, requestUri),
  requestObjectSigningAlg: optional(oneOf('none', ...signatureAlgorithms)),
  userinfoSignedResponseAlg: oneOf('none', ...ownAlgorithms),
  idTokenSignedResponseAlg: optional(oneOf(...ownAlgorithms)),
  frontchannelLogoutUri: optional(endpointUri),
  frontchannelLogoutSessionRequired: anything,
  postLogoutRedirectUris: list(100, redirectUriProblem),
  backchannelLogoutUri: optional(endpointUri),
  backchannelLogoutSessionRequired: anything,
  metadata: json(64 * 1_024),
  accessTokenStrategy: optional(oneOf('opaque', 'jwt')),
  skipConsent: anything,
  skipLogoutConsent: anything,
  initiateLoginUri: optional(httpsUri),
  lifespans,
  createdAt: anything,
  updatedAt: anything,
  revision: anything,
  registrationId: anything,
  revokeTokensOnLogout: anything,
  selfRegistered: anything,
} satisfies { readonly [F in keyof Client]-?: Rule<Client[F]> }

const identifyingFields: readonly string[] = [
  'clientId',
  'createdAt',
  'updatedAt',
  'revision',
  'registrationId',
  'selfRegistered',
]

/** The fields that an update can set, by their names in the contract. */
export const updatableFields: ReadonlyMap<string, keyof Client> = new Map(
  (Object.keys(rules) as (keyof Client)[])
    .filter((field) => !identifyingFields.includes(field))
    .map((field) => [wireName(field), field]),
)

/** `clientName` as `client_name`. */
export function wireName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Whether a client could have this id; one that could not is looked for nowhere. */
export const isClientId = (value: string): boolean => clientId(value) === undefined

/** The client with the defaults for what it leaves out, and with lists and origins in their one spelling. */
export function completeMetadata(client: Client, defaultScope: string): Client {
  const { grantTypes, responseTypes, jwks } = client
  return {
    ...client,
    grantTypes: grantTypes.length > 0 ? grantTypes : ['authorization_code'],
    responseTypes: responseTypes.length > 0 ? responseTypes : ['code'],
    scope: client.scope.split(' ').filter(Boolean).join(' ') || defaultScope,
    subjectType: client.subjectType || 'public',
    tokenEndpointAuthMethod: client.tokenEndpointAuthMethod || 'client_secret_basic',
    userinfoSignedResponseAlg: client.userinfoSignedResponseAlg || 'none',
    allowedCorsOrigins: client.allowedCorsOrigins.map((value) => originOf(value) ?? value),
    jwks: hasKeys(jwks) ? jwks : undefined,
  }
}

/**
 * Refuses a complete client that cannot be registered; in development request objects may come from the loopback without
 * TLS. Errors: `invalid_redirect_uri`, `invalid_client_metadata`.
 */
export function checkMetadata(client: Client, { dev }: { dev: boolean }): void {
  for (const [field, rule] of Object.entries(rules)) {
    const problem = (rule as Rule<unknown>)(client[field as keyof Client])
    if (problem) refuse(field, problem)
  }
  if (!dev && client.requestUris.some((uri) => !/^https:/i.test(uri))) refuse('requestUris', 'must use https')
  if (client.jwks && client.jwksUri) refuse('jwks', 'excludes jwks_uri')
  checkAuthentication(client)
  const sites = new Set(client.redirectUris.map(siteOf))
  const stray = client.postLogoutRedirectUris.findIndex((uri) => !sites.has(siteOf(uri)))
  if (stray >= 0)
    refuse('postLogoutRedirectUris', `entry ${stray + 1} has another scheme, host or port than every redirect URI`)
  // Front-Channel Logout 1.0 section 2.
  if (client.frontchannelLogoutUri && !sites.has(siteOf(client.frontchannelLogoutUri)))
    refuse('frontchannelLogoutUri', 'has another scheme, host or port than every redirect URI')
}

/** OpenID Connect Registration section 2: what the way of authentication needs. */
function checkAuthentication(client: Client): void {
  const { tokenEndpointAuthMethod: name, tokenEndpointAuthSigningAlg: alg, jwks, jwksUri } = client
  const method = findMethod(name)
  if (method?.needsKeys && !jwks && !jwksUri) refuse('jwks', `or jwks_uri is needed for ${name}`)
  const algorithms = method?.algorithms.length ? method.algorithms : signatureAlgorithms
  if (alg !== '' && !algorithms.includes(alg))
    refuse('tokenEndpointAuthSigningAlg', `is none that ${name} can use: ${algorithms.join(', ')}`)
}

function siteOf(uri: string): string {
  const { scheme, host, port } = partsOf(uri)
  return `${scheme}://${host}:${port}`
}

export function refuse(field: string, problem: string): never {
  const code = field === 'redirectUris' ? 'invalid_redirect_uri' : 'invalid_client_metadata'
  throw new OAuthError(code, `${wireName(field)}: ${problem}.`)
}
