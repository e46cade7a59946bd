// What the client wants: `response_type` (RFC 6749 section 3.1.1).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

/** Each response type, its words in the order of the alphabet, with the grant type that the client needs for it. */
export const responseTypes: Readonly<Record<string, { readonly grantType: string }>> = {
  code: { grantType: 'authorization_code' },
}

const normalized = (responseType: string): string => responseType.split(' ').filter(Boolean).toSorted().join(' ')

export function checkResponseType({ parameters, client }: AuthorizationRequest): void {
  const asked = normalized(parameters.response_type ?? '')
  if (asked === '') throw new OAuthError('invalid_request', '`response_type` is missing.')
  const known = Object.hasOwn(responseTypes, asked) ? responseTypes[asked] : undefined
  if (!known) throw new OAuthError('unsupported_response_type')
  const isRegistered = orDefault(client.responseTypes, 'code').some((type) => normalized(type) === asked)
  if (!isRegistered)
    throw new OAuthError('unauthorized_client', 'The client is not registered for this `response_type`.')
  if (!orDefault(client.grantTypes, 'authorization_code').includes(known.grantType))
    throw new OAuthError('unauthorized_client', `The client is not registered for the grant type ${known.grantType}.`)
}

/** What a client that registered nothing may use (RFC 7591 section 2). */
const orDefault = (registered: readonly string[], byDefault: string): readonly string[] =>
  registered.length > 0 ? registered : [byDefault]
