// Where a page of a list ends, sealed: a caller can hand it back, and neither read nor make one. Or how much is left out
// before a page, for callers that count.
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

const maxOffset = 0x7fff_ffff

/** Error: `invalid_request` for an offset that cannot be, or that comes with a page token. */
export function checkOffset(offset: number | undefined, token: string): void {
  if (offset === undefined) return
  if (token !== '')
    throw new OAuthError('invalid_request', 'A page is asked for by an offset or by a token, not by both.')
  if (offset > maxOffset) throw new OAuthError('invalid_request', `The offset is larger than ${maxOffset}.`)
}
