// Finds the endpoint of a path: exact paths by one look-up, the few with a variable segment by comparing segments.
import type { Endpoint, Parts, Route } from './endpoint.js'

export interface Place {
  /** By method; HEAD is answered as GET. */
  readonly endpoints: Map<string, Endpoint>
  /** The value of the header field `Allow`. */
  readonly allow: string
  readonly cors: boolean
  readonly page: boolean
  readonly open: boolean
}

export interface Found {
  readonly place: Place
  readonly params: Readonly<Record<string, string>>
}

interface Pattern {
  readonly segments: readonly string[]
  readonly place: Place
}

const noParams: Found['params'] = Object.freeze({})
const prefix = '/admin/'

export class Router {
  readonly #exact = new Map<string, Found>()
  readonly #patterns: Pattern[] = []

  /** `allowsCors`: which routes pages of other origins may call. */
  constructor(routes: readonly Route[], parts: Parts, allowsCors: (route: Route) => boolean) {
    for (const path of new Set(routes.map((route) => route.path))) {
      const place = placeOf(
        routes.filter((route) => route.path === path),
        parts,
        allowsCors,
      )
      this.#add(path, place)
      if (path.startsWith(prefix)) this.#add(path.slice(prefix.length - 1), place)
    }
  }

  /** The place at exactly this path; nothing is normalised. */
  find(path: string): Found | undefined {
    return this.#exact.get(path) ?? this.#match(path)
  }

  #add(path: string, place: Place): void {
    if (path.includes('{')) this.#patterns.push({ segments: path.split('/'), place })
    else this.#exact.set(path, { place, params: noParams })
  }

  #match(path: string): Found | undefined {
    if (this.#patterns.length === 0) return undefined
    const segments = path.split('/')
    for (const { segments: expected, place } of this.#patterns) {
      if (expected.length !== segments.length) continue
      const params = matchSegments(expected, segments)
      if (params) return { place, params }
    }
    return undefined
  }
}

function matchSegments(expected: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (const [index, part] of expected.entries()) {
    const segment = segments[index] ?? ''
    if (!part.startsWith('{')) {
      if (part !== segment) return undefined
      continue
    }
    const value = decodeSegment(segment)
    if (!value) return undefined
    params[part.slice(1, -1)] = value
  }
  return params
}

function decodeSegment(segment: string): string | undefined {
  try {
    const decoded = decodeURIComponent(segment)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}

function placeOf(routes: readonly Route[], parts: Parts, allowsCors: (route: Route) => boolean): Place {
  const endpoints = new Map<string, Endpoint>()
  for (const route of routes) {
    const endpoint = route.endpoint(parts)
    for (const method of route.methods) endpoints.set(method, endpoint)
  }
  const get = endpoints.get('GET')
  if (get) endpoints.set('HEAD', get)
  const cors = routes.some(allowsCors)
  return {
    endpoints,
    cors,
    page: routes.some((route) => route.page),
    open: routes.some((route) => route.open),
    allow: [...endpoints.keys(), ...(cors ? ['OPTIONS'] : [])].join(', '),
  }
}
