// How a kind of server is spoken to: its paths, how its clients come to be, and how an end-user logs in.
import type { Browser, HttpRequest } from '../load/http_client.js'

export interface BenchClient {
  readonly id: string
  /** The header fields that authenticate it. */
  readonly headers: Record<string, string>
}

export interface MachineClient extends BenchClient {
  /** What its token requests say beside the grant type. */
  readonly parameters: Record<string, string>
}

export interface Dialect {
  readonly paths: Readonly<Record<'authorization' | 'token' | 'revocation' | 'userinfo' | 'discovery' | 'jwks', string>>
  /** Where `introspection` and `registration` are sent. */
  readonly adminUrl: string
  readonly publicUrl: string
  introspection(token: string): HttpRequest
  registration(): HttpRequest
  /** A client for client credentials; `alg` is how its access tokens are signed, undefined for opaque ones. */
  machine(alg?: string): Promise<MachineClient>
  /** A client for the code flow; `alg` is how its ID tokens are signed. */
  app(alg: string): Promise<BenchClient>
  /** Takes a browser from an authorization request through login and consent; returns where it ends. `login`: what else the
   * login says, in the words of the server. */
  authorize(browser: Browser, request: URL, login?: object): Promise<URL>
}

export const redirectUri = 'https://app.example.com/callback'

export const basicOf = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
})
