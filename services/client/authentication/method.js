import { OAuthError } from '../../kit/oauth_error.js'
/** The one answer to whatever is wrong, so that it tells nothing; the cause is for the log. */
export const invalidClient = (cause, hint) =>
  new OAuthError(
    'invalid_client',
    'Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method).',
    { cause, ...(hint === undefined ? {} : { hint }) },
  )
//# sourceMappingURL=method.js.map
