// Userinfo as a signed JWT (OpenID Connect Core 5.3.2), end to end.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorizationUrl, logIn } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient, UserAgent } from '../support/user_agent.js'

let suite: Suite
beforeAll(async () => {
  suite = await startSuite()
})
afterAll(() => suite.stop())

const askFor = (token: string) =>
  fetch(`${suite.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } })

describe('OIDC Core 5.3.2: userinfo_signed_response_alg', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('%s', async (userinfo_signed_response_alg) => {
    const client = await createClient(suite, { userinfo_signed_response_alg })
    const consent = { session: { id_token: { name: 'Alice' } } }
    const tokens = await logIn(suite, client, {}, { consent })
    const answer = await askFor(tokens.access_token)
    expect(answer.headers.get('content-type')).toBe('application/jwt')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const keys = createRemoteJWKSet(new URL(`${suite.publicUrl}/.well-known/jwks.json`))
    const { payload, protectedHeader } = await jwtVerify(await answer.text(), keys, {
      issuer: suite.config.urls.self.issuer,
      audience: client.client_id,
      algorithms: [userinfo_signed_response_alg],
    })
    expect(payload).toMatchObject({ sub: 'alice', name: 'Alice' })
    expect(protectedHeader.kid).toBeTruthy()
  })

  it('errors are JSON all the same', async () => {
    const answer = await askFor('tsr_at_x')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('content-type')).toContain('application/json')
  })

  it('plain JSON where the client registered none, and again when it no longer wants it signed', async () => {
    const client = await createClient(suite, { userinfo_signed_response_alg: 'RS256' })
    const { access_token: token } = await logIn(suite, client)
    expect((await askFor(token)).headers.get('content-type')).toBe('application/jwt')
    const patch = [{ op: 'replace', path: '/userinfo_signed_response_alg', value: 'none' }]
    expect((await adminJson(suite, 'PATCH', `/clients/${client.client_id}`, patch)).status).toBe(200)
    await expect.poll(async () => (await askFor(token)).headers.get('content-type')).toContain('application/json')
  })

  it('JW-14: it passes for no ID token', async () => {
    const client = await createClient(suite, { userinfo_signed_response_alg: 'RS256' })
    const tokens = await logIn(suite, client)
    const id_token_hint = await (await askFor(tokens.access_token)).text()
    const url = authorizationUrl(suite, client, { id_token_hint, prompt: 'none' })
    expect((await new UserAgent().redirectFrom(url)).searchParams.get('error')).toBe('invalid_request')
  })

  it('only signature algorithms with public keys can be registered, and discovery names them', async () => {
    const metadata = await (await fetch(`${suite.publicUrl}/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({
      userinfo_signing_alg_values_supported: ['none', 'ES256', 'EdDSA', 'PS256', 'RS256'],
    })
    for (const userinfo_signed_response_alg of ['HS256', 'HS384', 'x'])
      expect((await adminJson(suite, 'POST', '/clients', { userinfo_signed_response_alg })).status).toBe(400)
  })
})
