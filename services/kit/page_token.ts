// Where a page of a list ends, sealed: a caller can hand it back, and neither read nor make one.
import { OAuthError } from './oauth_error.js'
import { decodeBase64url, type Sealer } from './sealing.js'

/** The token of the page after a position; `purpose` names the list. */
export const sealPosition = (sealer: Sealer, purpose: string, position: readonly unknown[]): string =>
  sealer.seal(purpose, Buffer.from(JSON.stringify(position))).toString('base64url')

/** The position of a token; undefined for the first page. Error: `invalid_request`. */
export function openPosition<P extends readonly unknown[]>(
  sealer: Sealer,
  purpose: string,
  token: string,
): P | undefined {
  if (token === '') return undefined
  const sealed = decodeBase64url(token)
  const opened = sealed && sealer.open(purpose, sealed)
  if (!opened) throw new OAuthError('invalid_request', 'page_token is not one that this server gave.')
  return JSON.parse(opened.toString()) as P
}
