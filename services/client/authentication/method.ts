// What a client authentication method is (RFC 6749 section 2.3).
import type { ClientCredentials } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { ClientSecrets } from '../client_secret.js'
import type { Candidate } from '../store/client_store.js'

/** What a client showed of itself, taken out of its wrapping. */
export interface Shown {
  readonly clientId: string
  readonly proof: string
}

export interface AuthenticationContext {
  readonly secrets: ClientSecrets
}

export interface AuthenticationMethod {
  /** Its name in `token_endpoint_auth_method`. */
  readonly name: string
  /** Whether a client that uses it has a secret. */
  readonly usesSecret: boolean
  /** Whether what was good once is good again as long as the client does not change. */
  readonly isReusable: boolean
  /** What was shown by this method; undefined if it was not used. Error: `invalid_client` for what cannot be read. */
  readonly read: (credentials: ClientCredentials) => Shown | undefined
  /** Whether what was shown proves the candidate; a decoy is refused after the same work. */
  readonly verify: (shown: Shown, candidate: Candidate, context: AuthenticationContext) => Promise<boolean>
}

/** The one answer to whatever is wrong, so that it tells nothing; the cause is for the log. */
export const invalidClient = (cause: string, hint?: string): OAuthError =>
  new OAuthError(
    'invalid_client',
    'Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method).',
    { cause, ...(hint === undefined ? {} : { hint }) },
  )
