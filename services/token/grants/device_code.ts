// The device authorization grant (RFC 8628 sections 3.4 and 3.5): the device polls until its end-user has decided, and no
// faster than it may. What comes of the decision is a grant like any other, redeemed once by one conditional update.
import type { Client } from '#proto/client/v1/client_service.js'
import { nowSeconds } from '../../kit/clock.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Call } from '../../kit/rpc/contract.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { askBeforeRedemption } from '../hooks/hooks.js'
import { type Lifespans, lifespans } from '../lifespans.js'
import type { Parts } from '../parts.js'
import { readDeviceCode } from '../tokens/device_code.js'
import { finishIssue, prepareIssue } from '../tokens/grant_tokens.js'
import { mayRefresh } from '../tokens/refresh_token.js'
import type { GrantRequest, GrantType } from './grant_type.js'

export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code'

export const deviceCode: GrantType = {
  name: deviceCodeGrant,

  async issue(parts, request) {
    const { client, call } = request
    const grantId = await decidedGrant(parts, request)
    const issue = await prepareIssue(parts, client, lifespansOf(parts, client))
    const claims = await askBeforeRedemption(parts, deviceCodeGrant, grantId, request)
    const grant = await parts.grants.redeem({
      grantId,
      mayRefresh: mayRefresh(client),
      refreshLifespan: issue.lifespans.refreshToken ?? null,
      accessExpiresAt: issue.accessExpiresAt,
      accessTokenId: issue.rememberedTokenId,
      claims,
    })
    if (!grant) throw await explain(parts, grantId, call)
    return finishIssue(parts, issue, { grant, scope: splitWords(grant.scope), nonce: null })
  },
}

/** The grant that the end-user gave. Errors: RFC 8628 3.5. */
async function decidedGrant({ sealer, deviceCodes }: Parts, { client, parameter }: GrantRequest): Promise<string> {
  if (parameter('device_code') === '') throw new OAuthError('invalid_request', 'The parameter device_code is missing.')
  const code = readDeviceCode(sealer, parameter('device_code'), client)
  if (!code) throw new OAuthError('invalid_grant', 'The device code is not one of this client.')
  const poll = code.expiresAt > nowSeconds() ? await deviceCodes.poll(code.id) : undefined
  if (!poll) throw new OAuthError('expired_token')
  if (poll.allowed === null) throw new OAuthError(poll.isEarly ? 'slow_down' : 'authorization_pending')
  if (!poll.allowed || poll.flowId === null) throw new OAuthError('access_denied')
  return poll.flowId
}

function lifespansOf({ config }: Parts, { lifespans: own }: Client): Lifespans {
  return lifespans(config, {
    accessToken: own?.deviceAuthorizationGrantAccessToken,
    idToken: own?.deviceAuthorizationGrantIdToken,
    refreshToken: own?.deviceAuthorizationGrantRefreshToken,
  })
}

/** Why what the end-user allowed could not be redeemed. A device that asks twice may have lost an answer: no theft. */
async function explain(parts: Parts, grantId: string, call: Call): Promise<OAuthError> {
  const grant = await parts.grants.find(grantId, call)
  if (grant && grant.generation > 0) return new OAuthError('invalid_grant', 'The device code was used before.')
  return new OAuthError(grant?.revokedAt === null ? 'expired_token' : 'access_denied')
}
