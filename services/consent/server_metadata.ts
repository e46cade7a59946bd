// What the consent service has to say in the authorization server's metadata (RFC 8414 section 2, OpenID Connect Discovery
// 1.0 section 3, Initiating User Registration 1.0, Front- and Back-Channel Logout 1.0): drawn from the checks that decide.
import { codeChallengeMethods } from './authorization_request/code_challenge.js'
import { displays } from './authorization_request/display.js'
import { prompts } from './authorization_request/prompt.js'
import { responseModes } from './authorization_request/response_mode.js'
import { requestObjectAlgorithms } from './request_objects.js'

export const serverMetadata = {
  // Those that the server itself gives a meaning; all others are the operator's.
  scopes_supported: ['openid', 'offline', 'offline_access'],
  response_modes_supported: [...responseModes],
  code_challenge_methods_supported: [...codeChallengeMethods],
  prompt_values_supported: [...prompts],
  display_values_supported: [...displays],
  claims_parameter_supported: false,
  request_parameter_supported: true,
  request_object_signing_alg_values_supported: [...requestObjectAlgorithms],
  request_uri_parameter_supported: true,
  require_request_uri_registration: true,
  frontchannel_logout_supported: true,
  frontchannel_logout_session_supported: true,
  backchannel_logout_supported: true,
  backchannel_logout_session_supported: true,
  authorization_response_iss_parameter_supported: true,
}
