// Reads the members of a JSON object, each as the type it must have. What is absent or null has the type's empty value;
// an object where a text belongs is refused here and never reaches a service.
import { OAuthError, type OAuthErrorCode } from '../../services/kit/oauth_error.js'

export type Json = Readonly<Record<string, unknown>>

const maxUint32 = 0xffff_ffff
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export class JsonObject {
  readonly #members: Json
  readonly #errorCode: OAuthErrorCode

  /** `errorCode` is what a bad member is refused with. */
  constructor(value: unknown, errorCode: OAuthErrorCode = 'invalid_request') {
    if (!isObject(value)) throw new OAuthError('invalid_request', 'The body of the request must be a JSON object.')
    this.#members = value
    this.#errorCode = errorCode
  }

  text(name: string): string {
    const value = this.#get(name) ?? ''
    return typeof value === 'string' ? value : this.#refuse(name, 'a string')
  }

  texts(name: string): string[] {
    const value = this.#get(name) ?? []
    const isList = Array.isArray(value) && value.every((element) => typeof element === 'string')
    return isList ? value : this.#refuse(name, 'an array of strings')
  }

  flag(name: string): boolean {
    const value = this.#get(name) ?? false
    return typeof value === 'boolean' ? value : this.#refuse(name, 'a boolean')
  }

  /** A whole number of at least 0; what is larger than fits counts as the largest. */
  count(name: string): number {
    const value = this.#get(name) ?? 0
    const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0
    return isCount ? Math.min(value, maxUint32) : this.#refuse(name, 'a whole number of at least 0')
  }

  object(name: string): Record<string, unknown> | undefined {
    const value = this.#get(name)
    if (value === undefined) return undefined
    return isObject(value) ? value : this.#refuse(name, 'an object')
  }

  /** A time (RFC 3339); undefined if absent. So is the year 1, which is what Go has where nothing was set. */
  time(name: string): Date | undefined {
    const text = this.text(name)
    if (text === '') return undefined
    const time = new Date(rfc3339.test(text) ? text : Number.NaN)
    if (Number.isNaN(time.getTime())) return this.#refuse(name, 'a time such as 2026-01-02T03:04:05Z')
    return time.getUTCFullYear() <= 1 ? undefined : time
  }

  /** A duration in seconds; undefined if absent. */
  duration(name: string, parse: (text: string) => number | undefined): number | undefined {
    const text = this.text(name)
    if (text === '') return undefined
    const seconds = Math.floor(parse(text) ?? -1)
    return seconds >= 1 && seconds <= maxUint32 ? seconds : this.#refuse(name, 'a duration such as 1h30m')
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined
  }

  #refuse(name: string, expected: string): never {
    throw new OAuthError(this.#errorCode, `The member '${name}' must be ${expected}.`)
  }
}
