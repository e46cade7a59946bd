// The judgement on a token (RFC 7662 section 2.2). A bad token is an answer, never an error; what cannot be known is an
// error, never an answer.
import {
  Consistency,
  type IntrospectRequest,
  type IntrospectResponse,
} from '#proto/introspection/v1/introspection_service.js'
import type { InspectRefreshTokenResponse, TokenServiceService } from '#proto/token/v1/token_service.js'
import { nowSeconds } from '../kit/clock.js'
import { uuidFromBytes } from '../kit/random.js'
import type { Call, Remote } from '../kit/rpc/contract.js'
import { type ScopeStrategy, scopeStrategies, splitWords } from '../kit/scope_strategy.js'
import { AccessTokens } from './access_tokens.js'
import type { Clients } from './clients.js'
import type { IntrospectionConfig } from './config.js'
import { GrantSessions } from './grant_sessions.js'
import type { PublishedKeys } from './keys.js'
import { compactUuid, idBytes, type ReceivedToken } from './received_token.js'
import type { Revocations } from './revocations.js'

const refreshPrefix = 'tsr_rt_'
/** No token that this server issues is longer. */
const maxTokenLength = 256 * 1024
/** How far the clock that a token was issued by may be ahead of this one. */
const clockSkewSeconds = 60

export interface IntrospectionParts {
  readonly config: IntrospectionConfig
  readonly clients: Clients
  readonly keys: PublishedKeys
  readonly revocations: Revocations
  readonly tokens: Remote<typeof TokenServiceService>
}

export class Introspection {
  readonly #parts: IntrospectionParts
  readonly #accessTokens: AccessTokens
  readonly #sessions: GrantSessions
  readonly #coversScope: ScopeStrategy
  /** What is answered of tokens that come again. */
  readonly #answers = new WeakMap<ReceivedToken, IntrospectResponse>()

  constructor(parts: IntrospectionParts) {
    this.#parts = parts
    this.#accessTokens = new AccessTokens(parts.config, parts.keys)
    this.#sessions = new GrantSessions(parts.tokens)
    this.#coversScope = scopeStrategies[parts.config.scopeStrategy]
  }

  /** At once where memory suffices. What kind of token it is can be seen from it, so the caller's hint is not needed. */
  introspect(request: IntrospectRequest, call: Call): IntrospectResponse | Promise<IntrospectResponse> {
    const { token } = request
    if (token.length > maxTokenLength) return inactive
    if (token.startsWith(refreshPrefix)) return this.#introspectRefreshToken(request, call)
    const received = this.#accessTokens.read(token)
    if (received instanceof Promise) return received.then((fetched) => this.#judge(fetched, request, call))
    return this.#judge(received, request, call)
  }

  #judge(
    token: ReceivedToken | undefined,
    request: IntrospectRequest,
    call: Call,
  ): IntrospectResponse | Promise<IntrospectResponse> {
    const { clients, revocations } = this.#parts
    if (!token || !isCurrent(token) || revocations.isKnown(token)) return inactive
    if (request.scope !== '' && !this.#covers(token.scope.split(' '), request.scope)) return inactive
    const isPlain = request.consistency !== Consistency.STRONG && request.callerClientId === '' && !token.extByReference
    const client = isPlain && revocations.isFresh() ? clients.peek(token.clientId) : undefined
    if (!client) return this.#judgeByAsking(token, request, call)
    return client.registrationId === token.registrationId ? this.#activeAgain(token) : inactive
  }

  async #judgeByAsking(token: ReceivedToken, request: IntrospectRequest, call: Call): Promise<IntrospectResponse> {
    const { revocations } = this.#parts
    const mustCheck = request.consistency === Consistency.STRONG || !revocations.isFresh()
    const [isRevoked, isRegistered, isMeant, extJson] = await Promise.all([
      mustCheck && revocations.check(token, call),
      this.#isRegistered(token.clientId, token.registrationId, request, call),
      this.#isMeantFor(request.callerClientId, token),
      token.extByReference ? this.#sessions.get(token.grantId) : token.extJson,
    ])
    return !isRevoked && isRegistered && isMeant && extJson ? this.#active(token, extJson) : inactive
  }

  /** Whether a registration is still its client's own. */
  async #isRegistered(clientId: string, registrationId: string, { consistency }: IntrospectRequest, call: Call) {
    const { clients } = this.#parts
    const client = consistency === Consistency.STRONG ? await clients.ask(clientId, call) : await clients.get(clientId)
    return client.registrationId === registrationId
  }

  /** RFC 7662 section 4: whether a client may know of an access token. */
  async #isMeantFor(callerId: string, { clientId, audience }: ReceivedToken): Promise<boolean> {
    if (callerId === '' || callerId === clientId) return true
    const caller = await this.#parts.clients.get(callerId)
    if (caller.registrationId === '') return false
    return audience.length === 0 || audience.some((name) => name === callerId || caller.audience.includes(name))
  }

  /** Always the store's own word. A refresh token is meant for nobody but its client. */
  async #introspectRefreshToken(request: IntrospectRequest, call: Call): Promise<IntrospectResponse> {
    const found = await this.#parts.tokens.inspectRefreshToken({ refreshToken: request.token }, call)
    const isGood =
      found.active &&
      this.#covers(found.scope, request.scope) &&
      (request.callerClientId === '' || request.callerClientId === found.clientId) &&
      (await this.#isRegistered(found.clientId, compactUuid(found.registrationId), request, call))
    return isGood ? this.#activeRefreshToken(found) : inactive
  }

  #covers(granted: readonly string[], requested: string): boolean {
    return splitWords(requested).every((scope) => this.#coversScope(granted, scope))
  }

  #activeAgain(token: ReceivedToken): IntrospectResponse {
    const known = this.#answers.get(token)
    if (known) return known
    const answer = Object.freeze(this.#active(token, token.extJson))
    this.#answers.set(token, answer)
    return answer
  }

  #active(token: ReceivedToken, extJson: Buffer): IntrospectResponse {
    return {
      active: true,
      scope: token.scope,
      clientId: token.clientId,
      sub: token.subject,
      obfuscatedSubject: token.obfuscatedSubject,
      exp: token.expiresAt,
      iat: token.issuedAt,
      nbf: token.notBefore,
      aud: token.audience,
      iss: this.#parts.config.issuer,
      tokenType: 'Bearer',
      tokenUse: 'access_token',
      extJson,
      jti: uuidFromBytes(idBytes(token.id)),
      grantId: token.grantId && uuidFromBytes(idBytes(token.grantId)),
    }
  }

  #activeRefreshToken(found: InspectRefreshTokenResponse): IntrospectResponse {
    return {
      active: true,
      scope: found.scope.join(' '),
      clientId: found.clientId,
      sub: found.subject,
      obfuscatedSubject: found.obfuscatedSubject,
      exp: found.expiresAt,
      iat: found.issuedAt,
      nbf: found.issuedAt,
      aud: found.audience,
      iss: this.#parts.config.issuer,
      tokenType: 'Bearer',
      tokenUse: 'refresh_token',
      extJson: found.extJson,
      jti: '',
      grantId: found.grantId,
    }
  }
}

function isCurrent({ expiresAt, notBefore }: ReceivedToken): boolean {
  const now = nowSeconds()
  return expiresAt > now && notBefore <= now + clockSkewSeconds
}

/** The same for every token that is not good, so that nothing can be learnt from it. */
const inactive: IntrospectResponse = Object.freeze({
  active: false,
  scope: '',
  clientId: '',
  sub: '',
  obfuscatedSubject: '',
  exp: 0,
  iat: 0,
  nbf: 0,
  aud: [],
  iss: '',
  tokenType: '',
  tokenUse: '',
  extJson: Buffer.alloc(0),
  jti: '',
  grantId: '',
})
