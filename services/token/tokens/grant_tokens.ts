// The tokens that a grant gives (RFC 6749 4.2.2 and 5.1, OpenID Connect Core 3.1.3.3). What could stand in
// their way is looked at before the grant is changed, so that no code and no refresh token is used up for nothing.
import type { Client } from '#proto/client/v1/client_service.js'
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import { nowSeconds } from '../../kit/clock.js'
import { newTimedId, uuidFromBytes } from '../../kit/random.js'
import { asksForRefreshToken, splitWords } from '../../kit/scope_strategy.js'
import { mayHaveScope } from '../allowed.js'
import type { Lifespans } from '../lifespans.js'
import type { Parts } from '../parts.js'
import type { Grant, GrantContent } from '../store/grant_store.js'
import { strategyOf } from './access_token.js'
import { issueIdToken, prepareIdToken } from './id_token.js'
import { encodeRefreshToken, mayRefresh } from './refresh_token.js'

/** Tokens that are about to be issued. */
export interface Issue {
  readonly client: Client
  readonly lifespans: Lifespans
  readonly tokenId: Buffer
  /** Epoch seconds. */
  readonly issuedAt: number
  /** Epoch seconds. */
  readonly accessExpiresAt: number
  /** What the grant remembers of the access token; null where no refresh is to revoke it. */
  readonly rememberedTokenId: string | null
}

/** Begins an issue; fails where the tokens could not be signed. */
export async function prepareIssue(parts: Parts, client: Client, lifespans: Lifespans): Promise<Issue> {
  await strategyOf(client, parts).prepare(parts, lifespans.accessToken)
  if (mayHaveScope(parts.config, client, ['openid'])) await prepareIdToken(parts, client, lifespans.idToken)
  return newIssue(parts, client, lifespans)
}

/** An issue of nothing that has to be signed. */
export function newIssue(parts: Parts, client: Client, lifespans: Lifespans): Issue {
  const tokenId = newTimedId()
  const issuedAt = nowSeconds()
  const isRemembered = parts.config.oauth2.grant.refresh_token.revoke_access_tokens
  const rememberedTokenId = isRemembered ? uuidFromBytes(tokenId) : null
  return { client, lifespans, tokenId, issuedAt, accessExpiresAt: issuedAt + lifespans.accessToken, rememberedTokenId }
}

export interface Issued {
  /** The grant as it now is. */
  readonly grant: Grant
  /** What the access token is good for: all that was granted, or less. */
  readonly scope: readonly string[]
  /** The nonce for the ID token; null where it is not to be repeated. */
  readonly nonce: string | null
}

/** Puts the tokens into words. */
export async function finishIssue(parts: Parts, issue: Issue, issued: Issued): Promise<IssueTokenResponse> {
  const { client, lifespans, issuedAt } = issue
  const { grant, scope, nonce } = issued
  const { accessToken, expiresIn } = await issueAccessToken(parts, issue, grant, scope)
  const idToken = { grant, client, issuedAt, lifespan: lifespans.idToken, accessToken, code: '', nonce }
  return {
    accessToken,
    tokenType: 'bearer',
    expiresIn,
    scope: scope.join(' '),
    refreshToken: refreshTokenOf(parts, client, grant),
    idToken: scope.includes('openid') ? await issueIdToken(parts, idToken) : '',
  }
}

/** An access token of the grant, and the seconds that it lives. */
export async function issueAccessToken(
  parts: Parts,
  issue: Issue,
  grant: GrantContent,
  scope: readonly string[],
): Promise<{ accessToken: string; expiresIn: number }> {
  const { issuedAt } = issue
  const expiresAt = earlier(issue.accessExpiresAt, grant.absoluteExpiresAt)
  const accessToken = await strategyOf(issue.client, parts).issue(parts, {
    tokenId: issue.tokenId,
    grantId: grant.id,
    clientId: grant.clientId,
    registrationId: grant.registrationId,
    subject: grant.subject,
    obfuscatedSubject: grant.obfuscatedSubject ?? '',
    scope: scope.join(' '),
    audience: splitWords(grant.audience ?? ''),
    issuedAt,
    expiresAt,
    sessionClaims: grant.accessTokenClaims ?? '',
    hasEndUser: true,
  })
  return { accessToken, expiresIn: Math.max(0, expiresAt - issuedAt) }
}

/** A refresh token where the end-user granted offline access and the client may use it; else empty. */
function refreshTokenOf(parts: Parts, client: Client, grant: Grant): string {
  if (!mayRefresh(client) || !asksForRefreshToken(splitWords(grant.scope))) return ''
  const { id, generation } = grant
  return encodeRefreshToken(parts.sealer, { grantId: id, generation, clientRevision: client.revision })
}

const earlier = (seconds: number, date: Date | null): number =>
  date === null ? seconds : Math.min(seconds, Math.floor(date.getTime() / 1_000))
