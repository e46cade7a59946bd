// An access token behind which there is no grant: nothing of it is stored, and no refresh token and no ID token come with it.
import type { Client } from '#proto/client/v1/client_service.js'
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import { nowSeconds } from '../kit/clock.js'
import { OAuthError } from '../kit/oauth_error.js'
import { newTimedId } from '../kit/random.js'
import type { Call } from '../kit/rpc/contract.js'
import type { Parts } from './parts.js'
import { strategyOf } from './tokens/access_token.js'

export interface WithoutGrant {
  readonly grantType: string
  readonly client: Client
  readonly subject: string
  readonly hasEndUser: boolean
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  /** Seconds. */
  readonly lifespan: number
  /** What the hooks are told of the request. */
  readonly payload: Readonly<Record<string, readonly string[]>>
  /** Uses up what the token is given for, when nothing else can stand in its way. */
  readonly useUp?: () => Promise<void>
}

/** Errors: `access_denied` and `hook_failed` of the hooks, and those of `useUp`. */
export async function issueWithoutGrant(parts: Parts, about: WithoutGrant, call: Call): Promise<IssueTokenResponse> {
  const { client, subject, hasEndUser, scope, audience, lifespan } = about
  const strategy = strategyOf(client, parts)
  await strategy.prepare(parts, lifespan)
  const sessionClaims = await askHooks(parts, about, call)
  await about.useUp?.()
  const issuedAt = nowSeconds()
  const accessToken = await strategy.issue(parts, {
    tokenId: newTimedId(),
    grantId: '',
    clientId: client.clientId,
    registrationId: client.registrationId,
    subject,
    obfuscatedSubject: '',
    scope: scope.join(' '),
    audience,
    issuedAt,
    expiresAt: issuedAt + lifespan,
    sessionClaims,
    hasEndUser,
  })
  const answer = { accessToken, tokenType: 'bearer', expiresIn: lifespan, scope: scope.join(' ') }
  return { ...answer, refreshToken: '', idToken: '' }
}

/** Bytes of claims that a token may carry which has no grant to refer to. */
const maxCarried = 4_096

/** The claims that the hooks give, as JSON; empty if none. */
async function askHooks({ config, hooks }: Parts, about: WithoutGrant, call: Call): Promise<string> {
  const { grantType, client, subject, scope, audience, payload } = about
  if (!hooks.areSetFor(grantType)) return ''
  const idTokenClaims = { iss: config.issuer, sub: subject, aud: [client.clientId] }
  const session = { accessToken: null, idToken: null }
  const occasion = {
    grantType,
    client,
    subject,
    requestedScope: scope,
    scope,
    audience,
    session,
    idTokenClaims,
    payload,
  }
  const claims = (await hooks.ask(occasion, call))?.accessToken ?? ''
  if (Buffer.byteLength(claims) > maxCarried)
    throw new OAuthError('hook_failed', `The token hook gave claims of more than ${maxCarried} bytes.`)
  return claims
}
