// The response types of the authorization endpoint, by their names. A new one is one file and one line here.
import { code } from './code.js'
import type { ResponseType } from './response_type.js'

const types: readonly ResponseType[] = [code]

export const responseTypes: Readonly<Record<string, ResponseType>> = Object.fromEntries(
  types.map((type) => [type.name, type]),
)
