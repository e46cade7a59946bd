// The authorization code flow with PKCE, login and consent (RFC 6749 section 4.1, RFC 7636), as one browser goes through it.
import { createHash, randomBytes } from 'node:crypto'
import { type BenchClient, type Dialect, redirectUri } from '../dialects/dialect.js'
import { Browser, callForJson, postForm } from '../load/http_client.js'

export interface IssuedTokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly idToken: string
}

/** A new browser, all steps, and the exchange of the code. `login`: what the login says beside the subject. */
export async function logIn(dialect: Dialect, client: BenchClient, login?: object): Promise<IssuedTokens> {
  const verifier = randomBytes(32).toString('base64url')
  const request = new URL(dialect.publicUrl)
  request.pathname = dialect.paths.authorization
  request.search = new URLSearchParams({
    client_id: client.id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    state: 'a-state-of-the-browser',
    nonce: 'a-nonce-of-the-client',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const end = await dialect.authorize(new Browser(dialect.publicUrl), request, login)
  const code = end.searchParams.get('code')
  if (!code) throw new Error(`no code: ${end}`)
  return exchange(dialect, client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  })
}

export const refresh = (dialect: Dialect, client: BenchClient, refreshToken: string): Promise<IssuedTokens> =>
  exchange(dialect, client, { grant_type: 'refresh_token', refresh_token: refreshToken })

async function exchange(
  dialect: Dialect,
  client: BenchClient,
  parameters: Record<string, string>,
): Promise<IssuedTokens> {
  const request = postForm(dialect.paths.token, parameters, client.headers)
  const { access_token, refresh_token, id_token } = await callForJson(dialect.publicUrl, request, [200])
  if (!access_token || !refresh_token || !id_token) throw new Error('the answer lacks a token')
  return { accessToken: String(access_token), refreshToken: String(refresh_token), idToken: String(id_token) }
}
