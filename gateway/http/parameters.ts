// Parameters of a query or a form (application/x-www-form-urlencoded), read strictly: RFC 6749 sections 3.1, 3.2 and
// appendix B. No parameter may come twice; one without a value counts as not sent.
import { OAuthError } from '../../services/kit/oauth_error.js'

export interface Parameters {
  /** By name, in an object without a prototype. What came twice, and what has no value, is not among them. */
  readonly values: Record<string, string>
  /** Names that came more than once. */
  readonly duplicates: readonly string[]
}

const maxParameters = 1_000

/** Parameters that may be repeated: Hydra's audience, and RFC 8707 section 2. */
const repeatable: ReadonlySet<string> = new Set(['audience', 'resource'])

/** Reads the parameters of all the texts as one request. */
export function parseParameters(...texts: readonly string[]): Parameters {
  const values: Record<string, string> = Object.create(null)
  const names = new Map<string, string>()
  const duplicates = new Set<string>()
  let count = 0
  for (const text of texts) {
    if (text === '') continue
    for (const pair of text.split('&')) {
      if (pair === '') continue
      if (++count > maxParameters) throw new OAuthError('invalid_request', 'The request has too many parameters.')
      const equals = pair.indexOf('=')
      const name = decode(equals < 0 ? pair : pair.slice(0, equals))
      const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
      take(name, value, values, names, duplicates)
    }
  }
  return { values, duplicates: [...duplicates] }
}

/** The parameters of a request where none may come twice. */
export function parseUnique(...texts: readonly string[]): Record<string, string> {
  const { values, duplicates } = parseParameters(...texts)
  const [duplicate] = duplicates
  if (duplicate === undefined) return values
  throw new OAuthError('invalid_request', `The parameter '${duplicate.slice(0, 64)}' was sent more than once.`)
}

function take(
  name: string,
  value: string,
  values: Record<string, string>,
  names: Map<string, string>,
  duplicates: Set<string>,
): void {
  // `A` beside `a` may be read as the same by somebody else, so it counts as that.
  const key = name.toLowerCase()
  const known = names.get(key)
  if (known === undefined) {
    names.set(key, name)
    if (value !== '') values[name] = value
  } else if (repeatable.has(name)) {
    if (value !== '') values[name] = values[name] ? `${values[name]} ${value}` : value
  } else {
    duplicates.add(known)
    delete values[known]
  }
}

function decode(text: string): string {
  const decoded = /[%+]/.test(text) ? decodeEscapes(text.replaceAll('+', ' ')) : text
  if (decoded.includes('\0')) throw new OAuthError('invalid_request', 'A parameter contains the character NUL.')
  return decoded
}

function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new OAuthError('invalid_request', 'A parameter is not valid percent-encoded UTF-8.', { cause })
  }
}
