// Authorization requests as JWTs: `request` (RFC 9101, OpenID Connect Core section 6.1). What the object says is the request;
// what stands beside it in the URL, where anybody could have put it, counts for nothing.
import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet } from 'jose'
import type { Client } from '#proto/client/v1/client_service.js'
import { nowSeconds } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import type { Incoming } from './authorization_request/check.js'
import type { ClientKeys } from './client_keys.js'

type Claims = Readonly<Record<string, unknown>>

const signingAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

export const requestObjectAlgorithms: readonly string[] = ['none', ...signingAlgorithms]

/** RFC 9101 section 10.8; many libraries say no more than that it is a JWT. */
const types = ['oauth-authz-req+jwt', 'JWT']

const maxLength = 16 * 1_024

/** Claims of the JWT itself, which are no parameters (RFC 7519 section 4.1). */
const ofTheJwt = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sub'])

export class RequestObjects {
  readonly #keys: ClientKeys
  readonly #issuer: string

  constructor(keys: ClientKeys, issuer: string) {
    this.#keys = keys
    this.#issuer = issuer
  }

  /** The request that counts. Errors: `invalid_request`, `invalid_request_object`, `temporarily_unavailable`. */
  async open(client: Client, incoming: Incoming): Promise<Incoming> {
    const { parameters, duplicates } = incoming
    if (duplicates.includes('request')) throw new OAuthError('invalid_request', '`request` was sent more than once.')
    const { request } = parameters
    if (!request) return incoming
    if (parameters.request_uri)
      throw new OAuthError('invalid_request', '`request` and `request_uri` exclude each other.')
    const claims = await this.#claimsOf(client, request)
    checkClaims(claims, client, this.#issuer)
    const opened = parametersOf(claims)
    for (const name of ['client_id', 'response_type'])
      if (opened[name] && parameters[name] && opened[name] !== parameters[name])
        throw new OAuthError('invalid_request', `\`${name}\` is another in the request object.`)
    return { parameters: { ...opened, client_id: client.clientId }, duplicates }
  }

  async #claimsOf(client: Client, jwt: string): Promise<Claims> {
    if (jwt.length > maxLength || jwt.split('.').length !== 3) throw refused('It is not a signed JWT.')
    try {
      const { alg = '', typ } = decodeProtectedHeader(jwt)
      if (typ !== undefined && !types.includes(typ)) throw refused('It is a JWT of another kind.')
      const { requestObjectSigningAlg: registered } = client
      const isAllowed = registered ? alg === registered : signingAlgorithms.includes(alg)
      if (!isAllowed) throw refused('It is not signed with the algorithm that the client has registered.')
      if (alg !== 'none') await this.#verify(client, jwt, alg)
      else if (!jwt.endsWith('.')) throw refused('It is not signed and has a signature.')
      return decodeJwt(jwt)
    } catch (thrown) {
      if (thrown instanceof OAuthError) throw thrown
      throw refused('It cannot be read, or its signature is not one of the client.', thrown)
    }
  }

  async #verify(client: Client, jwt: string, alg: string): Promise<void> {
    const verify = (keys: JSONWebKeySet) => compactVerify(jwt, createLocalJWKSet(keys), { algorithms: [alg] })
    try {
      await verify(await this.#keys.of(client))
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw thrown
      await verify(await this.#keys.newest(client))
    }
  }
}

/** RFC 9101 sections 4 and 6.3, RFC 7519 section 4.1. */
function checkClaims({ iss, aud, exp, nbf, sub, ...claims }: Claims, client: Client, issuer: string): void {
  if (iss !== undefined && iss !== client.clientId) throw refused('`iss` is not the client.')
  if (aud !== undefined && ![aud].flat().includes(issuer)) throw refused('`aud` is not this server.')
  // A client's assertion for another endpoint has the client as its subject (section 10.8).
  if (sub === client.clientId) throw refused('`sub` is the client.')
  const now = nowSeconds()
  if (exp !== undefined && !(typeof exp === 'number' && exp > now)) throw refused('It has expired.')
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now)) throw refused('It is not yet valid.')
  if ('request' in claims || 'request_uri' in claims) throw refused('It holds a request object itself.')
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
