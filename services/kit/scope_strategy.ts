// How a requested scope is compared with the scopes that are allowed: the strategies of `strategies.scope` (RFC 6749 3.3
// leaves it to the server).

/** Whether one of the allowed scopes covers the requested one. */
export type ScopeStrategy = (allowed: readonly string[], requested: string) => boolean

/** The same characters in the same case. */
const exact: ScopeStrategy = (allowed, requested) => allowed.includes(requested)

/** `*` stands for one segment between dots; at the end, for one or more: `photos.*` covers `photos.read`, not `photos`. */
const wildcard: ScopeStrategy = (allowed, requested) => {
  if (allowed.includes(requested)) return true
  const segments = requested.split('.')
  return allowed.some((pattern) => pattern.includes('*') && matchesPattern(pattern.split('.'), segments))
}

function matchesPattern(pattern: readonly string[], segments: readonly string[]): boolean {
  const isOpenEnded = pattern.at(-1) === '*'
  if (isOpenEnded ? pattern.length > segments.length : pattern.length !== segments.length) return false
  return segments.every((segment, index) => {
    const expected = pattern[index] ?? '*'
    return expected === '*' ? segment !== '' : expected === segment
  })
}

/** A scope covers what lies below it: `photos` covers `photos.read`. */
const hierarchic: ScopeStrategy = (allowed, requested) =>
  allowed.some((scope) => scope === requested || (scope !== '' && requested.startsWith(`${scope}.`)))

/** By their names in `strategies.scope`. */
export const scopeStrategies = {
  exact,
  wildcard,
  DEPRECATED_HIERARCHICAL_SCOPE_STRATEGY: hierarchic,
} as const satisfies Record<string, ScopeStrategy>

/** The words of a list that is separated by spaces (RFC 6749 3.3), each once, in their order. */
export function splitWords(text: string): string[] {
  // Most are empty or one word, at which no set need be made.
  if (!text.includes(' ')) return text === '' ? [] : [text]
  return [...new Set(text.split(' ').filter((word) => word !== ''))]
}

/** The scopes that ask for a refresh token: OpenID Connect Core 11, and Hydra's shorter name. */
export const asksForRefreshToken = (scope: readonly string[]): boolean =>
  scope.includes('offline_access') || scope.includes('offline')
