// What a client and a resource server say to the public endpoints, over real HTTP.
import { createHash, randomBytes } from 'node:crypto'
import type { Suite } from './suite.js'
import { authorize, type Decision, UserAgent } from './user_agent.js'

export interface RegisteredClient {
  readonly client_id: string
  readonly client_secret?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
  readonly scope: string
  readonly expires_in: number
}

export const redirectUri = 'http://127.0.0.1:5555/callback'

export const basicOf = ({ client_id, client_secret }: RegisteredClient): Record<string, string> =>
  client_secret
    ? {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')}`,
      }
    : {}

/** Posts a form; a client without a secret identifies itself by `client_id`. */
export async function post(
  suite: Pick<Suite, 'publicUrl'>,
  path: string,
  parameters: Record<string, string>,
  client?: RegisteredClient,
): Promise<Answer> {
  const body = new URLSearchParams(parameters)
  if (client && !client.client_secret) body.set('client_id', client.client_id)
  const headers = client ? basicOf(client) : {}
  const response = await fetch(`${suite.publicUrl}${path}`, { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} }
}

export interface Pkce {
  readonly verifier: string
  readonly challenge: string
}

export function newPkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** An ordinary authorization request, changed by what the test says; undefined leaves a parameter out. */
export function authorizationUrl(
  suite: Pick<Suite, 'publicUrl'>,
  client: RegisteredClient,
  changes: Record<string, string | undefined> = {},
): string {
  const parameters = {
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    state: 'the-state-of-it',
    nonce: 'the-nonce-of-it',
    ...changes,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  return `${suite.publicUrl}/oauth2/auth?${query}`
}

export interface CodeFlow {
  readonly code: string
  readonly callback: URL
  readonly pkce: Pkce
  readonly agent: UserAgent
}

/** Takes a new browser to an authorization code. */
export async function obtainCode(
  suite: Suite,
  client: RegisteredClient,
  changes: Record<string, string | undefined> = {},
  decision: Decision = {},
  agent: UserAgent = new UserAgent(),
): Promise<CodeFlow> {
  const pkce = newPkce()
  const challenge = { code_challenge: pkce.challenge, code_challenge_method: 'S256' }
  const callback = await authorize(
    suite,
    authorizationUrl(suite, client, { ...challenge, ...changes }),
    decision,
    agent,
  )
  const code = callback.searchParams.get('code')
  if (!code) throw new Error(`no code: ${callback}`)
  return { code, callback, pkce, agent }
}

export const redeem = (
  suite: Pick<Suite, 'publicUrl'>,
  client: RegisteredClient,
  { code, pkce }: Pick<CodeFlow, 'code' | 'pkce'>,
  changes: Record<string, string> = {},
): Promise<Answer> =>
  post(
    suite,
    '/oauth2/token',
    { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: pkce.verifier, ...changes },
    client,
  )

export const refresh = (
  suite: Pick<Suite, 'publicUrl'>,
  client: RegisteredClient,
  refreshToken: string,
  changes: Record<string, string> = {},
): Promise<Answer> =>
  post(suite, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: refreshToken, ...changes }, client)

/** The tokens of a whole code flow. */
export async function logIn(
  suite: Suite,
  client: RegisteredClient,
  changes: Record<string, string | undefined> = {},
  decision: Decision = {},
  agent?: UserAgent,
): Promise<Tokens> {
  const answer = await redeem(suite, client, await obtainCode(suite, client, changes, decision, agent))
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body as unknown as Tokens
}

/** What the admin port says of a token. */
export async function introspect(
  suite: Pick<Suite, 'adminUrl'>,
  token: string,
  more: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const body = new URLSearchParams({ token, ...more })
  const response = await fetch(`${suite.adminUrl}/admin/oauth2/introspect`, { method: 'POST', body })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}

export const isActive = async (suite: Pick<Suite, 'adminUrl'>, token: string): Promise<boolean> =>
  (await introspect(suite, token)).active === true

export async function userinfo(suite: Pick<Suite, 'publicUrl'>, token: string): Promise<Answer> {
  const response = await fetch(`${suite.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} }
}
