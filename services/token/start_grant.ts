// Begins the grant that an end-user consented to, in the way of the response type that was asked for.
import type { StartGrantRequest, StartGrantResponse } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { isUuid } from '../kit/random.js'
import { splitWords } from '../kit/scope_strategy.js'
import { beginDeviceGrant } from './begin_device_grant.js'
import { beginGrant } from './begin_grant.js'
import type { Parts } from './parts.js'
import { responseTypes } from './response_types/index.js'
import type { ResponseType } from './response_types/response_type.js'

/** Errors: `invalid_request`, `unsupported_response_type`, `invalid_client`, `access_denied`, `conflict`, `expired_token`. */
export async function startGrant(parts: Parts, request: StartGrantRequest): Promise<StartGrantResponse> {
  checkForm(request)
  const type = request.deviceCodeId === '' ? typeOf(request) : undefined
  const client = await parts.clients.find(request.clientId)
  if (client?.registrationId !== request.registrationId)
    throw new OAuthError('invalid_client', 'The client is no longer registered.')
  return {
    parameters: await (type ? beginGrant(parts, client, type, request) : beginDeviceGrant(parts, client, request)),
  }
}

function typeOf({ responseType }: StartGrantRequest): ResponseType {
  const name = splitWords(responseType).sort().join(' ')
  const type = Object.hasOwn(responseTypes, name) ? responseTypes[name] : undefined
  if (!type) throw new OAuthError('unsupported_response_type')
  return type
}

/** What the row could not hold, or would not give back as it was. */
function checkForm(request: StartGrantRequest): void {
  const { grantId, registrationId, loginSessionId, subject, obfuscatedSubject, nonce, acr, codeChallenge } = request
  const areIds = [grantId, registrationId, loginSessionId || grantId].every(isUuid)
  if (!areIds) throw new OAuthError('invalid_request', 'The grant, the registration and the login session need UUIDs.')
  if (subject === '') throw new OAuthError('invalid_request', 'The subject is missing.')
  if ([subject, obfuscatedSubject, nonce, acr].some((text) => text.includes('\0')))
    throw new OAuthError('invalid_request', 'Texts may not contain NUL.')
  if (![...request.scope, ...request.audience].every((word) => /^[^\0 ]+$/.test(word)))
    throw new OAuthError('invalid_request', 'A scope or audience is empty or contains a space.')
  if (codeChallenge.length !== 0 && codeChallenge.length !== 32)
    throw new OAuthError('invalid_request', 'The code challenge must be 32 bytes.')
}
