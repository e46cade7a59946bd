// The protocol as a client speaks it: OpenID Connect Core 3.1 (code flow) with PKCE (RFC 7636), refresh (RFC 6749 6),
// introspection (RFC 7662), revocation (RFC 7009) and RP-Initiated Logout 1.0.
import { createHash, randomBytes } from 'node:crypto'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { type Exchange, noteRedirect, Refusal, send } from './exchanges.js'

export interface RelyingPartyOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
}

/** The part of the server's metadata that is used here (OpenID Connect Discovery 3, RFC 8414). */
interface Metadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly userinfo_endpoint: string
  readonly introspection_endpoint: string
  readonly revocation_endpoint: string
  readonly end_session_endpoint: string
  readonly jwks_uri: string
  readonly authorization_response_iss_parameter_supported?: boolean
}

/** What must be remembered between the authorization request and its answer. */
export interface PendingRequest {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string
  readonly claims: JWTPayload
}

const newValue = (): string => randomBytes(32).toString('base64url')
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

export class RelyingParty {
  readonly #options: RelyingPartyOptions
  readonly #metadata: Metadata
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  readonly #basic: string

  private constructor(options: RelyingPartyOptions, metadata: Metadata) {
    this.#options = options
    this.#metadata = metadata
    this.#keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
    // RFC 6749 2.3.1: both are form-encoded first.
    const encode = (value: string) => new URLSearchParams({ value }).toString().slice('value='.length)
    const pair = `${encode(options.clientId)}:${encode(options.clientSecret)}`
    this.#basic = `Basic ${Buffer.from(pair).toString('base64')}`
  }

  static async discover(options: RelyingPartyOptions): Promise<RelyingParty> {
    const url = `${options.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const metadata = (await send([], 'Discovery', { url })) as unknown as Metadata
    if (metadata.issuer !== options.issuer) throw new Refusal(`The metadata are those of ${metadata.issuer}.`)
    return new RelyingParty(options, metadata)
  }

  /** Where to send the browser to sign in. */
  startSignIn(log: Exchange[]): { url: string; pending: PendingRequest } {
    const pending = { state: newValue(), nonce: newValue(), codeVerifier: newValue() }
    const url = this.#browserUrl(this.#metadata.authorization_endpoint, {
      response_type: 'code',
      client_id: this.#options.clientId,
      redirect_uri: this.#options.redirectUri,
      scope: this.#options.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: createHash('sha256').update(pending.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    noteRedirect(log, 'Authorization request', url)
    return { url, pending }
  }

  /** Takes the answer to an authorization request, whose `state` was compared already. */
  async finishSignIn(log: Exchange[], answer: URLSearchParams, pending: PendingRequest): Promise<Tokens> {
    const { issuer, authorization_response_iss_parameter_supported: hasIssuer } = this.#metadata
    // RFC 9207: an answer that another server sent is not for this one's token endpoint.
    if ((hasIssuer || answer.has('iss')) && answer.get('iss') !== issuer) {
      throw new Refusal('The answer came from another server.')
    }
    const error = answer.get('error')
    if (error) throw new Refusal(`${error}: ${answer.get('error_description') ?? 'no description'}`)
    return this.#requestTokens(log, 'Code exchange', pending.nonce, {
      grant_type: 'authorization_code',
      code: answer.get('code') ?? '',
      redirect_uri: this.#options.redirectUri,
      code_verifier: pending.codeVerifier,
    })
  }

  async refresh(log: Exchange[], tokens: Tokens): Promise<Tokens> {
    if (tokens.refreshToken === undefined) throw new Refusal('There is no refresh token: it was not granted.')
    const refreshed = await this.#requestTokens(
      log,
      'Refresh',
      undefined,
      { grant_type: 'refresh_token', refresh_token: tokens.refreshToken },
      tokens,
    )
    // OpenID Connect Core 12.2: who is signed in does not change.
    if (refreshed.claims.sub !== tokens.claims.sub) throw new Refusal('The new ID token is about someone else.')
    return refreshed
  }

  userinfo = (log: Exchange[], tokens: Tokens): Promise<Record<string, unknown>> =>
    send(log, 'Userinfo', {
      url: this.#metadata.userinfo_endpoint,
      authorization: `Bearer ${tokens.accessToken}`,
    })

  introspect = (log: Exchange[], tokens: Tokens): Promise<Record<string, unknown>> =>
    this.#post(log, 'Introspection', this.#metadata.introspection_endpoint, {
      token: tokens.accessToken,
      token_type_hint: 'access_token',
    })

  /** Revokes the grant by its refresh token, where there is one: the access tokens go with it (RFC 7009 2.1). */
  async revoke(log: Exchange[], tokens: Tokens): Promise<void> {
    const form =
      tokens.refreshToken === undefined
        ? { token: tokens.accessToken, token_type_hint: 'access_token' }
        : { token: tokens.refreshToken, token_type_hint: 'refresh_token' }
    await this.#post(log, 'Revocation', this.#metadata.revocation_endpoint, form)
  }

  /** Where to send the browser to sign out. */
  startSignOut(log: Exchange[], tokens: Tokens): { url: string; state: string } {
    const state = newValue()
    const url = this.#browserUrl(this.#metadata.end_session_endpoint, {
      id_token_hint: tokens.idToken,
      post_logout_redirect_uri: this.#options.postLogoutRedirectUri,
      state,
    })
    noteRedirect(log, 'Logout request', url)
    return { url, state }
  }

  #post(log: Exchange[], title: string, url: string, form: Readonly<Record<string, string>>) {
    return send(log, title, { url, authorization: this.#basic, form })
  }

  #browserUrl(endpoint: string, parameters: Readonly<Record<string, string>>): string {
    const url = new URL(endpoint)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.href
  }

  async #requestTokens(
    log: Exchange[],
    title: string,
    nonce: string | undefined,
    form: Readonly<Record<string, string>>,
    earlier?: Tokens,
  ): Promise<Tokens> {
    const answer = await this.#post(log, title, this.#metadata.token_endpoint, form)
    const accessToken = text(answer.access_token)
    const idToken = text(answer.id_token)
    if (accessToken === undefined) throw new Refusal('The answer has no access token.')
    if (idToken === undefined && !earlier) throw new Refusal('The answer has no ID token.')
    return {
      accessToken,
      refreshToken: text(answer.refresh_token) ?? earlier?.refreshToken,
      idToken: idToken ?? earlier?.idToken ?? '',
      claims: idToken === undefined ? (earlier?.claims ?? {}) : await this.#verify(idToken, nonce),
    }
  }

  /** OpenID Connect Core 3.1.3.7: signature, issuer, audience, times, nonce. */
  async #verify(idToken: string, nonce: string | undefined): Promise<JWTPayload> {
    const { payload } = await jwtVerify(idToken, this.#keys, {
      issuer: this.#options.issuer,
      audience: this.#options.clientId,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: 5,
    })
    if (nonce !== undefined && payload.nonce !== nonce) throw new Refusal('The ID token was made for another request.')
    return payload
  }
}
