// Where a page of clients ends, sealed: a caller can hand it back, and neither read nor make one.
import { OAuthError } from '../kit/oauth_error.js'
import { decodeBase64url } from '../kit/sealing.js'

const purpose = 'page of clients'
/** The token of the page after a client. */
export function writePageToken(sealer, { createdAt, clientId }) {
  return sealer.seal(purpose, Buffer.from(JSON.stringify([createdAt?.getTime(), clientId]))).toString('base64url')
}
/** Undefined for the first page. Error: `invalid_request`. */
export function readPageToken(sealer, token) {
  if (token === '') return undefined
  const sealed = decodeBase64url(token)
  const opened = sealed && sealer.open(purpose, sealed)
  if (!opened) throw new OAuthError('invalid_request', 'page_token is not one that this server gave.')
  const [createdAt, clientId] = JSON.parse(opened.toString())
  return { createdAt: new Date(createdAt), clientId }
}
//# sourceMappingURL=page_token.js.map
