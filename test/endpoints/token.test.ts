// The token and revocation endpoints as the client meets them; what they decide is the token service's.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IssueTokenResponse } from '#proto/token/v1/token_service.js'
import { OAuthError, oauthErrors } from '../../services/kit/oauth_error.js'
import { lastRequest, startGateway, type TestGateway } from '../support/fake_services.js'

const full: IssueTokenResponse = {
  accessToken: 'tsr_at_1',
  tokenType: 'bearer',
  expiresIn: 3599,
  scope: 'openid offline',
  refreshToken: 'tsr_rt_1.2',
  idToken: 'a.b.c',
}
let result: IssueTokenResponse | Error = full
let server: TestGateway

const handlers = {
  tokens: {
    issueToken: async () => {
      if (result instanceof Error) throw result
      return result
    },
    revokeToken: async () => {
      if (result instanceof Error) throw result
      return {}
    },
  },
}
beforeAll(async () => {
  server = await startGateway(handlers)
})
afterAll(() => server.close())

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}, to = server) =>
  fetch(`${to.publicUrl}${path}`, { method: 'POST', body: new URLSearchParams(form), headers })

describe('RFC 6749 5.1: a successful answer', () => {
  it('has all that was issued', async () => {
    result = full
    const answer = await post('/oauth2/token', { grant_type: 'authorization_code', code: 'c' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      access_token: 'tsr_at_1',
      token_type: 'bearer',
      expires_in: 3599,
      scope: 'openid offline',
      refresh_token: 'tsr_rt_1.2',
      id_token: 'a.b.c',
    })
  })

  it('leaves out what was not', async () => {
    result = { ...full, refreshToken: '', idToken: '', scope: '' }
    const answer = await post('/oauth2/token', { grant_type: 'client_credentials' })
    expect(await answer.json()).toEqual({
      access_token: 'tsr_at_1',
      token_type: 'bearer',
      expires_in: 3599,
      scope: '',
    })
  })

  it('TK-09: is not stored by anyone', async () => {
    result = full
    const { headers } = await post('/oauth2/token', { grant_type: 'client_credentials' })
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('pragma')).toBe('no-cache')
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('RFC 6749 2.3: credentials travel as they came', () => {
  it('from the header field and the form, apart from the other parameters', async () => {
    result = full
    const authorization = 'Basic YTpi'
    const form = {
      grant_type: 'refresh_token',
      refresh_token: 'r',
      client_id: 'a',
      client_secret: 'b',
      client_assertion: 'c',
      client_assertion_type: 'd',
    }
    await post('/oauth2/token', form, { authorization })
    const { grantType, parameters, credentials } = lastRequest(server.calls, 'issueToken')
    expect(grantType).toBe('refresh_token')
    expect({ ...(parameters as object) }).toEqual({ refresh_token: 'r' })
    expect(credentials).toEqual({
      authorization,
      clientId: 'a',
      clientSecret: 'b',
      clientAssertion: 'c',
      clientAssertionType: 'd',
    })
  })

  it('a grant type is needed', async () => {
    const answer = await post('/oauth2/token', { scope: 'a' })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
  })
})

describe('RFC 6749 5.2: errors', () => {
  // A refused end-user is an error of the request here, as all are but a client that is not known (RFC 8628 3.5).
  const statusOf = (code: string, http: number) => (code === 'access_denied' ? 400 : http)

  for (const [code, { http: status }] of Object.entries(oauthErrors)) {
    const http = statusOf(code, status)
    it(`${code}: ${http}`, async () => {
      result = new OAuthError(code, 'What is wrong.', { hint: 'What to do.' })
      const answer = await post('/oauth2/token', { grant_type: 'x' })
      expect(answer.status).toBe(http)
      expect(await answer.json()).toEqual({ error: code, error_description: 'What is wrong. What to do.' })
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
      expect(answer.headers.has('retry-after')).toBe(http === 503 || http === 429)
      expect(answer.headers.has('www-authenticate')).toBe(http === 401)
    })
  }

  it('TK-04: invalid_client asks for Basic', async () => {
    result = new OAuthError('invalid_client')
    const answer = await post('/oauth2/token', { grant_type: 'x' }, { authorization: 'Basic YTpi' })
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+"/)
  })

  it('Retry-After is what the service says', async () => {
    result = new OAuthError('too_many_requests', undefined, { retryAfter: 17 })
    expect((await post('/oauth2/token', { grant_type: 'x' })).headers.get('retry-after')).toBe('17')
  })

  it('I7: what was not meant for the caller is not told', async () => {
    result = new Error('SELECT * FROM secret_table at /srv/app/store.ts 10.0.0.7:5432')
    const answer = await post('/oauth2/token', { grant_type: 'x' })
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toMatch(/SELECT|secret_table|store\.ts|10\.0\.0\.7/)
  })

  it('ER-08: a description has only the characters that it may have', async () => {
    result = new OAuthError('invalid_request', 'a"b\\c\r\nd\u2028é')
    const { error_description } = (await (await post('/oauth2/token', { grant_type: 'x' })).json()) as Record<
      string,
      string
    >
    expect(error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  })

  it('oauth2.include_legacy_error_fields: the members of Hydra v1', async () => {
    const other = await startGateway(handlers, { oauth2: { include_legacy_error_fields: true } })
    result = new OAuthError('invalid_grant', 'What is wrong.', { hint: 'What to do.' })
    const answer = await post('/oauth2/token', { grant_type: 'x' }, {}, other)
    expect(await answer.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'What is wrong.',
      error_hint: 'What to do.',
      status_code: 400,
    })
    await other.close()
  })
})

describe('RFC 7009', () => {
  it('2.2: the answer is 200 and empty', async () => {
    result = full
    const answer = await post('/oauth2/revoke', { token: 't', token_type_hint: 'refresh_token', client_id: 'a' })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('')
    expect(lastRequest(server.calls, 'revokeToken')).toMatchObject({
      token: 't',
      tokenTypeHint: 'refresh_token',
      credentials: { clientId: 'a' },
    })
  })

  it('2.1: a token is needed', async () => {
    expect((await post('/oauth2/revoke', { token: '' })).status).toBe(400)
  })

  it('TK-18: an outage is 503 with Retry-After, never 200', async () => {
    result = new OAuthError('temporarily_unavailable')
    const answer = await post('/oauth2/revoke', { token: 't' })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  })
})
