// How much a request may say: it travels in URLs until its end.
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

/** Bytes of all names and values together. */
const maxSize = 8 * 1_024

export function checkSize({ parameters }: AuthorizationRequest): void {
  let size = 0
  for (const [name, value] of Object.entries(parameters)) size += Buffer.byteLength(name) + Buffer.byteLength(value)
  if (size > maxSize) throw new OAuthError('invalid_request', `The parameters are longer than ${maxSize} bytes.`)
}
