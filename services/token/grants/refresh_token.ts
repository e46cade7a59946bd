// The refresh token grant (RFC 6749 6, RFC 9700 4.14.2): each use gives a successor, by one conditional update. A retry
// inside the grace period gets the same successor; any other use of an earlier token, by a client that could have used it,
// is theft and ends the grant.
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { Call } from '../../kit/rpc/contract.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { mayHaveAudience, mayHaveScope } from '../allowed.js'
import type { SessionClaims } from '../hooks/hook.js'
import { type Lifespans, lifespans } from '../lifespans.js'
import type { Parts } from '../parts.js'
import type { Grant, Rotation } from '../store/grant_store.js'
import { finishIssue, prepareIssue } from '../tokens/grant_tokens.js'
import { decodeRefreshToken, type RefreshToken, refreshTokenGrant } from '../tokens/refresh_token.js'
import type { GrantType } from './grant_type.js'

export const refreshToken: GrantType = {
  name: refreshTokenGrant,

  async issue(parts, { client, parameter, call }) {
    if (parameter('refresh_token') === '')
      throw new OAuthError('invalid_request', 'The parameter refresh_token is missing.')
    const token = decodeRefreshToken(parts.sealer, parameter('refresh_token'))
    if (!token) throw new OAuthError('invalid_grant', 'The refresh token is not one of this server.')
    const scope = splitWords(parameter('scope'))
    const claims = await lookFirst(parts, client, token, scope, call)
    const issue = await prepareIssue(parts, client, lifespansOf(parts, client))
    const rotation: Rotation = {
      grantId: token.grantId,
      generation: token.generation,
      clientId: client.clientId,
      registrationId: client.registrationId,
      scope: scope.join(' '),
      refreshLifespan: issue.lifespans.refreshToken ?? null,
      accessExpiresAt: issue.accessExpiresAt,
      accessTokenId: issue.rememberedTokenId,
      claims,
    }
    const grant = await parts.grants.rotate(rotation)
    if (!grant) throw await explain(parts, rotation, call)
    // The access token may be good for less; the grant, and so its refresh token, keeps what was granted.
    return finishIssue(parts, issue, { grant, scope: scope.length > 0 ? scope : splitWords(grant.scope), nonce: null })
  },
}

function lifespansOf({ config }: Parts, { lifespans: own }: Client): Lifespans {
  return lifespans(config, {
    accessToken: own?.refreshTokenGrantAccessToken,
    idToken: own?.refreshTokenGrantIdToken,
    refreshToken: own?.refreshTokenGrantRefreshToken,
  })
}

/**
 * What has to be known of the grant before it is changed; nothing in the usual case. A client that changed since the token
 * was issued may no longer have all that was granted to it. Hooks are asked, where there are any. And where a refresh revokes
 * the access token before it, that is done first: after a failure in between, the client is without an access token, and not
 * a thief with one. Returns the claims that the hooks give.
 */
async function lookFirst(
  parts: Parts,
  client: Client,
  token: RefreshToken,
  requestedScope: readonly string[],
  call: Call,
): Promise<SessionClaims | undefined> {
  const { config, grants, revocations, hooks } = parts
  const isClientChanged = token.clientRevision !== client.revision
  const doesRevoke = config.oauth2.grant.refresh_token.revoke_access_tokens
  const doesAsk = hooks.areSetFor(refreshTokenGrant)
  if (!isClientChanged && !doesRevoke && !doesAsk) return undefined
  const grant = await grants.find(token.grantId, call)
  if (!grant || !isUsable(grant, client)) return undefined
  if (isClientChanged && !isStillAllowed(parts, client, grant))
    throw new OAuthError('invalid_scope', 'The client may no longer have the scopes or audiences that were granted.')
  const isRecent = grant.generation - token.generation <= 1
  const claims = doesAsk && isRecent ? await askHooks(parts, client, grant, requestedScope, call) : undefined
  const isCurrent = grant.generation === token.generation
  if (doesRevoke && isCurrent && grant.accessTokenId !== null && grant.accessExpiresAt !== null)
    await revocations.revokeToken(grant.accessTokenId, Math.ceil(grant.accessExpiresAt.getTime() / 1_000))
  return claims
}

const askHooks = ({ hooks }: Parts, client: Client, grant: Grant, scope: readonly string[], call: Call) =>
  hooks.askOfGrant(
    { grantType: refreshTokenGrant, client, grant, requestedScope: scope.length > 0 ? scope : splitWords(grant.scope) },
    call,
  )

const isUsable = (grant: Grant, client: Client): boolean =>
  grant.clientId === client.clientId && grant.registrationId === client.registrationId && grant.revokedAt === null

const isStillAllowed = ({ config }: Parts, client: Client, { scope, audience }: Grant): boolean =>
  mayHaveScope(config, client, splitWords(scope)) && mayHaveAudience(client, splitWords(audience ?? ''))

/** Why a token of this server could not be used. If because it was before, the grant ends. */
async function explain(parts: Parts, rotation: Rotation, call: Call): Promise<OAuthError> {
  const grant = await parts.grants.find(rotation.grantId, call)
  const isTheirs = grant?.clientId === rotation.clientId && grant.registrationId === rotation.registrationId
  if (!isTheirs) return new OAuthError('invalid_grant', 'The refresh token was not issued to this client.')
  const granted = splitWords(grant.scope)
  if (!splitWords(rotation.scope).every((scope) => granted.includes(scope)))
    return new OAuthError('invalid_scope', 'The scope is wider than what was granted.')
  if (grant.revokedAt !== null) return new OAuthError('invalid_grant', 'The refresh token was revoked.')
  // A token of the present generation that could not be used can only have run out of time.
  if (grant.generation <= rotation.generation) return new OAuthError('invalid_grant', 'The refresh token has expired.')
  await parts.revocations.revokeGrant(grant.id)
  return new OAuthError('invalid_grant', 'The refresh token was used before.')
}
