// The response types of the authorization endpoint, by their names. A new one is one line here, and a file for a new part.
import { code } from './code.js'
import { idToken } from './id_token.js'
import type { ResponsePart, ResponseType } from './response_type.js'
import { token } from './token.js'

const typeOf = (...parts: readonly ResponsePart[]): ResponseType => ({
  name: parts
    .map(({ name }) => name)
    .sort()
    .join(' '),
  parts,
})

const types: readonly ResponseType[] = [
  typeOf(code),
  typeOf(token),
  typeOf(idToken),
  typeOf(token, idToken),
  typeOf(code, idToken),
  typeOf(code, token),
  typeOf(code, token, idToken),
]

export const responseTypes: Readonly<Record<string, ResponseType>> = Object.fromEntries(
  types.map((type) => [type.name, type]),
)

/** The grant types that clients register for them. */
export const grantTypesOfResponses: readonly string[] = [
  ...new Set(types.flatMap(({ parts }) => parts.map(({ grantType }) => grantType))),
]
