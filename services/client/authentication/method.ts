// What a client authentication method is (RFC 6749 section 2.3).
import type { ClientCredentials } from '#proto/client/v1/client_service.js'
import type { KeySets } from '../../kit/jwt/key_sets.js'
import { OAuthError } from '../../kit/oauth_error.js'
import type { ClientSecrets } from '../client_secret.js'
import type { Candidate, ClientStore } from '../store/client_store.js'

export interface AuthenticationContext {
  readonly store: ClientStore
  readonly secrets: ClientSecrets
  readonly keySets: KeySets
  /** Who an assertion may be meant for. */
  readonly audiences: readonly string[]
}

/** What a client showed of itself, taken out of its wrapping. */
export interface Shown {
  readonly clientId: string
  /** Whether it proves the candidate; a decoy is refused after the same work. Error: `invalid_client`. */
  readonly proves: (candidate: Candidate) => Promise<boolean>
  /** What can be done where it proves nothing; the same whether there is such a client or not. */
  readonly hint?: string
  /**
   * Uses it up; false where it was used before. Absent: what was good once is good again as long as the client does not
   * change.
   */
  readonly useUp?: () => Promise<boolean>
}

export interface AuthenticationMethod {
  /** Its name in `token_endpoint_auth_method`. */
  readonly name: string
  /** How the secret of a client that uses it is kept: as a hash, or so that it can be recovered. */
  readonly secret: 'none' | 'hashed' | 'sealed'
  /** Whether the client signs with a key of its own, which has to be registered. */
  readonly needsKeys: boolean
  /** The algorithms that the client can register in `token_endpoint_auth_signing_alg`. */
  readonly algorithms: readonly string[]
  /** What was shown by this method; undefined if it was not used. Error: `invalid_client` for what cannot be read. */
  readonly read: (credentials: ClientCredentials, context: AuthenticationContext) => Shown | undefined
}

/** The one answer to whatever is wrong, so that it tells nothing; the cause is for the log. */
export const invalidClient = (cause: string, hint?: string): OAuthError =>
  new OAuthError(
    'invalid_client',
    'Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method).',
    { cause, ...(hint === undefined ? {} : { hint }) },
  )
