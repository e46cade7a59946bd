// Where a page of consent sessions ends, sealed: a caller can hand it back, and neither read nor make one.
import { OAuthError } from '../kit/oauth_error.js'
import { decodeBase64url, type Sealer } from '../kit/sealing.js'
import type { ConsentPosition } from './store/consent_store.js'

const purpose = 'page of consent sessions'

export const writePageToken = (sealer: Sealer, { handledAtMs, id }: ConsentPosition): string =>
  sealer.seal(purpose, Buffer.from(JSON.stringify([handledAtMs, id]))).toString('base64url')

/** Undefined for the first page. Error: `invalid_request`. */
export function readPageToken(sealer: Sealer, token: string): ConsentPosition | undefined {
  if (token === '') return undefined
  const sealed = decodeBase64url(token)
  const opened = sealed && sealer.open(purpose, sealed)
  if (!opened) throw new OAuthError('invalid_request', 'page_token is not one that this server gave.')
  const [handledAtMs, id] = JSON.parse(opened.toString()) as [number, string]
  return { handledAtMs, id }
}
