// The checks of an authorization request: what is shown by the server itself, and what goes back to the client.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '#proto/client/v1/client_service.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import {
  ConsentSuite,
  challengeOf,
  codeChallenge,
  errorOf,
  issuer,
  ordinary,
  type Parameters,
  pageErrorOf,
  redirectUri,
  responseOf,
} from '../support/consent_suite.js'

let suite: ConsentSuite
let client: Client
let publicClient: Client

beforeAll(async () => {
  suite = await ConsentSuite.start()
  client = await suite.register()
  publicClient = await suite.register({ tokenEndpointAuthMethod: 'none' })
  await suite.register({ redirectUris: ['https://other.test/cb'] })
})
afterAll(() => suite.stop())

const start = (parameters: Parameters, duplicates: string[] = []) => suite.browser().start(parameters, duplicates)

const without = (parameters: Parameters, ...names: string[]): Parameters =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => !names.includes(name)))

/** A request with every fault at once, so that an error tells which check came first. */
const faulty = {
  response_type: 'bogus',
  scope: 'not-allowed',
  prompt: 'none login',
  max_age: 'x',
  display: 'x',
  claims: '{',
  code_challenge_method: 'plain',
}

describe('ER-01, ER-02: the client is looked at before everything else', () => {
  it.each([
    ['unknown', 'nobody', 'invalid_client'],
    ['missing', '', 'invalid_request'],
    ['too long', 'x'.repeat(10_240), 'invalid_client'],
    ['no ASCII', 'clïent', 'invalid_client'],
    ['with NUL', 'a\0b', 'invalid_client'],
  ])('%s', async (_, client_id, code) => {
    const evil = { ...ordinary(client), ...faulty, client_id, redirect_uri: 'https://evil.test/cb' }
    expect(pageErrorOf(await start(evil))).toBe(code)
    expect(pageErrorOf(await start({ ...evil, redirect_uri: redirectUri }))).toBe(code)
  })

  it('sent twice', async () => {
    expect(pageErrorOf(await start(without(ordinary(client), 'client_id'), ['client_id']))).toBe('invalid_request')
    expect(pageErrorOf(await start(ordinary(client), ['client_id']))).toBe('invalid_request')
  })
})

describe('redirect URIs', () => {
  it.each([
    ['RU-02', 'https://app.test/cb/'],
    ['RU-02', 'https://app.test/cb?'],
    ['RU-02', 'https://app.test/cb?x=1'],
    ['RU-02', 'https://app.test/CB'],
    ['RU-02', 'https://APP.test/cb'],
    ['RU-02', 'HTTPS://app.test/cb'],
    ['RU-02', 'https://app.test:443/cb'],
    ['RU-02', 'https://app.test./cb'],
    ['RU-02', 'https://app.test/%63b'],
    ['RU-03', 'https://app.test/cb#'],
    ['RU-03', 'https://app.test/cb#x'],
    ['RU-03', 'https://app.test/cb%23x'],
    ['RU-05', 'https://app.test@evil.test/cb'],
    ['RU-05', 'https://app.test:443@evil.test/cb'],
    ['RU-05', 'https://user:pw@app.test/cb'],
    ['RU-06', 'https://app.test\\@evil.test/cb'],
    ['RU-06', 'https:/\\evil.test/cb'],
    ['RU-06', ' https://app.test/cb'],
    ['RU-06', 'https://app.test/cb\r\nSet-Cookie: x=1'],
    ['RU-06', 'https://app.test/cb\0'],
    ['RU-06', '\ufeffhttps://app.test/cb'],
    ['RU-07', 'https://app.test/cb/../evil'],
    ['RU-07', 'https://app.test/./cb'],
    ['RU-07', 'https://app.test/cb//'],
    ['RU-07', 'https://app.test/cb/..;/x'],
    ['RU-08', 'https://\uff41pp.test/cb'],
    ['RU-08', 'https://xn--pp-6ka.test/cb'],
    ['RU-08', 'https://app.test/cb\u202e'],
    ['RU-08', 'https://app.test/cb\ud800'],
    ['RU-18', 'https://other.test/cb'],
    ['RU-23', `https://app.test/cb?${'x'.repeat(8_000)}`],
    ['RU-23', `https://app.test/cb?${'x'.repeat(60_000)}`],
  ])('%s: %j is not registered', async (_, uri) => {
    const answer = await start({ ...ordinary(client), ...faulty, redirect_uri: uri })
    expect(pageErrorOf(answer)).toBe('invalid_request')
    expect(answer.cookies).toEqual([])
  })

  it('RU-10: sent twice', async () => {
    expect(pageErrorOf(await start(without(ordinary(client), 'redirect_uri'), ['redirect_uri']))).toBe(
      'invalid_request',
    )
  })

  it('RU-11, RU-12: missing or empty in an OpenID request', async () => {
    expect(pageErrorOf(await start(without(ordinary(client), 'redirect_uri')))).toBe('invalid_request')
    expect(pageErrorOf(await start(ordinary(client, { redirect_uri: '' })))).toBe('invalid_request')
  })

  it('RU-11: missing in an OAuth request, only the single registered one will do', async () => {
    const request = without(ordinary(client, { scope: 'profile' }), 'redirect_uri')
    const browser = suite.browser()
    const answer = await browser.authorize(request)
    expect(answer.redirectUri).toBe(redirectUri)
    // RFC 6749 4.1.3: what was not in the authorization request is not asked for at the token endpoint.
    await suite.redeem(client, answer.parameters.code ?? '', { redirect_uri: '' })
    const several = await suite.register({ redirectUris: [redirectUri, 'https://app.test/other'] })
    expect(pageErrorOf(await start({ ...request, client_id: several.clientId }))).toBe('invalid_request')
  })

  it('RU-13: on the loopback the port that was asked for is kept, up to the token endpoint', async () => {
    const native = await suite.register({ tokenEndpointAuthMethod: 'none', redirectUris: ['http://127.0.0.1/cb'] })
    const asked = { redirect_uri: 'http://127.0.0.1:51004/cb' }
    const { parameters, ...rest } = await suite.browser().authorize(ordinary(native, asked))
    expect(rest.redirectUri).toBe(asked.redirect_uri)
    await suite.redeem(native, parameters.code ?? '', asked)
  })
})

describe('ER-03: single faults go back to the client', () => {
  const cases: [string, Parameters, string][] = [
    ['response_type is missing', { response_type: '' }, 'invalid_request'],
    ['response_type is unknown', { response_type: 'bogus' }, 'unsupported_response_type'],
    ['response_type is of another prototype', { response_type: 'constructor' }, 'unsupported_response_type'],
    ['response_type has a word twice', { response_type: 'code code' }, 'unsupported_response_type'],
    ['scope is not allowed', { scope: 'openid admin' }, 'invalid_scope'],
    ['scope has characters that no scope has', { scope: 'openid "x"' }, 'invalid_scope'],
    ['audience is not allowed', { audience: 'https://api.test https://evil.test' }, 'invalid_request'],
    ['prompt is none and another', { prompt: 'none login' }, 'invalid_request'],
    ['prompt is unknown', { prompt: 'dance' }, 'invalid_request'],
    ['prompt is create', { prompt: 'create' }, 'invalid_request'],
    ['max_age is no number', { max_age: '-1' }, 'invalid_request'],
    ['max_age is no whole number', { max_age: '1.5' }, 'invalid_request'],
    ['display is unknown', { display: 'cinema' }, 'invalid_request'],
    ['claims is no JSON', { claims: '{"id_token":' }, 'invalid_request'],
    ['claims is no object', { claims: '[]' }, 'invalid_request'],
    ['id_token_hint is no token', { id_token_hint: 'x.y.z' }, 'invalid_request'],
    ['request', { request: 'eyJ' }, 'invalid_request_object'],
    ['request_uri', { request_uri: 'https://app.test/request' }, 'invalid_request_uri'],
    ['registration', { registration: '{}' }, 'registration_not_supported'],
    ['parameters are larger than 8 KiB', { x: 'y'.repeat(8_192) }, 'invalid_request'],
    ['response_mode is unknown', { response_mode: 'web_message' }, 'unsupported_response_mode'],
  ]
  it.each(cases)('%s', async (_, fault, code) => {
    const { parameters, ...destination } = responseOf(await start(ordinary(client, fault)))
    expect(destination).toEqual({ redirectUri, responseMode: 'query' })
    expect(parameters).toMatchObject({ error: code, iss: issuer, state: 'Zr3cYbR2v0yKq1sUu8mXwA' })
    expect(parameters.code).toBeUndefined()
  })

  it('CO-11: a response type or grant type that the client has not registered', async () => {
    const implicit = await suite.register({ responseTypes: ['token'], grantTypes: ['implicit'] })
    expect(errorOf(await start(ordinary(implicit)))).toBe('unauthorized_client')
    const machine = await suite.register({ responseTypes: ['code'], grantTypes: ['client_credentials'] })
    expect(errorOf(await start(ordinary(machine)))).toBe('unauthorized_client')
  })

  it.each(['state', 'scope', 'response_mode', 'nonce', 'unknown', 'code_challenge'])(
    'ER-12: %s sent twice',
    async (name) => {
      const { parameters } = responseOf(await start(without(ordinary(client), name), [name]))
      expect(parameters.error).toBe('invalid_request')
      expect('state' in parameters).toBe(name !== 'state')
    },
  )

  it('ER-11, ER-13: unknown parameters are no fault, and those without a value count as not sent', async () => {
    challengeOf(
      await start(ordinary(client, { whatever: '1', prompt: '', max_age: '', request: '', nonce: '' })),
      'login',
    )
  })

  it.each(['fragment', 'form_post', 'query'])('RM-04: errors come in the mode that was asked for: %s', async (mode) => {
    const answer = responseOf(await start(ordinary(client, { response_mode: mode, scope: 'admin' })))
    expect(answer.responseMode).toBe(mode)
    const good = await suite.browser().authorize(ordinary(client, { response_mode: mode }))
    expect(good.responseMode).toBe(mode)
    expect(good.parameters.code).toMatch(/./)
  })

  it.each(['a', '"><script>', 'x'.repeat(4_096), 'a\r\nb', ' äöü\u2028'])(
    'BR-02, ER-07: state comes back as it was: %j',
    async (state) => {
      expect(responseOf(await start(ordinary(client, { state, scope: 'admin' }))).parameters.state).toBe(state)
      expect((await suite.browser().authorize(ordinary(client, { state }))).parameters.state).toBe(state)
    },
  )

  it('BR-02: absent state stays absent', async () => {
    expect((await suite.browser().authorize(without(ordinary(client), 'state'))).parameters).not.toHaveProperty('state')
    expect(responseOf(await start(ordinary(client, { state: '', scope: 'x' }))).parameters).not.toHaveProperty('state')
  })
})

describe('PKCE', () => {
  it('PK-04: a public client needs it', async () => {
    const request = without(ordinary(publicClient), 'code_challenge', 'code_challenge_method')
    expect(errorOf(await start(request))).toBe('invalid_request')
    challengeOf(await start(ordinary(publicClient)), 'login')
    challengeOf(await start({ ...request, client_id: client.clientId }), 'login')
  })

  it('oauth2.pkce.enforced: every client needs it', async () => {
    const { oauth2 } = suite.config
    const pkce = { ...oauth2.pkce, enforced: true }
    const browser = suite.browser()
    browser.instance = await suite.add({ ...suite.config, oauth2: { ...oauth2, pkce } })
    const request = without(ordinary(client), 'code_challenge', 'code_challenge_method')
    expect(errorOf(await browser.start(request))).toBe('invalid_request')
  })

  it.each(['plain', '', 's256', 'S512', 'S256 S256'])('PK-05: method %j', async (code_challenge_method) => {
    for (const who of [client, publicClient])
      expect(errorOf(await start(ordinary(who, { code_challenge_method })))).toBe('invalid_request')
  })

  it.each([
    codeChallenge.slice(1),
    `${codeChallenge}A`,
    `${codeChallenge}=`,
    'A'.repeat(128),
    'A'.repeat(129),
    'A'.repeat(7_000),
    `${codeChallenge.slice(0, 42)}+`,
    `${codeChallenge.slice(0, 42)}/`,
    `${codeChallenge.slice(0, 42)} `,
    // The last character holds four bits only: with the others set it would be another name for the same hash.
    `${'A'.repeat(42)}B`,
  ])('PK-06: challenge %j', async (code_challenge) => {
    expect(errorOf(await start(ordinary(client, { code_challenge })))).toBe('invalid_request')
  })

  it('a method without a challenge', async () => {
    expect(errorOf(await start(without(ordinary(client), 'code_challenge')))).toBe('invalid_request')
  })
})

describe('I11: an outage is no verdict', () => {
  it('of the client service: an error of the call, since no redirect URI is known yet', async () => {
    const fresh = await suite.register()
    suite.links.clients.cut()
    try {
      await expect(start(ordinary(fresh))).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    } finally {
      suite.links.clients.mend()
    }
    challengeOf(await start(ordinary(fresh)), 'login')
  })

  it('of the key service: it goes back to the client', async () => {
    const id_token_hint = await suite.idToken({ sub: 'alice', aud: client.clientId })
    const browser = suite.browser()
    browser.instance = await suite.add()
    suite.links.keys.cut()
    try {
      expect(errorOf(await browser.start(ordinary(client, { id_token_hint })))).toBe('temporarily_unavailable')
    } finally {
      suite.links.keys.mend()
    }
    challengeOf(await browser.start(ordinary(client, { id_token_hint })), 'login')
  })

  it('of the token service: it goes back to the client, nothing is kept, and the verifier may come again', async () => {
    const browser = suite.browser()
    const redirectTo = await browser.acceptConsent(await browser.askConsent(ordinary(client), { remember: true }))
    const before = await suite.count('consent_session')
    suite.links.tokens.cut()
    try {
      expect(errorOf(await browser.resume(redirectTo))).toBe('temporarily_unavailable')
    } finally {
      suite.links.tokens.mend()
    }
    expect(await suite.count('consent_session')).toBe(before)
    expect(responseOf(await browser.resume(redirectTo)).parameters.code).toMatch(/./)
  })
})

it('RFC 8414: the metadata says what the checks do', async () => {
  const { metadata } = await suite.one.authorization.getServerMetadata({})
  expect(metadata).toMatchObject({
    scopes_supported: ['openid', 'offline', 'offline_access'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'registration'],
    display_values_supported: ['page', 'popup', 'touch', 'wap'],
    claims_parameter_supported: false,
    request_parameter_supported: true,
    request_uri_parameter_supported: true,
    require_request_uri_registration: true,
    authorization_response_iss_parameter_supported: true,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
})

it('a call without a verifier is refused', async () => {
  const answer = suite.one.authorization.resumeAuthorization({ verifier: undefined, cookies: {} })
  await expect(answer).rejects.toThrow(OAuthError)
})
