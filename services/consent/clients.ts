// The clients that ask, from the client service: remembered for as long as its feed keeps them true.
import type { Client, ClientServiceService, WatchClientsResponse } from '#proto/client/v1/client_service.js'
import { FollowedCache } from '../kit/feed.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Remote } from '../kit/rpc/contract.js'

export class Clients extends FollowedCache<Client, string, WatchClientsResponse> {
  constructor(service: Remote<typeof ClientServiceService>, maxStalenessMs: number) {
    super({
      name: 'clients',
      max: 10_000,
      maxStalenessMs,
      load: async (clientId) => {
        const { client } = await service.getClient({ clientId })
        if (!client) throw new OAuthError('server_error', undefined, { cause: new Error('an answer without a client') })
        return client
      },
      open: (position, signal) => service.watchClients({ position: position ?? '' }, { signal }),
      read: ({ changes, ...news }) => ({ keys: changes.map((change) => change.clientId), ...news }),
    })
  }

  /** The client while it is the same registration; undefined if it was deleted, and perhaps registered anew, since. */
  async findRegistration(clientId: string, registrationId: string): Promise<Client | undefined> {
    const client = await this.find(clientId)
    return client?.registrationId === registrationId ? client : undefined
  }
}

/** Whether the client cannot keep a secret (RFC 6749 section 2.1). */
export const isPublicClient = (client: Client): boolean => client.tokenEndpointAuthMethod === 'none'
