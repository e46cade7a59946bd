// What the client wants: `response_type` (RFC 6749 section 3.1.1, OAuth 2.0 Multiple Response Types sections 3 and 5).
import { OAuthError } from '../../kit/oauth_error.js'
import type { AuthorizationRequest } from './check.js'

/** The words of response types, with the grant type that the client needs for each. */
const grantTypes: Readonly<Record<string, string>> = {
  code: 'authorization_code',
  id_token: 'implicit',
  token: 'implicit',
}

/** The words of each response type, in the order of the alphabet. */
export const responseTypes: readonly string[] = [
  'code',
  'token',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
]

const wordsOf = (responseType: string): string[] => responseType.split(' ').filter(Boolean).toSorted()

const normalized = (responseType: string): string => wordsOf(responseType).join(' ')

export const asksForCode = ({ response_type: asked = '' }: AuthorizationRequest['parameters']): boolean =>
  wordsOf(asked).includes('code')

export const asksForIdToken = ({ response_type: asked = '' }: AuthorizationRequest['parameters']): boolean =>
  wordsOf(asked).includes('id_token')

/** Whether the answer has tokens in it, which no server may see in a query (Multiple Response Types section 5). */
export const answersWithTokens = ({ response_type: asked = '' }: AuthorizationRequest['parameters']): boolean =>
  wordsOf(asked).some((word) => word === 'token' || word === 'id_token')

export function checkResponseType({ parameters, client }: AuthorizationRequest): void {
  const asked = normalized(parameters.response_type ?? '')
  if (asked === '') throw new OAuthError('invalid_request', '`response_type` is missing.')
  if (!responseTypes.includes(asked)) throw new OAuthError('unsupported_response_type')
  const isRegistered = orDefault(client.responseTypes, 'code').some((type) => normalized(type) === asked)
  if (!isRegistered)
    throw new OAuthError('unauthorized_client', 'The client is not registered for this `response_type`.')
  const registered = orDefault(client.grantTypes, 'authorization_code')
  for (const grantType of wordsOf(asked).map((word) => grantTypes[word] ?? ''))
    if (!registered.includes(grantType))
      throw new OAuthError('unauthorized_client', `The client is not registered for the grant type ${grantType}.`)
}

/** What a client that registered nothing may use (RFC 7591 section 2). */
const orDefault = (registered: readonly string[], byDefault: string): readonly string[] =>
  registered.length > 0 ? registered : [byDefault]
