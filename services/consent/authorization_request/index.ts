// The checks of an authorization request, in their order (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.2).
import type { Client } from '#proto/client/v1/client_service.js'
import { checkAudience } from './audience.js'
import { type AuthorizationRequest, type Check, type CheckContext, type Incoming, unchecked } from './check.js'
import { checkClaims } from './claims.js'
import { checkCodeChallenge } from './code_challenge.js'
import { checkDisplay } from './display.js'
import { checkDuplicates } from './duplicates.js'
import { checkIdTokenHint } from './id_token_hint.js'
import { checkMaxAge } from './max_age.js'
import { checkNonce } from './nonce.js'
import { checkPrompt, checkSilentRequest } from './prompt.js'
import { chooseRedirectUri } from './redirect_uri.js'
import { checkResponseMode, defaultResponseMode } from './response_mode.js'
import { checkResponseType } from './response_type.js'
import { checkScope } from './scope.js'
import { checkSize } from './size.js'
import { checkUnsupportedParameters } from './unsupported_parameters.js'

/** What these throw goes back to the client. */
export const checks: readonly Check[] = [
  checkResponseMode,
  checkDuplicates,
  checkSize,
  checkUnsupportedParameters,
  checkResponseType,
  checkScope,
  checkNonce,
  checkAudience,
  checkCodeChallenge,
  checkPrompt,
  checkMaxAge,
  checkDisplay,
  checkClaims,
  checkSilentRequest,
  checkIdTokenHint,
]

/**
 * Those that are made again when a flow comes back, since its client may have been changed. The others found what cannot
 * change: the flow was sealed.
 */
export const checksOnReturn: readonly Check[] = [
  checkResponseType,
  checkScope,
  checkAudience,
  checkCodeChallenge,
  checkPrompt,
  checkMaxAge,
  checkSilentRequest,
]

/** The request before its checks. What is thrown here is shown by the server itself. */
export function requestOf(client: Client, incoming: Incoming): AuthorizationRequest {
  const { parameters, duplicates } = incoming
  return {
    ...unchecked,
    parameters,
    duplicates,
    client,
    redirectUri: chooseRedirectUri(client, incoming),
    redirectUriOmitted: !parameters.redirect_uri,
    responseMode: defaultResponseMode(parameters),
  }
}

export async function runChecks(
  list: readonly Check[],
  request: AuthorizationRequest,
  context: CheckContext,
): Promise<void> {
  for (const check of list) {
    const pending = check(request, context)
    // Most have looked at once; to wait for those as well costs more than they do.
    if (pending) await pending
  }
}
