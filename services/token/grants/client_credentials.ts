// The client credentials grant (RFC 6749 4.4): a token for the client itself. Nothing is stored.
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../kit/oauth_error.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { mayHaveAudience, mayHaveScope } from '../allowed.js'
import type { TokenConfig } from '../config.js'
import { issueWithoutGrant } from '../issue_without_grant.js'
import { accessTokenLifespan } from '../lifespans.js'
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
    const about = { client, subject: client.clientId, hasEndUser: false, scope, audience, lifespan, payload: {} }
    return issueWithoutGrant(parts, { grantType: clientCredentials.name, ...about }, call)
  },
}

/** What is asked for, or where nothing is, what the configuration says. */
function scopeFor(config: TokenConfig, client: Client, requested: readonly string[]): readonly string[] {
  const allowed = splitWords(client.scope)
  if (requested.length === 0) return config.oauth2.client_credentials.default_grant_allowed_scope ? allowed : []
  if (!mayHaveScope(config, client, requested))
    throw new OAuthError('invalid_scope', 'The client may not ask for one of the scopes.')
  return requested
}
