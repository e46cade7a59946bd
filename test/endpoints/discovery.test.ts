// Discovery tells the truth: what it names works, what it does not name is refused.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientClaims, newKey, showing, signJwt, signWithSecret } from '../support/assertions.js'
import { type Suite, startSuite } from '../support/suite.js'
import { adminJson, createClient } from '../support/user_agent.js'

const redirectUri = 'http://127.0.0.1:5555/callback'
let suite: Suite
let metadata: Record<string, unknown>

beforeAll(async () => {
  suite = await startSuite()
  metadata = (await (await fetch(`${suite.publicUrl}/.well-known/openid-configuration`)).json()) as typeof metadata
})
afterAll(() => suite.stop())

const supported = (name: string): string[] => metadata[name] as string[]

const token = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
  const answer = await fetch(String(metadata.token_endpoint), {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  })
  return (await answer.json()) as Record<string, string>
}
const basic = (client: { client_id: string; client_secret: string }) => ({
  authorization: `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`,
})

/** The answer of an authorization request that cannot go on without asking. */
async function authorize(clientId: string, more: Record<string, string> = {}): Promise<Response> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    state: 'a-state-of-its-own',
    prompt: 'none',
    ...more,
  })
  return fetch(`${metadata.authorization_endpoint}?${query}`, { redirect: 'manual' })
}
const errorOf = (answer: Response) => new URL(answer.headers.get('location') ?? 'x:').searchParams.get('error')

describe('OpenID Connect Discovery 3, RFC 8414 2', () => {
  it('has what every client needs', () => {
    expect(metadata.issuer).toBe(suite.config.urls.self.issuer)
    for (const name of [
      'authorization_endpoint',
      'token_endpoint',
      'jwks_uri',
      'response_types_supported',
      'subject_types_supported',
      'id_token_signing_alg_values_supported',
      'scopes_supported',
    ])
      expect(metadata, name).toHaveProperty(name)
  })

  it('grant_types_supported', async () => {
    const client = await createClient(suite)
    expect(supported('grant_types_supported').toSorted()).toEqual([
      'authorization_code',
      'client_credentials',
      'implicit',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ])
    for (const grant_type of supported('grant_types_supported').filter((name) => name !== 'implicit'))
      expect((await token({ grant_type }, basic(client))).error).not.toBe('unsupported_grant_type')
    for (const grant_type of ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:saml2-bearer', 'toString'])
      expect((await token({ grant_type }, basic(client))).error).toBe('unsupported_grant_type')
  })

  it('token_endpoint_auth_methods_supported', async () => {
    const key = newKey('ES256')
    const issuer = String(metadata.issuer)
    const methods = supported('token_endpoint_auth_methods_supported')
    const credentials: Record<string, (client: { client_id: string; client_secret: string }) => Promise<unknown>> = {
      client_secret_basic: (client) => token({ grant_type: 'client_credentials' }, basic(client)),
      client_secret_post: ({ client_id, client_secret }) =>
        token({ grant_type: 'client_credentials', client_id, client_secret }),
      private_key_jwt: ({ client_id }) =>
        token({ grant_type: 'client_credentials', ...showing(signJwt(key, clientClaims(client_id, issuer))) }),
      client_secret_jwt: ({ client_id, client_secret }) => {
        const assertion = signWithSecret(client_secret, clientClaims(client_id, issuer))
        return token({ grant_type: 'client_credentials', ...showing(assertion) })
      },
      none: ({ client_id }) => token({ grant_type: 'refresh_token', refresh_token: 'x', client_id }),
    }
    expect(methods.toSorted()).toEqual(Object.keys(credentials).toSorted())
    for (const method of methods) {
      const grant_types = method === 'none' ? ['authorization_code', 'refresh_token'] : ['client_credentials']
      const jwks = { keys: [key.jwk] }
      const client = await createClient(suite, { token_endpoint_auth_method: method, grant_types, jwks })
      expect(await credentials[method]?.(client), method).toMatchObject(
        method === 'none' ? { error: 'invalid_grant' } : { token_type: 'bearer' },
      )
    }
    for (const token_endpoint_auth_method of ['tls_client_auth', 'self_signed_tls_client_auth', 'x'])
      expect((await adminJson(suite, 'POST', '/clients', { token_endpoint_auth_method })).status).toBe(400)
  })

  it.each(['token', 'revocation', 'introspection'])('%s_endpoint_auth_signing_alg_values_supported', async (name) => {
    const algorithms = supported(`${name}_endpoint_auth_signing_alg_values_supported`)
    const registers = async (token_endpoint_auth_signing_alg: string) => {
      const isMac = token_endpoint_auth_signing_alg.startsWith('HS')
      const token_endpoint_auth_method = isMac ? 'client_secret_jwt' : 'private_key_jwt'
      const jwks_uri = isMac ? '' : 'https://a.example/keys'
      const body = { token_endpoint_auth_method, token_endpoint_auth_signing_alg, jwks_uri }
      return (await adminJson(suite, 'POST', '/clients', body)).status === 201
    }
    expect(algorithms).toHaveLength(14)
    for (const alg of algorithms) expect(await registers(alg), alg).toBe(true)
    for (const alg of ['none', 'RS1', 'ES256K']) expect(await registers(alg), alg).toBe(false)
  })

  it('response_types_supported', async () => {
    const response_types = supported('response_types_supported')
    expect(response_types).toHaveLength(7)
    const { client_id } = await createClient(suite, { response_types, grant_types: ['authorization_code', 'implicit'] })
    const locationOf = async (response_type: string) =>
      (await authorize(client_id, { response_type, nonce: 'a-nonce-of-its-own' })).headers.get('location')
    for (const response_type of response_types) expect(await locationOf(response_type)).toContain('login_required')
    for (const response_type of ['none', 'code code', 'x'])
      expect(await locationOf(response_type)).toContain('unsupported_response_type')
  })

  it('response_modes_supported', async () => {
    const { client_id } = await createClient(suite)
    const read: Record<string, (answer: Response) => Promise<string>> = {
      query: async (answer) => new URL(answer.headers.get('location') ?? '').search,
      fragment: async (answer) => new URL(answer.headers.get('location') ?? '').hash,
      form_post: (answer) => answer.text(),
    }
    expect(supported('response_modes_supported').toSorted()).toEqual(Object.keys(read).toSorted())
    for (const response_mode of supported('response_modes_supported'))
      expect(await read[response_mode]?.(await authorize(client_id, { response_mode })), response_mode).toContain(
        'login_required',
      )
    for (const response_mode of ['web_message', 'query.jwt', 'x']) {
      const answer = await authorize(client_id, { response_mode })
      expect(answer.headers.get('location') ?? (await answer.text())).not.toContain('login_required')
    }
  })

  it('PK-09: code_challenge_methods_supported', async () => {
    const { client_id } = await createClient(suite)
    const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    expect(metadata.code_challenge_methods_supported).toEqual(['S256'])
    expect(errorOf(await authorize(client_id, { code_challenge, code_challenge_method: 'S256' }))).toBe(
      'login_required',
    )
    for (const more of [{ code_challenge, code_challenge_method: 'plain' }, { code_challenge }])
      expect(errorOf(await authorize(client_id, more))).toBe('invalid_request')
  })

  it('id_token_signing_alg_values_supported', async () => {
    const algs = supported('id_token_signing_alg_values_supported')
    expect(algs).toContain('RS256')
    const { keys } = (await (await fetch(String(metadata.jwks_uri))).json()) as { keys: { alg: string }[] }
    for (const alg of algs) {
      expect(keys.map((key) => key.alg)).toContain(alg)
      await createClient(suite, { id_token_signed_response_alg: alg })
    }
    for (const id_token_signed_response_alg of ['none', 'HS256', 'x'])
      expect((await adminJson(suite, 'POST', '/clients', { id_token_signed_response_alg })).status).toBe(400)
  })

  it('subject_types_supported', async () => {
    expect(supported('subject_types_supported')).toEqual(['public'])
    expect((await adminJson(suite, 'POST', '/clients', { subject_type: 'pairwise' })).status).toBe(400)
  })

  it('request objects and the claims parameter', async () => {
    const { client_id } = await createClient(suite)
    expect(metadata).toMatchObject({ request_parameter_supported: true, request_uri_parameter_supported: true })
    expect(errorOf(await authorize(client_id, { request: 'x.y.z' }))).toBe('invalid_request_object')
    expect(errorOf(await authorize(client_id, { request_uri: 'https://a.test/r' }))).toBe('invalid_request_uri')
  })

  it('BR-01: authorization_response_iss_parameter_supported', async () => {
    const { client_id } = await createClient(suite)
    expect(metadata.authorization_response_iss_parameter_supported).toBe(true)
    const { searchParams } = new URL((await authorize(client_id)).headers.get('location') ?? '')
    expect(searchParams.get('iss')).toBe(metadata.issuer)
  })

  it('revocation and introspection endpoints take the methods that are named for them', async () => {
    const client = await createClient(suite, { grant_types: ['client_credentials'] })
    const { access_token = '' } = await token({ grant_type: 'client_credentials' }, basic(client))
    const ask = (headers: Record<string, string>, form: Record<string, string> = {}) =>
      fetch(String(metadata.introspection_endpoint), {
        method: 'POST',
        body: new URLSearchParams({ token: access_token, ...form }),
        headers,
      })
    expect(supported('introspection_endpoint_auth_methods_supported')).not.toContain('none')
    expect(await (await ask(basic(client))).json()).toMatchObject({ active: true, client_id: client.client_id })
    expect(await (await ask({ authorization: `Bearer ${access_token}` })).json()).toMatchObject({ active: true })
    const publicClient = await createClient(suite, { token_endpoint_auth_method: 'none' })
    expect((await ask({}, { client_id: publicClient.client_id })).status).toBe(401)
    expect((await ask({})).status).toBe(401)
    for (const [form, headers] of [
      [{}, basic(client)],
      [{ client_id: publicClient.client_id }, {}],
    ] as const) {
      const body = new URLSearchParams({ token: 'x', ...form })
      expect((await fetch(String(metadata.revocation_endpoint), { method: 'POST', body, headers })).status).toBe(200)
    }
  })
})
