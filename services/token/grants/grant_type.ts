// What a grant type is (RFC 6749 4): one module that answers the token endpoint for it. The client was authenticated, and
// may use the grant type, before it is asked.
import type { Client } from '#proto/client/v1/client_service.js'
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import type { Call } from '../../kit/rpc/contract.js'
import type { Parts } from '../parts.js'

export interface GrantRequest {
  readonly client: Client
  /** The client was identified and not authenticated. */
  readonly isPublic: boolean
  /** The value of a parameter; empty if it was not sent. */
  readonly parameter: (name: string) => string
  readonly call: Call
}

export interface GrantType {
  /** The value of `grant_type`. */
  readonly name: string
  issue(parts: Parts, request: GrantRequest): Promise<IssueTokenResponse>
}
