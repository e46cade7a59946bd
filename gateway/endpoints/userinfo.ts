// The userinfo endpoint: OpenID Connect Core section 5.3, with the errors of RFC 6750 section 3.
import { IntrospectRequest } from '#proto/introspection/v1/introspection_service.js'
import type { GetUserClaimsResponse } from '#proto/token/v1/token_service.js'
import { kindOf, OAuthError } from '../../services/kit/oauth_error.js'
import { sendJwt, sendTokenJson } from '../http/answer.js'
import { bearerChallenge } from '../http/bearer_challenge.js'
import { hasForm, readForm } from '../http/body.js'
import { shownById } from '../http/cors.js'
import { bearerTokenOf } from '../http/credentials.js'
import type { Context, Endpoint, Parts } from '../http/endpoint.js'

/** The statuses of RFC 6750 section 3.1. */
const bearerErrors: readonly number[] = [400, 401, 403]

export function userinfo(parts: Parts): Endpoint {
  return async (ctx) => {
    try {
      const { claims, signedClaims } = await readClaims(ctx, parts)
      if (signedClaims) sendJwt(ctx, signedClaims)
      else sendTokenJson(ctx, claims)
    } catch (thrown) {
      throw challenge(ctx, thrown)
    }
  }
}

async function readClaims(ctx: Context, { services }: Parts): Promise<GetUserClaimsResponse> {
  const token = await readToken(ctx)
  const { call } = ctx.state
  const request = IntrospectRequest.create({ token, tokenTypeHint: 'access_token' })
  const { active, tokenUse, scope, grantId, clientId } = await services.introspection.introspect(request, call)
  if (!active || tokenUse !== 'access_token') throw new OAuthError('invalid_token')
  ctx.state.shownBy = shownById(clientId)
  if (!scope.split(' ').includes('openid'))
    throw new OAuthError('insufficient_scope', "The access token lacks the scope 'openid'.")
  if (!grantId) throw new OAuthError('invalid_token', 'The access token was issued without an end-user.')
  return services.tokens.getUserClaims({ grantId }, call)
}

/** The token from one place: the header field or the form (RFC 6750 sections 2.1 and 2.2), never the URL. */
async function readToken(ctx: Context): Promise<string> {
  const form = ctx.method === 'POST' && hasForm(ctx) ? await readForm(ctx) : {}
  const header = bearerTokenOf(ctx)
  if (header !== undefined && form.access_token !== undefined)
    throw new OAuthError('invalid_request', 'The access token was sent in more than one place.')
  const token = header ?? form.access_token
  if (token === undefined) throw new OAuthError('request_unauthorized', 'The request has no access token.')
  return token
}

/** Adds the header field of RFC 6750 section 3. */
function challenge(ctx: Context, thrown: unknown): unknown {
  if (!(thrown instanceof OAuthError) || !bearerErrors.includes(kindOf(thrown.code).http)) return thrown
  return bearerChallenge(ctx, thrown, thrown.code === 'insufficient_scope' ? ', scope="openid"' : '')
}
