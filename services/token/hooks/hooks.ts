// What the operator's hooks are told before tokens are issued, in Hydra's words: `oauth2.token_hook` for every grant type,
// and before it for refresh tokens the older `oauth2.refresh_token_hook`.
import type { Client } from '#proto/client/v1/client_service.js'
import { Outbound } from '../../kit/outbound.js'
import type { Call } from '../../kit/rpc/contract.js'
import { splitWords } from '../../kit/scope_strategy.js'
import { timeLimit } from '../../kit/time_limit.js'
import type { TokenConfig } from '../config.js'
import type { Parts } from '../parts.js'
import type { Grant } from '../store/grant_store.js'
import { userClaims } from '../tokens/id_token.js'
import { refreshTokenGrant } from '../tokens/refresh_token.js'
import { Hook, type SessionClaims } from './hook.js'

/** Milliseconds for all hooks of a request. */
const timeoutMs = 2_000

/** Tokens that are about to be issued. */
export interface Occasion {
  readonly grantType: string
  readonly client: Client
  readonly subject: string
  readonly requestedScope: readonly string[]
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  readonly session: SessionClaims
  /** The other claims of the ID token. */
  readonly idTokenClaims: Readonly<Record<string, unknown>>
  /** Parameters of the request that the hook may judge by: an assertion. */
  readonly payload: Readonly<Record<string, readonly string[]>>
}

export class Hooks {
  readonly #config: TokenConfig
  readonly #tokenHook: Hook | undefined
  readonly #refreshHook: Hook | undefined

  constructor(config: TokenConfig) {
    this.#config = config
    const outbound = new Outbound(config.outbound)
    const { token_hook: tokenHook, refresh_token_hook: refreshHook } = config.oauth2
    this.#tokenHook = tokenHook.url ? new Hook(tokenHook, outbound) : undefined
    this.#refreshHook = refreshHook.url ? new Hook(refreshHook, outbound) : undefined
  }

  /** Whether any is there: then claims of a grant may change with each request. */
  get areSet(): boolean {
    return (this.#tokenHook ?? this.#refreshHook) !== undefined
  }

  /** Whether one is asked for a grant type. */
  areSetFor(grantType: string): boolean {
    return this.#tokenHook !== undefined || (grantType === refreshTokenGrant && this.#refreshHook !== undefined)
  }

  /** The claims that take the place of the session's; undefined: it keeps its own. Errors: `access_denied`, `hook_failed`. */
  async ask(occasion: Occasion, call: Call): Promise<SessionClaims | undefined> {
    const signal = timeLimit(timeoutMs, call.signal)
    const ofRefresh = occasion.grantType === refreshTokenGrant ? this.#refreshHook : undefined
    const first = await ofRefresh?.ask(this.#refreshQuestion(occasion), signal)
    const session = first ?? occasion.session
    return (await this.#tokenHook?.ask(this.#tokenQuestion({ ...occasion, session }), signal)) ?? first
  }

  /** The same for tokens of a grant. */
  askOfGrant(
    { grant, ...about }: Pick<Occasion, 'grantType' | 'client' | 'requestedScope'> & { readonly grant: Grant },
    call: Call,
  ): Promise<SessionClaims | undefined> {
    const { idTokenClaims: _, ...withoutSession } = grant
    const occasion = {
      ...about,
      subject: grant.subject,
      scope: splitWords(grant.scope),
      audience: splitWords(grant.audience ?? ''),
      session: { accessToken: grant.accessTokenClaims, idToken: grant.idTokenClaims },
      idTokenClaims: userClaims(this.#config.issuer, { ...withoutSession, idTokenClaims: null }),
      payload: {},
    }
    return this.ask(occasion, call)
  }

  #tokenQuestion(occasion: Occasion): object {
    const { client, grantType, requestedScope, scope, audience, payload } = occasion
    return {
      session: this.#sessionOf(occasion),
      request: {
        client_id: client.clientId,
        requested_scopes: requestedScope,
        granted_scopes: scope,
        granted_audience: audience,
        grant_types: [grantType],
        payload,
      },
    }
  }

  #refreshQuestion(occasion: Occasion): object {
    const { client, subject, grantType, scope, audience } = occasion
    const granted = { client_id: client.clientId, granted_scopes: scope, granted_audience: audience }
    const requester = { ...granted, grant_types: [grantType] }
    return { subject, session: this.#sessionOf(occasion), requester, ...granted }
  }

  #sessionOf({ client, subject, session, idTokenClaims }: Occasion): object {
    const { oauth2 } = this.#config
    return {
      id_token: {
        id_token_claims: { ...idTokenClaims, ext: parse(session.idToken) },
        headers: { extra: {} },
        username: '',
        subject,
      },
      extra: parse(session.accessToken),
      client_id: client.clientId,
      consent_challenge: '',
      exclude_not_before_claim: oauth2.exclude_not_before_claim,
      allowed_top_level_claims: oauth2.allowed_top_level_claims,
      mirror_top_level_claims: oauth2.mirror_top_level_claims,
    }
  }
}

const parse = (claims: string | null): unknown => (claims === null ? {} : JSON.parse(claims))

/** What the hooks say of a grant that can be redeemed as far as is known; nothing is read where there are none. */
export async function askBeforeRedemption(
  { hooks, grants }: Pick<Parts, 'hooks' | 'grants'>,
  grantType: string,
  grantId: string,
  { client, call }: { readonly client: Client; readonly call: Call },
): Promise<SessionClaims | undefined> {
  if (!hooks.areSetFor(grantType)) return undefined
  const grant = await grants.find(grantId, call)
  if (!grant || grant.generation > 0 || grant.revokedAt !== null) return undefined
  return hooks.askOfGrant({ grantType, client, grant, requestedScope: splitWords(grant.scope) }, call)
}
