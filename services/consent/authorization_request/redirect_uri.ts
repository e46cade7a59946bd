// Where the answer goes: `redirect_uri` (RFC 6749 section 3.1.2, RFC 8252 section 7.3, RFC 9700 section 2.1).
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { splitWords } from '../../kit/scope_strategy.js'
import type { Incoming } from './check.js'

/** The loopback in its two plain spellings, over http: the port may be another at each request. */
const loopbackForm = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?((?:[/?][^#]*)?)$/

/** Whether a requested redirect URI is the registered one: the same bytes, or on the loopback all but the port. */
export function matchesRedirectUri(registered: string, requested: string): boolean {
  if (registered === requested) return true
  const [, ownHost, , ownRest] = loopbackForm.exec(registered) ?? []
  const [, host, port, rest] = loopbackForm.exec(requested) ?? []
  if (ownHost === undefined || port === undefined || Number(port) > 65_535) return false
  return host === ownHost && rest === ownRest
}

/** The redirect URI to trust. What is thrown here is shown by the server itself. */
export function chooseRedirectUri(client: Client, { parameters, duplicates }: Incoming): string {
  if (duplicates.includes('redirect_uri'))
    throw new OAuthError('invalid_request', '`redirect_uri` was sent more than once.')
  const requested = parameters.redirect_uri
  if (!requested) return onlyRedirectUri(client, parameters.scope ?? '')
  if (!client.redirectUris.some((registered) => matchesRedirectUri(registered, requested)))
    throw new OAuthError('invalid_request', '`redirect_uri` is not one that the client has registered.', {
      hint: 'It must be the same in every character; on the loopback only the port may differ.',
    })
  return requested
}

/** OpenID Connect wants it in every request (Core section 3.1.2.1), OAuth only where there is a choice. */
function onlyRedirectUri(client: Client, scope: string): string {
  const [only, ...others] = client.redirectUris
  if (only === undefined || others.length > 0 || splitWords(scope).includes('openid'))
    throw new OAuthError('invalid_request', '`redirect_uri` is missing.')
  return only
}
