// S8: no secret, code, token, verifier or password in the log of a server that logs all it can, whatever goes wrong.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, showing, signJwt, signWithSecret } from '../support/assertions.js'
import { authorizationUrl, introspect, obtainCode, post, redeem, refresh, userinfo } from '../support/oauth.js'
import { freePorts } from '../support/ports.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'
import { type Program, startProgram } from '../support/program.js'
import type { Suite } from '../support/suite.js'
import { acceptLogin, adminJson, createClient, UserAgent } from '../support/user_agent.js'

const systemSecret = 'kJ7-the-secret-of-the-system-that-nobody-logs'
let database: FreshDatabase
let program: Program
let suite: Suite

beforeAll(async () => {
  database = await freshDatabase()
  const [publicPort, adminPort, grpcPort] = await freePorts(3)
  const publicUrl = `http://127.0.0.1:${publicPort}`
  program = await startProgram(['serve', 'all', '--dev'], {
    DSN: database.dsn,
    LOG_LEVEL: 'trace',
    SECRETS_SYSTEM: systemSecret,
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpcPort}`,
    URLS_SELF_ISSUER: publicUrl,
    URLS_LOGIN: 'http://127.0.0.1:3000/login',
    URLS_CONSENT: 'http://127.0.0.1:3000/consent',
  })
  await program.until(/^ready/m)
  suite = { publicUrl, adminUrl: `http://127.0.0.1:${adminPort}` } as Suite
})
afterAll(async () => {
  program.child.kill('SIGTERM')
  await program.ended
  await database.drop()
})

/** Assertions, good and bad, that authenticate a client and that are exchanged for a token; none of their parts may be logged. */
async function showAssertions() {
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const client = await createClient(suite, {
    grant_types: [grant_type, 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_jwt',
  })
  const { client_id, client_secret: secret } = client
  const key = newKey('ES256')
  const trusted = { issuer: 'idp', subject: 'mike', jwk: key.jwk, expires_at: '2099-01-01T00:00:00Z' }
  await adminJson(suite, 'POST', '/trust/grants/jwt-bearer/issuers', trusted)
  const claims = () => clientClaims(client_id, suite.publicUrl)
  const used = signWithSecret(secret, claims())
  const shown = {
    used,
    wrong: signWithSecret(`${secret}x`, claims()),
    late: signWithSecret(secret, { ...claims(), exp: 1 }),
  }
  for (const assertion of [used, ...Object.values(shown)])
    await post(suite, '/oauth2/token', { grant_type: 'client_credentials', ...showing(assertion) })
  const granted = signJwt(key, clientClaims('mike', suite.publicUrl, { iss: 'idp' }))
  for (const assertion of [granted, granted, `${granted}x`]) {
    const parameters = { grant_type, assertion, ...showing(signWithSecret(secret, claims())) }
    await post(suite, '/oauth2/token', parameters)
  }
  const parts = Object.entries({ ...shown, granted }).flatMap(([name, jwt]) =>
    jwt
      .split('.')
      .slice(1)
      .map((part, index) => [`${name} assertion, part ${index + 2}`, part] as const),
  )
  return { secret, assertions: Object.fromEntries(parts) }
}

describe('the log', () => {
  it('S8: holds nothing that could be used', async () => {
    const chosen = 'a secret that a person chose'
    const client = await createClient(suite, { client_secret: chosen })
    const flow = await obtainCode(suite, client)
    const tokens = (await redeem(suite, client, flow)).body
    const again = (await refresh(suite, client, String(tokens.refresh_token))).body
    const agent = new UserAgent()
    const login = await agent.redirectFrom(authorizationUrl(suite, client))
    const verifier = new URL(await acceptLogin(suite, login)).searchParams.get('login_verifier')

    // Everything once more where it is wrong, since errors are what is logged.
    await redeem(suite, client, flow)
    await redeem(suite, { ...client, client_secret: `${chosen}x` }, flow)
    await refresh(suite, client, `${tokens.refresh_token}x`)
    await introspect(suite, `${tokens.access_token}x`)
    await userinfo(suite, String(tokens.refresh_token))
    await new UserAgent().fetch(`${suite.publicUrl}/oauth2/auth?login_verifier=${verifier}`)
    await post(suite, '/oauth2/revoke', { token: String(again.refresh_token) }, client)
    await adminJson(suite, 'PUT', '/clients/absent', { client_secret: chosen, redirect_uris: ['javascript:x'] })
    await fetch(`${suite.publicUrl}/oauth2/token?client_secret=${encodeURIComponent(chosen)}`, { method: 'POST' })

    const { secret, assertions } = await showAssertions()

    const logged = program.stdout() + program.stderr()
    const secrets = {
      systemSecret,
      chosen,
      code: flow.code,
      codeVerifier: flow.pkce.verifier,
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      idToken: tokens.id_token,
      successor: again.refresh_token,
      verifier,
      secretOfAssertions: secret,
      ...assertions,
      challenge: login.searchParams.get('login_challenge'),
      databasePassword: decodeURIComponent(new URL(database.dsn).password),
      ...Object.fromEntries([...agent.cookies].map(([name, value]) => [`cookie ${name}`, value])),
    }
    expect(logged.length).toBeGreaterThan(0)
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret, name).toBeTruthy()
      expect(logged.includes(String(secret)), `${name} was logged`).toBe(false)
    }
  })
})
