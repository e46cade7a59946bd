// Answers the RPCs of ClientService.
import type {
  ClientServiceService,
  ListClientsRequest,
  ListClientsResponse,
  WatchClientsRequest,
  WatchClientsResponse,
} from '#proto/client/v1/client_service.js'
import { ClientCredentials } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { checkOffset } from '../kit/page_token.js'
import type { Call, Handlers } from '../kit/rpc/contract.js'
import { decodeBase64url, type Sealer } from '../kit/sealing.js'
import { authenticateClient, claimedClientId } from './authentication/authenticate_client.js'
import { authenticationMethods } from './authentication/index.js'
import type { AuthenticationContext } from './authentication/method.js'
import type { CorsOrigins } from './cors_origins.js'
import { text } from './metadata_rules.js'
import { readPageToken, writePageToken } from './page_token.js'
import type { Registration } from './registration.js'
import type { ClientStore } from './store/client_store.js'
import type { SubjectTypes } from './subject_type.js'

/** RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3. */
const serverMetadata = {
  token_endpoint_auth_methods_supported: authenticationMethods.map(({ name }) => name),
  token_endpoint_auth_signing_alg_values_supported: authenticationMethods.flatMap(({ algorithms }) => algorithms),
}

export interface ClientServiceParts extends AuthenticationContext {
  readonly registration: Registration
  readonly subjectTypes: SubjectTypes
  readonly corsOrigins: CorsOrigins
  /** Seals page tokens. */
  readonly sealer: Sealer
}

const defaultPageSize = 100
const maxPageSize = 500
const maxUint32 = 2 ** 32 - 1

export function createHandlers(parts: ClientServiceParts): Handlers<typeof ClientServiceService> {
  const { store, registration, sealer, subjectTypes, corsOrigins } = parts
  return {
    createClient: (request) => registration.create(request),
    getClient: async ({ clientId }, call) => ({ client: (await registration.get(clientId, call)).client }),
    listClients: (request, call) => listClients(store, sealer, request, call),
    updateClient: (request, call) => registration.update(request, call),
    deleteClient: async ({ clientId }, call) => {
      await registration.delete(clientId, call)
      return {}
    },
    rotateClientSecret: async ({ clientId }, call) => {
      const { client, secret } = await registration.rotateSecret(clientId, call)
      return { client, clientSecret: secret }
    },
    dropRotatedClientSecrets: async ({ clientId }, call) => {
      const { client } = await registration.dropRotatedSecrets(clientId, call)
      return { client }
    },
    authenticateClient: ({ credentials }, call) =>
      authenticateClient(credentials ?? ClientCredentials.create(), parts, call),
    checkOrigin: async ({ origin, credentials }) => ({
      allowed: await corsOrigins.allows(origin, credentials ? claimedClientId(credentials, parts) : ''),
    }),
    watchClients: (request, call) => watchClients(store, request, call),
    getServerMetadata: async () => ({
      metadata: { ...serverMetadata, subject_types_supported: subjectTypes.supported },
    }),
  }
}

async function listClients(
  store: ClientStore,
  sealer: Sealer,
  { pageSize, pageToken, clientName, owner, offset }: ListClientsRequest,
  call: Call,
): Promise<ListClientsResponse> {
  for (const filter of [clientName, owner])
    if (text(255)(filter)) throw new OAuthError('invalid_request', 'A filter is not a line of at most 255 characters.')
  checkOffset(offset, pageToken)
  const size = Math.min(pageSize || defaultPageSize, maxPageSize)
  const after = readPageToken(sealer, pageToken)
  // One more than asked for tells whether there is another page.
  const [found, totalSize] = await Promise.all([
    store.list({ size: size + 1, after, offset, clientName, owner }, call),
    offset === undefined ? 0 : store.count({ clientName, owner }, call),
  ])
  const clients = found.slice(0, size).map(({ client }) => client)
  const last = found.length > size ? clients.at(-1) : undefined
  return { clients, nextPageToken: last ? writePageToken(sealer, last) : '', totalSize }
}

async function* watchClients(
  store: ClientStore,
  { position }: WatchClientsRequest,
  call: Call,
): AsyncGenerator<WatchClientsResponse> {
  const cursor = decodeBase64url(position)
  if (!cursor) throw new OAuthError('position_lost')
  for await (const message of store.changes.watch(cursor, call.signal))
    yield {
      changes: [...message.entries],
      position: message.cursor.toString('base64url'),
      ageMs: Math.min(Math.ceil(message.ageMs), maxUint32),
      sentAtMs: message.sentAtMs,
    }
}
