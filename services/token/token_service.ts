// Answers the RPCs of TokenService: the token and revocation endpoints, and what the other services ask about grants.
import {
  type IssueTokenRequest,
  type IssueTokenResponse,
  type RevokeGrantsRequest,
  TokenServiceService,
} from '#proto/token/v1/token_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import { purgeForMs, whileAwaited } from '../kit/repeat.js'
import type { Call, Service } from '../kit/rpc/contract.js'
import { defineService } from '../kit/rpc/server.js'
import { grants } from './grants/index.js'
import { inspectRefreshToken } from './inspect_refresh_token.js'
import { idTokenKeySet } from './keys/key_sets.js'
import type { Parts } from './parts.js'
import { grantTypesOfResponses, responseTypes } from './response_types/index.js'
import type { RevokedGrants } from './revocations/revocation_log.js'
import { revokeToken } from './revoke_token.js'
import { startGrant } from './start_grant.js'
import { issueLogoutToken } from './tokens/logout_token.js'
import type { UserClaims } from './user_claims.js'

export const createTokenServiceHandlers = (parts: Parts, userClaims: UserClaims): Service<typeof TokenServiceService> =>
  defineService(TokenServiceService, {
    issueToken: (request, call) => issueToken(parts, request, call),

    async revokeToken(request, call) {
      await revokeToken(parts, request, call)
      return {}
    },

    startGrant: (request) => startGrant(parts, request),

    getUserClaims: ({ grantId }) => userClaims.of(grantId),

    async revokeGrants({ selector }, call) {
      return revokeGrants(parts, selector, call)
    },

    async revokeClientAccessTokens({ clientId }) {
      await parts.revocations.revokeClientTokens(clientId)
      return {}
    },

    inspectRefreshToken: ({ refreshToken }, call) => inspectRefreshToken(parts, refreshToken, call),

    async getGrantSession({ grantId }, call) {
      const grant = await parts.grants.find(grantId, call)
      if (!grant || grant.revokedAt !== null) throw new OAuthError('not_found', 'There is no such grant.')
      return { extJson: Buffer.from(grant.accessTokenClaims ?? '') }
    },

    async signLogoutToken(request, call) {
      return { logoutToken: await issueLogoutToken(parts, request, call) }
    },

    async purgeExpired({ notAfter }, { signal }) {
      const until = whileAwaited(purgeForMs, signal)
      return {
        deleted: (await parts.grants.purge(until, notAfter)) + (await parts.deviceCodes.purge(until, notAfter)),
      }
    },

    async getServerMetadata() {
      const current = parts.keys.keysOf(idTokenKeySet).filter(({ retiredAt }) => !retiredAt)
      const algs = [...new Set(current.map(({ alg }) => alg))].sort()
      return {
        metadata: {
          grant_types_supported: [...new Set([...Object.keys(grants), ...grantTypesOfResponses])],
          response_types_supported: Object.keys(responseTypes),
          id_token_signing_alg_values_supported: algs,
          userinfo_signing_alg_values_supported: ['none', ...algs],
          // Hydra's own names: SDKs that were generated from its OpenAPI document do not read discovery without them.
          id_token_signed_response_alg: algs,
          userinfo_signed_response_alg: algs,
        },
      }
    },
  })

/** What every grant type has in common; the rest is the grant type's own. Errors: RFC 6749 5.2. */
async function issueToken(parts: Parts, request: IssueTokenRequest, call: Call): Promise<IssueTokenResponse> {
  const { grantType, parameters, credentials } = request
  if (grantType === '') throw new OAuthError('invalid_request', 'The parameter grant_type is missing.')
  const grant = Object.hasOwn(grants, grantType) ? grants[grantType] : undefined
  if (!grant) throw new OAuthError('unsupported_grant_type')
  const { client, isPublic } = await parts.clients.authenticate(credentials, call)
  if (!client.grantTypes.includes(grantType))
    throw new OAuthError('unauthorized_client', 'The client may not use this grant type.')
  const parameter = (name: string): string => (Object.hasOwn(parameters, name) ? (parameters[name] ?? '') : '')
  return grant.issue(parts, { client, isPublic, parameter, call })
}

async function revokeGrants(
  parts: Parts,
  selector: RevokeGrantsRequest['selector'],
  call: Call,
): Promise<RevokedGrants> {
  const { revocations } = parts
  switch (selector?.$case) {
    case 'grantId':
      return { revoked: Number(await revocations.revokeGrant(selector.value)), pending: false }
    case 'subject':
      return revocations.revokeGrants({ by: 'subject', subject: selector.value }, call)
    case 'subjectAndClient':
      return revocations.revokeGrants({ by: 'subjectAndClient', ...selector.value }, call)
    case 'loginSessionId':
      return revocations.revokeGrants({ by: 'loginSession', loginSessionId: selector.value }, call)
    default:
      throw new OAuthError('invalid_request', 'The request does not say which grants.')
  }
}
