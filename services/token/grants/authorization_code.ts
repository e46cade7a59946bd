// The authorization code grant (RFC 6749 4.1.3, RFC 7636 4.5): a code is redeemed once, by one conditional update. Whoever
// could not have redeemed it leaves everything as it was; a second redemption that is otherwise right ends the grant
// (RFC 6749 4.1.2).
import type { Client } from '#proto/client/v1/client_service.js'
import { nowSeconds } from '../../kit/clock.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Call } from '../../kit/rpc/contract.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { askBeforeRedemption } from '../hooks/hooks.js'
import { type Lifespans, lifespans } from '../lifespans.js'
import type { Parts } from '../parts.js'
import { challengeOf, type ReceivedCode, readCode } from '../tokens/authorization_code.js'
import { finishIssue, prepareIssue } from '../tokens/grant_tokens.js'
import { mayRefresh } from '../tokens/refresh_token.js'
import type { GrantRequest, GrantType } from './grant_type.js'

export const authorizationCode: GrantType = {
  name: 'authorization_code',

  async issue(parts, request) {
    const { client, call } = request
    const code = receiveCode(parts, request)
    const issue = await prepareIssue(parts, client, lifespansOf(parts, client))
    const claims = await askBeforeRedemption(parts, authorizationCode.name, code.grantId, request)
    const grant = await parts.grants.redeem({
      grantId: code.grantId,
      mayRefresh: mayRefresh(client),
      refreshLifespan: issue.lifespans.refreshToken ?? null,
      accessExpiresAt: issue.accessExpiresAt,
      accessTokenId: issue.rememberedTokenId,
      claims,
    })
    if (!grant) throw await explain(parts, code.grantId, call)
    return finishIssue(parts, issue, { grant, scope: splitWords(grant.scope), nonce: grant.nonce })
  },
}

/** A code that this client may redeem, if it still can be redeemed. */
function receiveCode(parts: Parts, { client, parameter }: GrantRequest): ReceivedCode {
  if (parameter('code') === '') throw new OAuthError('invalid_request', 'The parameter code is missing.')
  const code = readCode(parts.sealer, parameter('code'))
  const isIts = code !== undefined && isFor(code, client, parameter('redirect_uri'), parameter('code_verifier'))
  if (!isIts)
    throw new OAuthError('invalid_grant', 'The code is not one for this client, redirect_uri and code_verifier.', {
      hint: 'All three must belong to the authorization request that the code was issued for.',
    })
  if (code.expiresAt <= nowSeconds()) throw new OAuthError('invalid_grant', 'The authorization code has expired.')
  return code
}

function isFor(code: ReceivedCode, client: Client, redirectUri: string, verifier: string): boolean {
  const { clientId, registrationId } = client
  const codeChallenge = challengeOf(verifier)
  if (!codeChallenge) return false
  // An authorization request without redirect_uri asks for none here (RFC 6749 4.1.3), and some clients send it anyway.
  return [...new Set([redirectUri, ''])].some((uri) =>
    code.isFor({ clientId, registrationId, redirectUri: uri, codeChallenge }),
  )
}

function lifespansOf({ config }: Parts, { lifespans: own }: Client): Lifespans {
  return lifespans(config, {
    accessToken: own?.authorizationCodeGrantAccessToken,
    idToken: own?.authorizationCodeGrantIdToken,
    refreshToken: own?.authorizationCodeGrantRefreshToken,
  })
}

/** Why a code that was right could not be redeemed. If because it was before, all that came of it ends. */
async function explain(parts: Parts, grantId: string, call: Call): Promise<OAuthError> {
  const grant = await parts.grants.find(grantId, call)
  const wasRedeemed = grant !== null && grant.generation > 0
  if (wasRedeemed && grant.revokedAt === null) await parts.revocations.revokeGrant(grantId)
  return new OAuthError(
    'invalid_grant',
    wasRedeemed ? 'The authorization code was used before.' : 'The authorization code has expired or was revoked.',
  )
}
