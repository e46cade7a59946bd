// Pairwise subject identifiers (OpenID Connect Core 8), end to end.
import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorizationUrl, introspect, isActive, logIn, redirectUri, refresh, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, authorize, createClient, UserAgent } from '../support/user_agent.js'

const salt = 'the salt of these tests'
let suite: Suite
beforeAll(async () => {
  const subject_identifiers = { supported_types: ['public', 'pairwise'], pairwise: { salt } }
  suite = await startSuite({ config: { oidc: { subject_identifiers } } })
})
afterAll(() => suite.stop())

const pairwiseClient = (more: Record<string, unknown> = {}) =>
  createClient(suite, { subject_type: 'pairwise', ...more })

const otherSector = { redirect_uris: ['https://other.example/callback'] }
const subjectAt = (sector: string, subject: string) =>
  createHash('sha256').update(`${sector}${subject}${salt}`).digest('hex')
const remembered = { login: { remember: true } }

describe('OIDC Core 8.1: the subject that a client sees', () => {
  it('TK-24: is the same in the ID token, at userinfo and after a refresh, and never the raw one', async () => {
    const client = await pairwiseClient()
    const tokens = await logIn(suite, client)
    const sub = subjectAt('127.0.0.1', 'alice')
    expect(decodeJwt(tokens.id_token).sub).toBe(sub)
    expect((await userinfo(suite, tokens.access_token)).body.sub).toBe(sub)
    const { body } = await refresh(suite, client, tokens.refresh_token)
    expect(decodeJwt(String(body.id_token)).sub).toBe(sub)
    expect(JSON.stringify(decodeJwt(tokens.id_token))).not.toContain('alice')
  })

  it("TK-24: introspection has both, the operator's own and the client's", async () => {
    const tokens = await logIn(suite, await pairwiseClient())
    const expected = { active: true, sub: 'alice', obfuscated_subject: subjectAt('127.0.0.1', 'alice') }
    expect(await introspect(suite, tokens.access_token)).toMatchObject(expected)
    expect(await introspect(suite, tokens.refresh_token)).toMatchObject(expected)
  })

  it('TK-24: is the same for clients of one sector, and another in another', async () => {
    const implicit = { response_types: ['id_token'], grant_types: ['implicit'] }
    const subOf = async (more: Record<string, unknown>, changes: Record<string, string> = {}) => {
      const client = await pairwiseClient({ ...implicit, ...more })
      const url = authorizationUrl(suite, client, { response_type: 'id_token', ...changes })
      const callback = await authorize(suite, url)
      return decodeJwt(new URLSearchParams(callback.hash.slice(1)).get('id_token') ?? '').sub
    }
    expect(await subOf({})).toBe(await subOf({}))
    const other = await subOf(otherSector, { redirect_uri: 'https://other.example/callback' })
    expect(other).toBe(subjectAt('other.example', 'alice'))
    expect(other).not.toBe(await subOf({}))
  })

  it('a public client sees the raw subject, whatever the login app forces', async () => {
    const client = await createClient(suite)
    const tokens = await logIn(suite, client, {}, { login: { force_subject_identifier: 'alias' } })
    expect(decodeJwt(tokens.id_token).sub).toBe('alice')
  })

  it('Hydra: force_subject_identifier takes the place of what is computed', async () => {
    const tokens = await logIn(suite, await pairwiseClient(), {}, { login: { force_subject_identifier: 'alias' } })
    expect(decodeJwt(tokens.id_token).sub).toBe('alias')
    expect((await userinfo(suite, tokens.access_token)).body.sub).toBe('alias')
    expect(await introspect(suite, tokens.access_token)).toMatchObject({ sub: 'alice', obfuscated_subject: 'alias' })
  })

  it('a revocation by the raw subject reaches tokens of pairwise clients', async () => {
    const tokens = await logIn(suite, await pairwiseClient(), {}, { subject: 'carol' })
    await adminJson(suite, 'DELETE', '/oauth2/auth/sessions/consent?subject=carol&all=true')
    expect(await isActive(suite, tokens.access_token)).toBe(false)
  })
})

describe('OIDC Core 3.1.2.1: id_token_hint with a pairwise subject', () => {
  it('names the end-user who is logged in, or another', async () => {
    const client = await pairwiseClient()
    const agent = new UserAgent()
    const earlier = await logIn(suite, client)
    await logIn(suite, client, {}, { ...remembered, consent: { remember: true } }, agent)
    const ask = (id_token_hint: string) =>
      authorize(suite, authorizationUrl(suite, client, { id_token_hint, prompt: 'none', ...s256 }), {}, agent)
    const s256 = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }
    expect((await ask(earlier.id_token)).searchParams.get('code')).toBeTruthy()
    const bob = await logIn(suite, client, {}, { subject: 'bob' })
    expect((await ask(bob.id_token)).searchParams.get('error')).toBe('login_required')
  })

  it('TK-24: logout takes it too', async () => {
    const client = await pairwiseClient({ skip_logout_consent: true, post_logout_redirect_uris: [redirectUri] })
    const agent = new UserAgent()
    const tokens = await logIn(suite, client, {}, remembered, agent)
    const query = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: redirectUri })
    const to = await agent.redirectFrom(`${suite.publicUrl}/oauth2/sessions/logout?${query}`)
    expect(to.href).toBe(redirectUri)
  })
})

describe('OIDC Registration 2 and 5', () => {
  const register = async (metadata: Record<string, unknown>) =>
    (await adminJson(suite, 'POST', '/clients', { subject_type: 'pairwise', ...metadata })).status

  it('needs a sector_identifier_uri where the redirect URIs have not one host', async () => {
    expect(await register({ redirect_uris: ['https://a.example/1', 'https://a.example/2'] })).toBe(201)
    expect(await register({ redirect_uris: ['https://a.example/', 'https://b.example/'] })).toBe(400)
    expect(await register({ redirect_uris: ['com.example.app:/callback'] })).toBe(400)
    expect(await register({ redirect_uris: [] })).toBe(400)
  })

  it('SS-08: a sector that cannot be read, or is not https', async () => {
    const redirect_uris = ['https://a.example/']
    for (const sector_identifier_uri of ['https://127.0.0.1:1/sector', 'http://a.example/sector'])
      expect(await register({ redirect_uris, sector_identifier_uri })).toBe(400)
  })

  it('TK-24: JWT access tokens, which show their subject, are not for pairwise clients', async () => {
    expect(await register({ redirect_uris: ['https://a.example/'], access_token_strategy: 'jwt' })).toBe(400)
  })

  it('discovery names the types', async () => {
    const metadata = await (await fetch(`${suite.publicUrl}/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({ subject_types_supported: ['public', 'pairwise'] })
  })
})
