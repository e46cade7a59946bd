// What the tests use of passport and passport-oauth2, which have no types of their own.
declare module 'passport' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void
  export class Passport {
    use(strategy: object): this
    initialize(): Handler
    authenticate(name: string, options: Record<string, unknown>): Handler
  }
}

declare module 'passport-oauth2' {
  type Done = (error: unknown, user?: unknown) => void
  export interface OAuth2Client {
    getOAuthAccessToken(
      code: string,
      parameters: Record<string, string>,
      done: (error: unknown, accessToken?: string, refreshToken?: string) => void,
    ): void
  }
  export class Strategy {
    constructor(
      options: Record<string, unknown>,
      verify: (accessToken: string, refreshToken: string, parameters: unknown, profile: unknown, done: Done) => void,
    )
    protected _oauth2: OAuth2Client
  }
}
