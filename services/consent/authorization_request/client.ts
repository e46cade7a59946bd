// Who asks: `client_id` (RFC 6749 section 4.1.1).
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Clients } from '../clients.js'
import type { Incoming } from './check.js'

/** Visible ASCII, as long as the client service lets an id be. */
const clientIdForm = /^[\x21-\x7e]{1,255}$/

/** The client that asks. What is thrown here is shown by the server itself. */
export async function findClient({ parameters, duplicates }: Incoming, clients: Clients): Promise<Client> {
  if (duplicates.includes('client_id')) throw new OAuthError('invalid_request', '`client_id` was sent more than once.')
  const clientId = parameters.client_id
  if (!clientId) throw new OAuthError('invalid_request', '`client_id` is missing.')
  const client = clientIdForm.test(clientId) ? await clients.find(clientId) : undefined
  if (!client) throw new OAuthError('invalid_client', 'There is no client with this `client_id`.')
  return client
}
