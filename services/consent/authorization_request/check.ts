// What the checks of an authorization request work on.
import type { Client } from '#proto/client/v1/client_service.js'
import type { ScopeStrategy } from '../../kit/scope_strategy.js'
import type { IdTokenHint, IdTokenHints } from '../id_token_hint.js'
import type { ResponseMode } from './response_mode.js'

/** The parameters as they came. One without a value counts as not sent (RFC 6749 section 3.1). */
export interface Incoming {
  readonly parameters: Readonly<Record<string, string>>
  /** Names of parameters that came more than once though they may not. */
  readonly duplicates: readonly string[]
}

/** An authorization request whose client and redirect URI are known; each check adds what it found. */
export interface AuthorizationRequest extends Incoming {
  readonly client: Client
  readonly redirectUri: string
  /** The request named no redirect URI; it is the only one that the client has. */
  readonly redirectUriOmitted: boolean
  responseMode: ResponseMode
  scope: readonly string[]
  audience: readonly string[]
  prompt: readonly string[]
  /** Seconds since the end-user was authenticated, at most; undefined: any. */
  maxAge: number | undefined
  /** 32 bytes, or none. */
  codeChallenge: Buffer
  idTokenHint: IdTokenHint | undefined
}

/** What a request has before its checks. */
export const unchecked = {
  scope: [],
  audience: [],
  prompt: [],
  maxAge: undefined,
  codeChallenge: Buffer.alloc(0),
  idTokenHint: undefined,
} as const satisfies Partial<AuthorizationRequest>

export interface CheckContext {
  readonly scopeStrategy: ScopeStrategy
  readonly pkceEnforced: boolean
  readonly idTokenHints: IdTokenHints
}

/** Throws an OAuthError, which goes back to the client. */
export type Check = (request: AuthorizationRequest, context: CheckContext) => void | Promise<void>
