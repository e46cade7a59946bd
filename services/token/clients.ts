// What this service knows of clients: kept in memory, kept true by the feed of the client service. And who a client is:
// a success of authentication that may be repeated is remembered until the client changes.
import { hash } from 'node:crypto'
import type {
  Client,
  ClientCredentials,
  ClientServiceService,
  WatchClientsResponse,
} from '#proto/client/v1/client_service.js'
import { FollowedCache } from '../kit/feed.js'
import { lruCache } from '../kit/lru_cache.js'
import { OAuthError } from '../kit/oauth_error.js'
import { randomBytes } from '../kit/random.js'
import type { Call, Remote } from '../kit/rpc/contract.js'

const maxClients = 10_000
const maxAuthenticated = 50_000

export interface AuthenticatedClient {
  readonly client: Client
  /** It was identified and not authenticated (RFC 6749 2.1). */
  readonly isPublic: boolean
}

/** A success that is worth nothing once the client's revision is another. */
interface Remembered {
  readonly clientId: string
  readonly registrationId: string
  readonly revision: number
  readonly isPublic: boolean
}

export class Clients extends FollowedCache<Client, string, WatchClientsResponse> {
  readonly #service: Remote<typeof ClientServiceService>
  readonly #authenticated = lruCache<Remembered>(maxAuthenticated)
  /** Credentials are remembered as digests under a key that leaves no process. */
  readonly #digestKey = randomBytes(32).toString('base64')

  constructor(service: Remote<typeof ClientServiceService>, maxStalenessMs: number) {
    super({
      name: 'clients',
      max: maxClients,
      maxStalenessMs,
      load: async (clientId) => {
        const { client } = await service.getClient({ clientId })
        if (!client) throw new OAuthError('not_found')
        return client
      },
      open: (position, signal) => service.watchClients({ position: position ?? '' }, { signal }),
      read: ({ changes, ...news }) => ({ keys: changes.map(({ clientId }) => clientId), ...news }),
    })
    this.#service = service
  }

  /** Whether a registration is the client's present one; a client that is no more has none. */
  async isCurrent(clientId: string, registrationId: string): Promise<boolean> {
    return (await this.find(clientId))?.registrationId === registrationId
  }

  /** Errors: `invalid_client`, `invalid_request`. */
  async authenticate(credentials: ClientCredentials | undefined, call: Call): Promise<AuthenticatedClient> {
    if (!credentials) throw new OAuthError('invalid_client')
    const digest = this.#digest(credentials)
    const remembered = this.#authenticated.get(digest)
    const known = remembered && (await this.#recall(remembered))
    if (known) return known
    const { client, method, reusable } = await this.#service.authenticateClient({ credentials }, call)
    if (!client) throw new OAuthError('invalid_client')
    const { clientId, registrationId, revision } = client
    const isPublic = method === 'none'
    if (reusable) this.#authenticated.set(digest, { clientId, registrationId, revision, isPublic })
    return { client, isPublic }
  }

  /** The client, if it is still the one that was authenticated. */
  async #recall(remembered: Remembered): Promise<AuthenticatedClient | undefined> {
    const client = await this.find(remembered.clientId)
    const isSame = client?.registrationId === remembered.registrationId && client.revision === remembered.revision
    return isSame ? { client, isPublic: remembered.isPublic } : undefined
  }

  #digest(credentials: ClientCredentials): string {
    const { authorization, clientId, clientSecret, clientAssertionType, clientAssertion } = credentials
    const parts = [authorization, clientId, clientSecret, clientAssertionType, clientAssertion]
    return hash('sha256', this.#digestKey + JSON.stringify(parts), 'base64')
  }
}
