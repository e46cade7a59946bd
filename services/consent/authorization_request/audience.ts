// Whom the access token is for: `audience`, as in Hydra. Repeated or separated by spaces.
import { coversAudience } from '../../kit/audience.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { splitWords } from '../../kit/scope_strategy.js'
import type { AuthorizationRequest } from './check.js'

export function checkAudience(request: AuthorizationRequest): void {
  const asked = splitWords(request.parameters.audience ?? '')
  for (const audience of asked)
    if (!coversAudience(request.client.audience, audience))
      throw new OAuthError('invalid_request', `The client may not ask for the audience '${audience.slice(0, 200)}'.`)
  request.audience = asked
}
