// The client credentials grant (RFC 6749 4.4): a token for the client itself. Nothing is stored.
import type { Client } from '#proto/client/v1/client_service.js'
import { nowSeconds } from '../../kit/clock.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { newTimedId } from '../../kit/random.js'
import type { Call } from '../../kit/rpc/contract.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { mayHaveAudience, mayHaveScope } from '../allowed.js'
import type { TokenConfig } from '../config.js'
import { accessTokenLifespan } from '../lifespans.js'
import type { Parts } from '../parts.js'
import { strategyOf } from '../tokens/access_token.js'
import type { GrantType } from './grant_type.js'

export const clientCredentials: GrantType = {
  name: 'client_credentials',

  async issue(parts, { client, isPublic, parameter, call }) {
    if (isPublic) throw new OAuthError('unauthorized_client', 'A public client has no credentials to show.')
    const scope = scopeFor(parts.config, client, splitWords(parameter('scope')))
    const audience = splitWords(parameter('audience'))
    if (!mayHaveAudience(client, audience))
      throw new OAuthError('invalid_request', 'The client may not ask for one of the audiences.')
    const lifespan = accessTokenLifespan(parts.config, client.lifespans?.clientCredentialsGrantAccessToken)
    const strategy = strategyOf(client, parts)
    await strategy.prepare(parts, lifespan)
    const sessionClaims = await askHooks(parts, client, scope, audience, call)
    const issuedAt = nowSeconds()
    const accessToken = await strategy.issue(parts, {
      tokenId: newTimedId(),
      grantId: '',
      clientId: client.clientId,
      registrationId: client.registrationId,
      subject: client.clientId,
      obfuscatedSubject: '',
      scope: scope.join(' '),
      audience,
      issuedAt,
      expiresAt: issuedAt + lifespan,
      sessionClaims,
      hasEndUser: false,
    })
    const answer = { accessToken, tokenType: 'bearer', expiresIn: lifespan, scope: scope.join(' ') }
    return { ...answer, refreshToken: '', idToken: '' }
  },
}

/** Bytes of claims that a token may carry which has no grant to refer to. */
const maxCarried = 4_096

/** The claims that the hooks give, as JSON; empty if none. */
async function askHooks(
  { config, hooks }: Parts,
  client: Client,
  scope: readonly string[],
  audience: readonly string[],
  call: Call,
): Promise<string> {
  const grantType = clientCredentials.name
  if (!hooks.areSetFor(grantType)) return ''
  const { clientId: subject } = client
  const idTokenClaims = { iss: config.issuer, sub: subject, aud: [subject] }
  const session = { accessToken: null, idToken: null }
  const about = { grantType, client, subject, requestedScope: scope, scope, audience, session, idTokenClaims }
  const claims = (await hooks.ask({ ...about, payload: {} }, call))?.accessToken ?? ''
  if (Buffer.byteLength(claims) > maxCarried)
    throw new OAuthError('hook_failed', `The token hook gave claims of more than ${maxCarried} bytes.`)
  return claims
}

/** What is asked for, or where nothing is, what the configuration says. */
function scopeFor(config: TokenConfig, client: Client, requested: readonly string[]): readonly string[] {
  const allowed = splitWords(client.scope)
  if (requested.length === 0) return config.oauth2.client_credentials.default_grant_allowed_scope ? allowed : []
  if (!mayHaveScope(config, client, requested))
    throw new OAuthError('invalid_scope', 'The client may not ask for one of the scopes.')
  return requested
}
