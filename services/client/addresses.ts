// Addresses that clients name: those that lead into networks which only this server, or its end-users, reach are not
// registered. What is called is checked again when it is called, by the address that its name then leads to.
import { Client } from '#proto/client/v1/client_service.js'
import type { Outbound } from '../kit/outbound.js'
import { refuse } from './client_metadata.js'

/** Fields with addresses that this server calls. */
export const calledFields = ['sectorIdentifierUri', 'jwksUri', 'requestUris', 'backchannelLogoutUri'] as const

/** Fields with addresses that end-users are led to. */
export const shownFields = [
  'policyUri',
  'tosUri',
  'clientUri',
  'logoUri',
  'frontchannelLogoutUri',
  'initiateLoginUri',
] as const

/** What a client had before is not asked for again. Error: `invalid_client_metadata`. */
export function checkAddresses(
  fields: readonly ((typeof calledFields)[number] | (typeof shownFields)[number])[],
  client: Client,
  outbound: Pick<Outbound, 'mayCall'>,
  before: Client = Client.create(),
): void {
  for (const field of fields) {
    const known = [before[field]].flat()
    const addresses = [client[field]].flat().filter((address) => address !== '' && !known.includes(address))
    if (!addresses.every((address) => outbound.mayCall(address)))
      refuse(field, 'leads to an address that is not public')
  }
}
