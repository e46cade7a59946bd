// Where a page of consent sessions ends.
import { openPosition, sealPosition } from '../kit/page_token.js'
import type { Sealer } from '../kit/sealing.js'
import type { ConsentPosition } from './store/consent_store.js'

const purpose = 'page of consent sessions'

export const writePageToken = (sealer: Sealer, { handledAtMs, id }: ConsentPosition): string =>
  sealPosition(sealer, purpose, [handledAtMs, id])

/** Undefined for the first page. Error: `invalid_request`. */
export function readPageToken(sealer: Sealer, token: string): ConsentPosition | undefined {
  const position = openPosition<[number, string]>(sealer, purpose, token)
  return position && { handledAtMs: position[0], id: position[1] }
}
