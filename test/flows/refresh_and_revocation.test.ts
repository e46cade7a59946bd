// Refresh, revocation and introspection through HTTP: RT-*, TK-11 to TK-19 of the security cases, RFC 7009, RFC 7662.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basicOf, introspect, isActive, logIn, post, refresh, userinfo } from '../support/oauth.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

type Client = Awaited<ReturnType<typeof createClient>>

let suite: Suite
let client: Client
let other: Client

beforeAll(async () => {
  suite = await startSuite()
  client = await createClient(suite)
  other = await createClient(suite)
})
afterAll(() => suite.stop())

const revoke = (token: string, by: Client, hint?: string) =>
  post(suite, '/oauth2/revoke', { token, ...(hint ? { token_type_hint: hint } : {}) }, by)

describe('refresh', () => {
  it('RT-01, RFC 6749 6: rotates; the access token before it lives until it expires', async () => {
    const first = await logIn(suite, client)
    const { status, body } = await refresh(suite, client, first.refresh_token)
    expect(status).toBe(200)
    expect(body.refresh_token).not.toBe(first.refresh_token)
    expect(await isActive(suite, String(body.access_token))).toBe(true)
    expect(await isActive(suite, first.access_token)).toBe(true)
  })

  it('RT-03, I5: a retry inside the grace period gets the same successor', async () => {
    const first = await logIn(suite, client)
    const once = await refresh(suite, client, first.refresh_token)
    const again = await refresh(suite, client, first.refresh_token)
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(once.body.refresh_token)
    expect((await refresh(suite, client, String(once.body.refresh_token))).status).toBe(200)
  })

  it('RT-04: a token two generations old is theft: the grant ends', async () => {
    const first = await logIn(suite, client)
    const second = (await refresh(suite, client, first.refresh_token)).body
    const third = (await refresh(suite, client, String(second.refresh_token))).body
    expect((await refresh(suite, client, first.refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(suite, client, String(third.refresh_token))).body.error).toBe('invalid_grant')
    for (const token of [first.access_token, second.access_token, third.access_token])
      expect(await isActive(suite, String(token))).toBe(false)
  })

  it('RT-06: another client can neither use nor burn it', async () => {
    const tokens = await logIn(suite, client)
    expect((await refresh(suite, other, tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(suite, { client_id: client.client_id }, tokens.refresh_token)).status).toBe(401)
    expect(await isActive(suite, tokens.access_token)).toBe(true)
    expect((await refresh(suite, client, tokens.refresh_token)).status).toBe(200)
  })

  it('RT-07: narrows the access token, never widens, and keeps the original scope', async () => {
    const tokens = await logIn(suite, client, { scope: 'openid offline_access profile' })
    const wider = await refresh(suite, client, tokens.refresh_token, { scope: 'openid email' })
    expect(wider.body.error).toBe('invalid_scope')
    const narrow = await refresh(suite, client, tokens.refresh_token, { scope: 'openid' })
    expect(narrow.body.scope).toBe('openid')
    const whole = await refresh(suite, client, String(narrow.body.refresh_token))
    expect(whole.body.scope).toBe('openid offline_access profile')
  })

  it('RT-10: no refresh token without offline_access', async () => {
    expect((await logIn(suite, client, { scope: 'openid' })).refresh_token).toBeUndefined()
  })

  it('RT-09: refused once the consent is revoked, and its access token dies', async () => {
    const tokens = await logIn(suite, client, {}, { subject: 'rosa' })
    const path = `/oauth2/auth/sessions/consent?subject=rosa&client=${client.client_id}`
    expect((await adminJson(suite, 'DELETE', path)).status).toBe(204)
    expect((await refresh(suite, client, tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(await isActive(suite, tokens.access_token)).toBe(false)
  })

  it('Hydra: tokens outlive the login session that they came of, whoever ends it', async () => {
    const tokens = await logIn(suite, client, {}, { subject: 'olga' })
    const { status } = await adminJson(suite, 'DELETE', '/oauth2/auth/sessions/login?subject=olga')
    expect(status).toBe(204)
    expect(await isActive(suite, tokens.access_token)).toBe(true)
    expect((await refresh(suite, client, tokens.refresh_token)).status).toBe(200)
  })

  it('RT-09: a client that lost the grant type or a scope gets nothing, and burns nothing', async () => {
    const own = await createClient(suite)
    const tokens = await logIn(suite, own, { scope: 'openid offline_access profile' })
    const narrow = await adminJson(suite, 'PATCH', `/clients/${own.client_id}`, [
      { op: 'replace', path: '/scope', value: 'openid offline_access' },
    ])
    expect(narrow.status).toBe(200)
    expect((await refresh(suite, own, tokens.refresh_token)).body.error).toBe('invalid_scope')
    const wide = [{ op: 'replace', path: '/scope', value: 'openid offline_access profile' }]
    await adminJson(suite, 'PATCH', `/clients/${own.client_id}`, wide)
    expect((await refresh(suite, own, tokens.refresh_token)).status).toBe(200)
  })
})

describe('revocation (RFC 7009)', () => {
  it('TK-17: a refresh token takes its access tokens along', async () => {
    const tokens = await logIn(suite, client)
    const answer = await revoke(tokens.refresh_token, client)
    expect(answer.status).toBe(200)
    expect(await isActive(suite, tokens.access_token)).toBe(false)
    expect((await userinfo(suite, tokens.access_token)).status).toBe(401)
    expect((await refresh(suite, client, tokens.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('TK-15, TK-16: unknown, malformed, foreign, twice, wrong hint: 200, and foreign tokens live', async () => {
    const tokens = await logIn(suite, client)
    for (const token of ['nothing', 'tsr_at_AAAA', 'a.b.c']) expect((await revoke(token, client)).status).toBe(200)
    expect((await revoke(tokens.access_token, other)).status).toBe(200)
    expect((await revoke(tokens.refresh_token, other)).status).toBe(200)
    expect(await isActive(suite, tokens.access_token)).toBe(true)
    expect((await revoke(tokens.access_token, client, 'refresh_token')).status).toBe(200)
    expect((await revoke(tokens.access_token, client)).status).toBe(200)
    expect(await isActive(suite, tokens.access_token)).toBe(false)
  })

  it('RFC 7009 2.1: without the token, and without the right client', async () => {
    expect((await post(suite, '/oauth2/revoke', {}, client)).body.error).toBe('invalid_request')
    const wrong = { ...client, client_secret: 'wrong' }
    expect((await post(suite, '/oauth2/revoke', { token: 'x' }, wrong)).status).toBe(401)
  })

  it('a token of client credentials is revoked alone', async () => {
    const machine = await createClient(suite, { grant_types: ['client_credentials'] })
    const issue = async () =>
      String((await post(suite, '/oauth2/token', { grant_type: 'client_credentials' }, machine)).body.access_token)
    const [one, two] = [await issue(), await issue()]
    await revoke(one, machine)
    expect(await isActive(suite, one)).toBe(false)
    expect(await isActive(suite, two)).toBe(true)
    const all = await adminJson(suite, 'DELETE', `/oauth2/tokens?client_id=${machine.client_id}`)
    expect(all.status).toBe(204)
    expect(await isActive(suite, two)).toBe(false)
    expect(await isActive(suite, await issue())).toBe(true)
  })
})

describe('introspection (RFC 7662)', () => {
  it('TK-12: whatever is not good is exactly {"active":false}', async () => {
    const tokens = await logIn(suite, client)
    for (const token of ['x', 'a.b.c', tokens.id_token, `${tokens.access_token}x`, tokens.access_token.slice(0, -1)])
      expect(await introspect(suite, token)).toEqual({ active: false })
    expect(await introspect(suite, tokens.access_token, { scope: 'nothing' })).toEqual({ active: false })
    expect((await introspect(suite, tokens.access_token, { scope: 'openid' })).active).toBe(true)
    const hinted = await introspect(suite, tokens.refresh_token, { token_type_hint: 'access_token' })
    expect(hinted).toMatchObject({ active: true, token_use: 'refresh_token' })
  })

  it('TK-11: the public port wants a confidential client or a good token', async () => {
    const tokens = await logIn(suite, client)
    const ask = async (headers: Record<string, string>) => {
      const body = new URLSearchParams({ token: tokens.access_token })
      const response = await fetch(`${suite.publicUrl}/oauth2/introspect`, { method: 'POST', headers, body })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer nothing' })).status).toBe(401)
    expect((await ask(basicOf({ ...client, client_secret: 'wrong' }))).status).toBe(401)
    expect((await ask(basicOf(client))).body.active).toBe(true)
    expect((await ask({ authorization: `Bearer ${tokens.access_token}` })).body.active).toBe(true)
    const open = await createClient(suite, { token_endpoint_auth_method: 'none' })
    const asPublic = await post(
      suite,
      '/oauth2/introspect',
      { token: tokens.access_token },
      { client_id: open.client_id },
    )
    expect(asPublic.status).toBe(401)
  })

  it('TK-13: a caller that a token is not meant for sees nothing of it', async () => {
    const api = ['https://api.example.com']
    const machine = await createClient(suite, { grant_types: ['client_credentials'], audience: api })
    const issued = await post(
      suite,
      '/oauth2/token',
      { grant_type: 'client_credentials', audience: 'https://api.example.com' },
      machine,
    )
    const token = String(issued.body.access_token)
    const ask = async (caller: Client) => (await post(suite, '/oauth2/introspect', { token }, caller)).body
    expect(await ask(other)).toEqual({ active: false })
    expect((await ask(machine)).active).toBe(true)
    expect((await ask(await createClient(suite, { audience: api }))).active).toBe(true)
  })

  it('TK-14: neither GET nor a token in the query', async () => {
    const address = `${suite.adminUrl}/admin/oauth2/introspect?token=x`
    expect((await fetch(address)).status).toBe(405)
    expect((await fetch(address, { method: 'POST' })).status).toBe(400)
  })
})
