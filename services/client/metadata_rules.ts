// The rules that single values of the metadata are held against. A rule says what is wrong, or nothing.
import { maxUriBytes, partsOf, redirectUriProblem } from './redirect_uri.js'

/** What is wrong with a value, as the rest of a sentence; undefined if nothing is. */
export type Rule<T> = (value: T) => string | undefined

export const anything: Rule<unknown> = () => undefined

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlCharacter = /[\x00-\x1f\x7f-\x9f]/
const loneSurrogate = /\p{Surrogate}/u

/** One line of text: PostgreSQL and JSON can hold it, and it cannot forge a line of a log. */
export const text =
  (maxCharacters: number): Rule<string> =>
  (value) => {
    if (value.length > maxCharacters) return `is longer than ${maxCharacters} characters`
    if (controlCharacter.test(value)) return 'has a control character'
    if (loneSurrogate.test(value)) return 'is not valid Unicode'
    return undefined
  }

/** One word without spaces, of visible ASCII characters. */
export const word =
  (maxCharacters: number): Rule<string> =>
  (value) => {
    if (value === '') return 'is empty'
    if (value.length > maxCharacters) return `is longer than ${maxCharacters} characters`
    return /^[\x21-\x7e]+$/.test(value) ? undefined : 'has a character other than visible ASCII'
  }

export const oneOf =
  (...allowed: readonly string[]): Rule<string> =>
  (value) =>
    allowed.includes(value) ? undefined : `is none of ${allowed.filter((name) => name !== '').join(', ')}`

export const optional =
  (rule: Rule<string>): Rule<string> =>
  (value) =>
    value === '' ? undefined : rule(value)

export const list =
  (maxEntries: number, rule: Rule<string>): Rule<readonly string[]> =>
  (values) => {
    if (values.length > maxEntries) return `has more than ${maxEntries} entries`
    for (const [index, value] of values.entries()) {
      const problem = value === '' ? 'is empty' : rule(value)
      if (problem) return `entry ${index + 1} ${problem}`
    }
    return undefined
  }

/** Scope tokens (RFC 6749 section 3.3), separated by single spaces. */
export const scope: Rule<string> = (value) => {
  if (value.length > 8_192) return 'is longer than 8192 characters'
  return /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(value) ? undefined : 'is not a list of scopes'
}

/** A set of words (OAuth 2.0 Multiple Response Type Encoding Practices section 3). */
export const responseType: Rule<string> = (value) =>
  value.length <= 255 && /^[A-Za-z0-9_]+( [A-Za-z0-9_]+)*$/.test(value) ? undefined : 'is not a response type'

/** A link that is shown to people: nothing but a web page. */
export const webUri: Rule<string> = (value) => {
  if (Buffer.byteLength(value) > maxUriBytes) return `is longer than ${maxUriBytes} bytes`
  if (controlCharacter.test(value) || loneSurrogate.test(value) || /[\s\\]/.test(value)) return 'is not a URL'
  if (!/^https?:\/\/[^/?#]/i.test(value) || !URL.canParse(value)) return 'is not an http or https URL'
  const { username, password } = new URL(value)
  return username || password ? 'must not have user information' : undefined
}

/** An endpoint of the client that the server or the browser is sent to: https, or http on the loopback. */
export const endpointUri: Rule<string> = (value) => {
  const problem = redirectUriProblem(value)
  if (problem) return problem
  return /^https?$/.test(partsOf(value).scheme) ? undefined : 'must use https'
}

export const httpsUri: Rule<string> = (value) => {
  const problem = redirectUriProblem(value)
  if (problem) return problem
  return partsOf(value).scheme === 'https' ? undefined : 'must use https'
}

/** Where a request object may be fetched; its fragment can be the hash of the content (OIDC Core section 6.2). */
export const requestUri: Rule<string> = (value) => {
  const [uri = '', ...fragments] = value.split('#')
  if (fragments.length > 1 || !/^[\w-]*$/.test(fragments.join(''))) return 'has a fragment that is no hash'
  return endpointUri(uri)
}

/** Scheme, host and port, and nothing else (RFC 6454 section 6.2). */
export const origin: Rule<string> = (value) =>
  value.length <= 255 && originOf(value) === value ? undefined : 'is not an origin such as https://app.example'

/** The origin as browsers send it; undefined for what is none. */
export function originOf(value: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\*\s]+\/?$/i.test(value) || !/^[\x21-\x7e]+$/.test(value)) return undefined
  return URL.canParse(value) ? new URL(value).origin : undefined
}

const maxDepth = 32

/** Whatever JSON can say, within bounds and without what PostgreSQL cannot hold. */
export const json =
  (maxBytes: number): Rule<unknown> =>
  (value) => {
    if (value === undefined) return undefined
    const problem = jsonProblem(value, 0)
    if (problem) return problem
    return Buffer.byteLength(JSON.stringify(value)) > maxBytes ? `is larger than ${maxBytes} bytes as JSON` : undefined
  }

function jsonProblem(value: unknown, depth: number): string | undefined {
  if (depth > maxDepth) return `is nested deeper than ${maxDepth} levels`
  if (typeof value === 'string') return stringProblem(value)
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'has a number that JSON cannot say'
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const problem = stringProblem(name) ?? jsonProblem(member, depth + 1)
    if (problem) return problem
  }
  return undefined
}

function stringProblem(value: string): string | undefined {
  if (value.includes('\0')) return 'has a NUL character'
  return loneSurrogate.test(value) ? 'is not valid Unicode' : undefined
}
