// What a response type is (RFC 6749 3.1.1, OAuth 2.0 Multiple Response Types 3 and 5): a set of parts, each of them one
// module that adds to the answer to an authorization request.
import type { StartGrantRequest } from '#proto/token/v1/token_service.js'
import type { Parts } from '../parts.js'
import type { GrantContent } from '../store/grant_store.js'
import type { Issue } from '../tokens/grant_tokens.js'

/** A grant that is about to begin. */
export interface Beginning {
  readonly request: StartGrantRequest
  readonly grant: GrantContent
  readonly issue: Issue
}

export interface ResponsePart {
  /** Its word in `response_type`. */
  readonly name: string
  /** The grant type that a client registers for it (OpenID Connect Registration 2). */
  readonly grantType: string
  /** Adds its parameters to those of the parts before it. */
  answer(
    parts: Parts,
    beginning: Beginning,
    before: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>> | Record<string, string>
}

export interface ResponseType {
  /** The value of `response_type`, its words in alphabetical order. */
  readonly name: string
  /** What is hashed into an ID token comes before it. */
  readonly parts: readonly ResponsePart[]
}
