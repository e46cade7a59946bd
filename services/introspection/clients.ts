// What this service knows of clients, kept true by their feed: the registration that a token must name, and the audiences
// that make a client somebody a token is meant for.
import type { ClientServiceService, WatchClientsResponse } from '#proto/client/v1/client_service.js'
import { FollowedCache } from '../kit/feed.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Call, CallOptions, Remote } from '../kit/rpc/contract.js'
import { compactUuid } from './received_token.js'

export interface KnownClient {
  /** Compact; empty for a client that is not registered. */
  readonly registrationId: string
  readonly audience: readonly string[]
}

const unknownClient: KnownClient = { registrationId: '', audience: [] }
const maxClients = 50_000

export class Clients extends FollowedCache<KnownClient, string, WatchClientsResponse> {
  readonly #service: Remote<typeof ClientServiceService>
  readonly #askedFor = new WeakMap<Call, Map<string, Promise<KnownClient>>>()

  constructor(service: Remote<typeof ClientServiceService>, maxStalenessMs: number) {
    super({
      name: 'clients',
      max: maxClients,
      maxStalenessMs,
      load: (clientId) => this.#ask(clientId),
      open: (position, signal) => service.watchClients({ position: position ?? '' }, { signal }),
      read: ({ changes, ...news }) => ({ keys: changes.map(({ clientId }) => clientId), ...news }),
    })
    this.#service = service
  }

  /** Asks the client service, whatever is known here; once for each call. */
  ask(clientId: string, call: Call): Promise<KnownClient> {
    const asked = this.#askedFor.get(call) ?? new Map<string, Promise<KnownClient>>()
    this.#askedFor.set(call, asked)
    const asking = asked.get(clientId) ?? this.#ask(clientId, call)
    asked.set(clientId, asking)
    return asking
  }

  async #ask(clientId: string, options?: CallOptions): Promise<KnownClient> {
    try {
      const { client } = await this.#service.getClient({ clientId }, options)
      return client ? { registrationId: compactUuid(client.registrationId), audience: client.audience } : unknownClient
    } catch (thrown) {
      if (thrown instanceof OAuthError && thrown.code === 'not_found') return unknownClient
      throw thrown
    }
  }
}
