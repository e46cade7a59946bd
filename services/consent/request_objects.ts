// Authorization requests as JWTs, by value or by reference: `request` and `request_uri` (RFC 9101, OpenID Connect Core
// section 6). What the object says is the request; what stands beside it in the URL, where anybody could have put it,
// counts for nothing.
import type { Client } from '#proto/client/v1/client_service.js'
import { checkTimes } from '../kit/jwt/claims.js'
import type { KeySets } from '../kit/jwt/key_sets.js'
import { signatureAlgorithms } from '../kit/jwt/signature.js'
import { type Claims, JwtError, readSignedJwt } from '../kit/jwt/signed_jwt.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Incoming } from './authorization_request/check.js'
import type { RequestUris } from './request_uris.js'

export const requestObjectAlgorithms: readonly string[] = ['none', ...signatureAlgorithms]

/** RFC 9101 section 10.8; many libraries say no more than that it is a JWT. */
const types = ['oauth-authz-req+jwt', 'jwt']

/** Claims of the JWT itself, which are no parameters (RFC 7519 section 4.1). */
const ofTheJwt = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub'])

export class RequestObjects {
  readonly #keySets: KeySets
  readonly #requestUris: RequestUris
  readonly #issuer: string

  constructor(keySets: KeySets, requestUris: RequestUris, issuer: string) {
    this.#keySets = keySets
    this.#requestUris = requestUris
    this.#issuer = issuer
  }

  /** The request that counts. Errors: `invalid_request`, `invalid_request_object`, `invalid_request_uri`. */
  async open(client: Client, incoming: Incoming): Promise<Incoming> {
    const { parameters, duplicates } = incoming
    for (const name of ['request', 'request_uri'])
      if (duplicates.includes(name)) throw new OAuthError('invalid_request', `\`${name}\` was sent more than once.`)
    const { request, request_uri: requestUri } = parameters
    if (request && requestUri)
      throw new OAuthError('invalid_request', '`request` and `request_uri` exclude each other.')
    const object = requestUri ? await this.#requestUris.fetch(client, requestUri) : request
    if (!object && !requestUri) return incoming
    const claims = await this.#claimsOf(client, object ?? '')
    const opened = parametersOf(claims)
    for (const name of ['client_id', 'response_type'])
      if (opened[name] && parameters[name] && opened[name] !== parameters[name])
        throw new OAuthError('invalid_request', `\`${name}\` is another in the request object.`)
    return { parameters: { ...opened, client_id: client.clientId }, duplicates }
  }

  async #claimsOf(client: Client, text: string): Promise<Claims> {
    const { requestObjectSigningAlg: registered } = client
    try {
      const jwt = readSignedJwt(text, { types, algorithms: registered ? [registered] : signatureAlgorithms })
      if (jwt.alg !== 'none' && !(await this.#keySets.verify(client, jwt)))
        throw new JwtError('It is not signed with a key of the client.')
      checkClaims(jwt.claims, client, this.#issuer)
      return jwt.claims
    } catch (thrown) {
      throw thrown instanceof JwtError ? refused(thrown.message, thrown) : thrown
    }
  }
}

/** RFC 9101 sections 4 and 6.3, RFC 7519 section 4.1. */
function checkClaims(claims: Claims, client: Client, issuer: string): void {
  const { iss, aud, sub } = claims
  if (iss !== undefined && iss !== client.clientId) throw new JwtError('Its iss is not the client.')
  if (aud !== undefined && ![aud].flat().includes(issuer)) throw new JwtError('Its aud is not this server.')
  // A client's assertion for another endpoint has the client as its subject (section 10.8).
  if (sub === client.clientId) throw new JwtError('Its sub is the client.')
  checkTimes(claims, { needed: [] })
  if ('request' in claims || 'request_uri' in claims) throw new JwtError('It holds a request object itself.')
}

function parametersOf(claims: Claims): Record<string, string> {
  const entries = Object.entries(claims).filter(([name]) => !ofTheJwt.has(name))
  const texts = entries.map(([name, value]) => [name, toText(name, value)] as const)
  return Object.fromEntries(texts.filter(([, text]) => text !== ''))
}

/** Numbers and JSON as they would stand in a URL (RFC 9101 section 4). */
function toText(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  if (name === 'claims' && typeof value === 'object') return JSON.stringify(value)
  throw refused(`\`${name.slice(0, 100)}\` has a value that no parameter has.`)
}

const refused = (hint: string, cause?: unknown): OAuthError =>
  new OAuthError('invalid_request_object', 'The request object cannot be accepted.', { hint, cause })
