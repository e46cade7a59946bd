// A client as Hydra's JSON (RFC 7591 section 2, OpenID Connect Registration section 2) and as the client service's message.
import { Client, Lifespans } from '#proto/client/v1/client_service.js'
import type { Config } from '../../services/kit/config/config.js'
import { parseDuration } from '../../services/kit/config/duration.js'
import { publicUrlOf } from '../http/public_url.js'
import { JsonObject } from './json_object.js'
import { timeToJson } from './timestamp.js'

type FieldsOf<M, T> = { [K in keyof M]-?: [T] extends [M[K]] ? ([M[K]] extends [T] ? K : never) : never }[keyof M]

/** Members with a text, those that are left out of an answer when empty apart. */
const texts = {
  client_id: 'clientId',
  client_name: 'clientName',
  scope: 'scope',
  owner: 'owner',
  policy_uri: 'policyUri',
  tos_uri: 'tosUri',
  client_uri: 'clientUri',
  logo_uri: 'logoUri',
  subject_type: 'subjectType',
  token_endpoint_auth_method: 'tokenEndpointAuthMethod',
} as const satisfies Record<string, FieldsOf<Client, string>>

const optionalTexts = {
  sector_identifier_uri: 'sectorIdentifierUri',
  jwks_uri: 'jwksUri',
  token_endpoint_auth_signing_alg: 'tokenEndpointAuthSigningAlg',
  request_object_signing_alg: 'requestObjectSigningAlg',
  userinfo_signed_response_alg: 'userinfoSignedResponseAlg',
  id_token_signed_response_alg: 'idTokenSignedResponseAlg',
  frontchannel_logout_uri: 'frontchannelLogoutUri',
  backchannel_logout_uri: 'backchannelLogoutUri',
  access_token_strategy: 'accessTokenStrategy',
  initiate_login_uri: 'initiateLoginUri',
} as const satisfies Record<string, FieldsOf<Client, string>>

const lists = {
  redirect_uris: 'redirectUris',
  grant_types: 'grantTypes',
  response_types: 'responseTypes',
  audience: 'audience',
  allowed_cors_origins: 'allowedCorsOrigins',
  contacts: 'contacts',
} as const satisfies Record<string, FieldsOf<Client, string[]>>

const optionalLists = {
  request_uris: 'requestUris',
  post_logout_redirect_uris: 'postLogoutRedirectUris',
} as const satisfies Record<string, FieldsOf<Client, string[]>>

const flags = {
  skip_consent: 'skipConsent',
  skip_logout_consent: 'skipLogoutConsent',
} as const satisfies Record<string, FieldsOf<Client, boolean>>

const optionalFlags = {
  frontchannel_logout_session_required: 'frontchannelLogoutSessionRequired',
  backchannel_logout_session_required: 'backchannelLogoutSessionRequired',
  revoke_tokens_on_logout: 'revokeTokensOnLogout',
} as const satisfies Record<string, FieldsOf<Client, boolean>>

const lifespans = {
  authorization_code_grant_access_token_lifespan: 'authorizationCodeGrantAccessToken',
  authorization_code_grant_id_token_lifespan: 'authorizationCodeGrantIdToken',
  authorization_code_grant_refresh_token_lifespan: 'authorizationCodeGrantRefreshToken',
  client_credentials_grant_access_token_lifespan: 'clientCredentialsGrantAccessToken',
  implicit_grant_access_token_lifespan: 'implicitGrantAccessToken',
  implicit_grant_id_token_lifespan: 'implicitGrantIdToken',
  jwt_bearer_grant_access_token_lifespan: 'jwtBearerGrantAccessToken',
  refresh_token_grant_access_token_lifespan: 'refreshTokenGrantAccessToken',
  refresh_token_grant_id_token_lifespan: 'refreshTokenGrantIdToken',
  refresh_token_grant_refresh_token_lifespan: 'refreshTokenGrantRefreshToken',
  device_authorization_grant_access_token_lifespan: 'deviceAuthorizationGrantAccessToken',
  device_authorization_grant_id_token_lifespan: 'deviceAuthorizationGrantIdToken',
  device_authorization_grant_refresh_token_lifespan: 'deviceAuthorizationGrantRefreshToken',
} as const satisfies Record<string, keyof Lifespans>

const textFields = Object.entries({ ...texts, ...optionalTexts })
const listFields = Object.entries({ ...lists, ...optionalLists })
const flagFields = Object.entries({ ...flags, ...optionalFlags })
const lifespanFields = Object.entries(lifespans)
/** The members of which an answer leaves out those that are empty, and the others. */
const optionalFields = Object.entries({ ...optionalTexts, ...optionalLists, ...optionalFlags })
const fields = Object.entries({ ...texts, ...lists, ...flags })

/** The members that the admin API can set, each with its field in the client service's message. */
export const writableMembers: ReadonlyMap<string, string> = new Map([
  ...[texts, optionalTexts, lists, optionalLists, flags, optionalFlags]
    .flatMap((members) => Object.keys(members))
    .filter((name) => name !== 'client_id')
    .map((name) => [name, name] as const),
  ['jwks', 'jwks'],
  ['metadata', 'metadata'],
  ...Object.keys(lifespans).map((name) => [name, 'lifespans'] as const),
])

/** The client of a JSON object. Error: `invalid_client_metadata` for a member of the wrong type. */
export function clientFromJson(value: unknown): { client: Client; clientSecret: string } {
  const json = new JsonObject(value, 'invalid_client_metadata')
  const client = Client.create()
  for (const [name, field] of textFields) client[field] = json.text(name)
  for (const [name, field] of listFields) client[field] = json.texts(name)
  for (const [name, field] of flagFields) client[field] = json.flag(name)
  const jwks = json.object('jwks')
  // Hydra's own answers have an empty object where there are no keys.
  client.jwks = jwks && Object.keys(jwks).length > 0 ? jwks : undefined
  client.metadata = json.object('metadata')
  client.lifespans = lifespansOf(json)
  return { client, clientSecret: json.text('client_secret') }
}

/** The lifespans of a JSON object (Hydra's `oAuth2ClientTokenLifespans`). */
export const lifespansFromJson = (value: unknown): Lifespans =>
  lifespansOf(new JsonObject(value, 'invalid_client_metadata'))

function lifespansOf(json: JsonObject): Lifespans {
  const found = Lifespans.create()
  for (const [name, field] of lifespanFields) {
    const seconds = json.duration(name, parseDuration)
    if (seconds !== undefined) found[field] = seconds
  }
  return found
}

/** The client as Hydra answers it; `clientSecret` only where it is shown. */
export function clientToJson(client: Client, clientSecret = ''): Record<string, unknown> {
  const json = documentOf(client, ([, field]) => !isEmpty(client[field]))
  if (client.selfRegistered) json.self_registered = true
  if (clientSecret) json.client_secret = clientSecret
  json.client_secret_expires_at = 0
  json.created_at = timeToJson(client.createdAt)
  json.updated_at = timeToJson(client.updatedAt)
  return json
}

/** Where a client manages itself (RFC 7592), from the public URL of the server on. */
export const registrationPath = '/oauth2/register'

interface Registered {
  readonly client: Client | undefined
  readonly clientSecret: string
  readonly registrationAccessToken: string
}

/** A client with what it manages itself with: the client information response of RFC 7591 section 3.2.1 and RFC 7592 3. */
export function registrationToJson(
  config: Pick<Config, 'urls'>,
  { client = Client.create(), clientSecret, registrationAccessToken }: Registered,
): Record<string, unknown> {
  return {
    ...clientToJson(client, clientSecret),
    client_id_issued_at: Math.floor((client.createdAt?.getTime() ?? 0) / 1_000),
    registration_access_token: registrationAccessToken,
    registration_client_uri: `${publicUrlOf(config)}${registrationPath}/${encodeURIComponent(client.clientId)}`,
  }
}

/** Every member that can be set, empty ones too: what a patch is applied to. */
export function clientToDocument(client: Client): Record<string, unknown> {
  return documentOf(client, () => true)
}

const isEmpty = (value: string | boolean | readonly string[]): boolean =>
  value === '' || value === false || (Array.isArray(value) && value.length === 0)

function documentOf(
  client: Client,
  isShown: (member: (typeof optionalFields)[number]) => boolean,
): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const [name, field] of fields) json[name] = client[field]
  for (const member of optionalFields) if (isShown(member)) json[member[0]] = client[member[1]]
  for (const [name, field] of lifespanFields) json[name] = formatDuration(client.lifespans?.[field])
  json.jwks = client.jwks ?? {}
  json.metadata = client.metadata ?? {}
  return json
}

/** As Go writes a duration: `1h0m0s`, `5m0s`, `30s`. */
function formatDuration(seconds: number | undefined): string | null {
  if (seconds === undefined) return null
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${h > 0 ? `${h}h` : ''}${seconds >= 60 ? `${m}m` : ''}${s}s`
}
