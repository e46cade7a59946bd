// What a response type is (RFC 6749 3.1.1): one module that begins a grant and answers the authorization request with it.
import type { Client } from '#proto/client/v1/client_service.js'
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import type { Parts } from '../parts.js'

export interface ResponseType {
  /** The value of `response_type`, its words in alphabetical order. */
  readonly name: string
  /** The parameters of the authorization response, without `state` and `iss`. Error: `conflict`. */
  start(parts: Parts, client: Client, request: StartGrantRequest): Promise<Record<string, string>>
}
