// Authenticates a client (RFC 6749 section 2.3): what must hold whatever the method.
import type { AuthenticateClientResponse, ClientCredentials } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Call } from '../../kit/rpc/contract.js'
import { isClientId } from '../client_metadata.js'
import { authenticationMethods } from './index.js'
import { type AuthenticationContext, type AuthenticationMethod, invalidClient, type Shown } from './method.js'

/** Errors: `invalid_request` where two methods are used at once, else `invalid_client`. */
export async function authenticateClient(
  credentials: ClientCredentials,
  context: AuthenticationContext,
  call: Call,
): Promise<AuthenticateClientResponse> {
  const { store, secrets } = context
  const { method, shown } = readCredentials(credentials, context)
  const { clientId } = shown
  const candidate = isClientId(clientId)
    ? await store.findCandidate(clientId, secrets.decoy, method.needsKeys, call)
    : secrets.decoy
  const isProven = await shown.proves(candidate)
  if (!isProven || !candidate.isRegistered)
    throw invalidClient('the client is unknown or what it showed is not good', shown.hint)
  // Only who knows the secret is told that the method is the wrong one.
  if (candidate.method !== method.name)
    throw invalidClient(
      'not the registered method',
      `The client is registered with token_endpoint_auth_method '${candidate.method}'.`,
    )
  const client = (await store.find(clientId, call))?.client
  const isTheSame = client?.registrationId === candidate.registrationId && client.revision === candidate.revision
  // It changed meanwhile: what was good may no longer be.
  if (!isTheSame) return authenticateClient(credentials, context, call)
  // Last, so that nothing is used up in vain.
  if (shown.useUp && !(await shown.useUp()))
    throw invalidClient(
      'used before',
      'The client_assertion was used before: each is good once and has a jti of its own.',
    )
  return { client, method: method.name, reusable: shown.useUp === undefined }
}

/** The client that credentials are said to be of, whether they are good or not; empty where they name none. */
export function claimedClientId(credentials: ClientCredentials, context: AuthenticationContext): string {
  try {
    return readCredentials(credentials, context).shown.clientId
  } catch {
    return credentials.clientId
  }
}

function readCredentials(
  credentials: ClientCredentials,
  context: AuthenticationContext,
): { method: AuthenticationMethod; shown: Shown } {
  const { authorization, clientSecret, clientAssertion, clientAssertionType } = credentials
  const proofs = [authorization, clientSecret, clientAssertion || clientAssertionType].filter((proof) => proof !== '')
  if (proofs.length > 1)
    throw new OAuthError('invalid_request', 'The client must not use more than one authentication method.')
  for (const method of authenticationMethods) {
    const shown = method.read(credentials, context)
    if (!shown) continue
    if (shown.clientId === '') throw invalidClient('no client id was shown')
    if (credentials.clientId !== '' && credentials.clientId !== shown.clientId)
      throw invalidClient('client_id is another than the one that was authenticated')
    return { method, shown }
  }
  throw invalidClient('no method that is supported was used')
}
