// What a request hears whose bearer token is missing or not good (RFC 6750 section 3).
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Context } from './endpoint.js'
import { realm } from './errors.js'

/** Adds the header field; a bad token has Hydra's name in the body. `more` goes into the field, as `, name="value"`. */
export function bearerChallenge(ctx: Context, error: OAuthError, more = ''): OAuthError {
  const { code, description, hint, cause } = error
  const told = code === 'request_unauthorized' ? '' : `, error="${code}", error_description="${description}"${more}`
  ctx.res.setHeader('WWW-Authenticate', `Bearer ${realm}${told}`)
  return code === 'invalid_token' ? new OAuthError('request_unauthorized', description, { hint, cause }) : error
}
