// Lets a request through or says why not: Bearer tokens (RFC 6750), whatever the request came by.
import { type ActiveToken, IntrospectionUnavailable } from './decision.js'
import type { Introspector } from './introspector.js'

/** Whether the scopes of a token cover one that is needed. */
export type CoversScope = (granted: readonly string[], needed: string) => boolean

export interface Requirement {
  /** Scopes that a token must have, all of them. */
  readonly scope?: string | readonly string[]
  /** How scopes are compared; the same characters unless said otherwise. */
  readonly coversScope?: CoversScope
  /** Told to clients in `WWW-Authenticate`. */
  readonly realm?: string
}

/** Why a request is not let through. */
export interface Refusal {
  readonly error: '' | 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'temporarily_unavailable'
  readonly description: string
  readonly status: 400 | 401 | 403 | 503
  /** Header fields of the answer. */
  readonly headers: Readonly<Record<string, string>>
}

export type Verdict = { readonly token: ActiveToken } | { readonly refusal: Refusal }

const exact: CoversScope = (granted, needed) => granted.includes(needed)

/** `authorization` is the header field or the metadata of that name. Never rejects. */
export async function judge(
  introspector: Introspector,
  authorization: string | undefined,
  { scope = [], coversScope = exact, realm = '' }: Requirement,
): Promise<Verdict> {
  const refuse = (status: 400 | 401 | 403, error: Refusal['error'], description: string, more: string[] = []) => {
    const parameters = [
      ...(realm ? [`realm="${quote(realm)}"`] : []),
      ...(error ? [`error="${error}"`, `error_description="${description}"`] : []),
      ...more,
    ]
    const challenge = parameters.length > 0 ? `Bearer ${parameters.join(', ')}` : 'Bearer'
    return { refusal: { error, description, status, headers: { 'www-authenticate': challenge } } }
  }
  // RFC 6750 3.1: who shows nothing is told of no error.
  if (authorization === undefined || !/^Bearer\b/i.test(authorization)) return refuse(401, '', 'A token is needed.')
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization)?.[1]
  if (token === undefined) return refuse(400, 'invalid_request', 'The Authorization field is malformed.')
  const needed = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : scope
  try {
    const decision = await introspector.introspect(token)
    if (!decision.active) return refuse(401, 'invalid_token', 'The access token is not good, or no longer.')
    if (needed.every((word) => coversScope(decision.scope, word))) return { token: decision }
    const more = [`scope="${quote(needed.join(' '))}"`]
    return refuse(403, 'insufficient_scope', 'The access token has not every scope that is needed.', more)
  } catch (thrown) {
    return { refusal: unavailable(thrown) }
  }
}

function unavailable(thrown: unknown): Refusal {
  const retryAfter = thrown instanceof IntrospectionUnavailable ? thrown.retryAfter : 1
  return {
    error: 'temporarily_unavailable',
    description: 'Whether the token is good cannot be known at the moment.',
    status: 503,
    headers: { 'retry-after': String(retryAfter) },
  }
}

const quote = (text: string): string => text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
