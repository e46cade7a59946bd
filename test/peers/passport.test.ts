// passport 0.7 with passport-oauth2 1.8 (npm), as applications of the Express kind have them: state in the session, PKCE, the
// client's secret in the form, refresh.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Passport } from 'passport'
import { Strategy as OAuth2Strategy } from 'passport-oauth2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { introspect, isActive } from '../support/oauth.js'
import { type Party, startParty } from '../support/party.js'
import { type Suite, startSuite } from '../support/suite.js'
import { acceptConsent, acceptLogin, adminJson, createClient, UserAgent } from '../support/user_agent.js'

interface User {
  readonly accessToken: string
  readonly refreshToken: string
}

/** The strategy, and what applications reach into it for. */
class Strategy extends OAuth2Strategy {
  refresh(refreshToken: string): Promise<User> {
    return new Promise((resolve, reject) => {
      this._oauth2.getOAuthAccessToken(refreshToken, { grant_type: 'refresh_token' }, (error, access, next) =>
        error ? reject(error) : resolve({ accessToken: access ?? '', refreshToken: next ?? '' }),
      )
    })
  }
}

let suite: Suite
let app: Party
let appUrl = ''
let strategy: Strategy

beforeAll(async () => {
  suite = await startSuite()
  app = await startParty(serve)
  appUrl = app.origin
  const client = await createClient(suite, {
    redirect_uris: [`${appUrl}/callback`],
    token_endpoint_auth_method: 'client_secret_post',
  })
  strategy = new Strategy(
    {
      authorizationURL: `${suite.publicUrl}/oauth2/auth`,
      tokenURL: `${suite.publicUrl}/oauth2/token`,
      clientID: client.client_id,
      clientSecret: client.client_secret,
      callbackURL: `${appUrl}/callback`,
      scope: ['openid', 'offline_access', 'read'],
      state: true,
      pkce: true,
    },
    (accessToken, refreshToken, _parameters, _profile, done) => done(null, { accessToken, refreshToken }),
  )
  passport.use(strategy)
})
afterAll(async () => {
  await app.close()
  await suite.stop()
})

const passport = new Passport()
const sessions = new Map<string, Record<string, unknown>>()

/** The sessions of the application, by a cookie. */
function withSession(request: IncomingMessage, response: ServerResponse): void {
  const known = /sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  const id = known ?? randomUUID()
  const session = sessions.get(id) ?? {}
  sessions.set(id, session)
  Object.assign(request, { session, query: Object.fromEntries(new URL(request.url ?? '', appUrl).searchParams) })
  if (!known) response.setHeader('Set-Cookie', `sid=${id}; Path=/`)
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  withSession(request, response)
  const fail = (error: unknown) => response.writeHead(500).end(String(error))
  const authenticate = passport.authenticate('oauth2', { session: false })
  passport.initialize()(request, response, (failure) => {
    if (failure) fail(failure)
    else
      authenticate(request, response, (error) =>
        error ? fail(error) : response.end(JSON.stringify((request as IncomingMessage & { user: User }).user)),
      )
  })
}

/** The callback that a browser comes back to the application with. */
async function logInTo(agent: UserAgent): Promise<URL> {
  const login = await agent.redirectFrom(await agent.redirectFrom(`${appUrl}/login`))
  const consent = await agent.redirectFrom(await acceptLogin(suite, login))
  return agent.redirectFrom(await acceptConsent(suite, consent))
}

describe('passport-oauth2', () => {
  it('logs in, and refreshes', async () => {
    const agent = new UserAgent()
    const answer = await agent.fetch(await logInTo(agent))
    expect(answer.status).toBe(200)
    const user = (await answer.json()) as User
    expect(await introspect(suite, user.accessToken)).toMatchObject({ active: true, sub: 'alice' })
    const next = await strategy.refresh(user.refreshToken)
    expect(next.refreshToken).not.toBe(user.refreshToken)
    expect(await isActive(suite, next.accessToken)).toBe(true)
  })

  it('a callback with another state, or in another browser, logs nobody in', async () => {
    const agent = new UserAgent()
    const callback = await logInTo(agent)
    expect((await new UserAgent().fetch(callback)).status).toBe(403)
    callback.searchParams.set('state', 'another')
    expect((await agent.fetch(callback)).status).toBe(403)
  })

  it('an end-user who refuses is told to the application', async () => {
    const agent = new UserAgent()
    const login = await agent.redirectFrom(await agent.redirectFrom(`${appUrl}/login`))
    const challenge = encodeURIComponent(login.searchParams.get('login_challenge') ?? '')
    const path = `/oauth2/auth/requests/login/reject?login_challenge=${challenge}`
    const rejected = await adminJson(suite, 'PUT', path, { error: 'access_denied' })
    const { redirect_to } = (await rejected.json()) as { redirect_to: string }
    expect((await agent.fetch(await agent.redirectFrom(redirect_to))).status).toBe(401)
  })
})
