// Stores a grant as one row, and puts together what the authorization request is answered with (RFC 6749 4.1.2 and 4.2.2).
import type { Client } from '#proto/client/v1/client_service.js'
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { TokenConfig } from './config.js'
import { accessTokenLifespan, type Lifespans, lifespans } from './lifespans.js'
import { longestLifespan, newGrant } from './new_grant.js'
import type { Parts } from './parts.js'
import type { ResponseType } from './response_types/response_type.js'
import type { GrantContent, NewGrant } from './store/grant_store.js'
import { type Issue, newIssue, prepareIssue } from './tokens/grant_tokens.js'

/** The parameters of the authorization response, without `state` and `iss`. Errors: `access_denied`, `conflict`. */
export async function beginGrant(
  parts: Parts,
  client: Client,
  type: ResponseType,
  request: StartGrantRequest,
): Promise<Record<string, string>> {
  const { config, grants } = parts
  const needsKeys = has(type, 'token') || has(type, 'id_token')
  const issue = await (needsKeys ? prepareIssue : newIssue)(parts, client, lifespansOf(config, client))
  const row = newGrant(config, request, {
    codeLifespan: has(type, 'code') ? config.ttl.auth_code : 0,
    purgeAfter: purgeAfter(config, client, type, request.scope),
    accessExpiresAt: has(type, 'token') ? issue.accessExpiresAt : null,
  })
  const beginning = { request, grant: contentOf(row, issue), issue }
  let parameters: Record<string, string> = {}
  for (const part of type.parts) parameters = { ...parameters, ...(await part.answer(parts, beginning, parameters)) }
  // Last, so that no row is there for what could not be answered.
  if (!(await grants.insert(row))) throw new OAuthError('conflict', 'The grant was begun before.')
  return parameters
}

const has = ({ parts }: ResponseType, name: string): boolean => parts.some((part) => part.name === name)

/** What is issued here lives as the implicit grant says. */
function lifespansOf(config: TokenConfig, { lifespans: own }: Client): Lifespans {
  const { implicitGrantAccessToken: accessToken, implicitGrantIdToken: idToken } = own ?? {}
  return lifespans(config, { accessToken, idToken, refreshToken: undefined })
}

/** The grant as tokens are to tell of it, before it is a row. */
const contentOf = (row: NewGrant, { issuedAt }: Issue): GrantContent => ({
  ...row,
  authenticatedAt: asDate(row.authenticatedAt),
  requestedAt: asDate(row.requestedAt),
  absoluteExpiresAt: asDate(row.absoluteLifespan && issuedAt + row.absoluteLifespan),
})

const asDate = (seconds: number | null): Date | null => (seconds === null ? null : new Date(seconds * 1_000))

/**
 * When the row is first looked at: when all that the answer can give has expired, so that the usual grant is looked at once.
 * Not before the flow that led here is over, so that its verifier finds the grant begun.
 */
function purgeAfter(config: TokenConfig, client: Client, type: ResponseType, scope: readonly string[]): number {
  const { ttl } = config
  const own = client.lifespans
  const { authorizationCodeGrantAccessToken, authorizationCodeGrantRefreshToken } = own ?? {}
  const longest = longestLifespan(config, scope, authorizationCodeGrantAccessToken, authorizationCodeGrantRefreshToken)
  const ofCode = has(type, 'code') ? ttl.auth_code + longest : 0
  const ofToken = has(type, 'token') ? accessTokenLifespan(config, own?.implicitGrantAccessToken) : 0
  return Math.max(ofCode, ofToken, ttl.login_consent_request)
}
