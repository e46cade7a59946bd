// Where a page of clients ends.
import type { Client } from '#proto/client/v1/client_service.js'
import { openPosition, sealPosition } from '../kit/page_token.js'
import type { Sealer } from '../kit/sealing.js'
import type { ClientQuery } from './store/client_store.js'

type Position = NonNullable<ClientQuery['after']>

const purpose = 'page of clients'

/** The token of the page after a client. */
export const writePageToken = (sealer: Sealer, { createdAt, clientId }: Client): string =>
  sealPosition(sealer, purpose, [createdAt?.getTime(), clientId])

/** Undefined for the first page. Error: `invalid_request`. */
export function readPageToken(sealer: Sealer, token: string): Position | undefined {
  const position = openPosition<[number, string]>(sealer, purpose, token)
  return position && { createdAt: new Date(position[0]), clientId: position[1] }
}
