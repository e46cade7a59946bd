// The response type `code` (RFC 6749 4.1.2): an authorization code.
import { nowSeconds } from '../../kit/clock.js'
import { issueCode } from '../tokens/authorization_code.js'
import type { ResponsePart } from './response_type.js'

export const code: ResponsePart = {
  name: 'code',
  grantType: 'authorization_code',

  answer({ config, sealer }, { request }) {
    const { grantId, clientId, registrationId, redirectUri, codeChallenge } = request
    const binding = { clientId, registrationId, redirectUri, codeChallenge }
    return { code: issueCode(sealer, grantId, nowSeconds() + config.ttl.auth_code, binding) }
  },
}
