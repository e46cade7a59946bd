// What a client's metadata may be: RFC 7591, OpenID Connect Registration, RFC 8252, and the corpora of hostile values.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Client, Lifespans } from '#proto/client/v1/client_service.js'
import { checkMetadata, completeMetadata, isClientId, updatableFields } from '../../services/client/client_metadata.js'
import { redirectUriProblem } from '../../services/client/redirect_uri.js'
import type { OAuthError } from '../../services/kit/oauth_error.js'
import { newKeyPair } from '../support/key_pair.js'

const complete = (metadata: Partial<Client>): Client =>
  completeMetadata(Client.create({ clientId: 'app', ...metadata }), 'offline_access offline openid')

/** `code: description` of the refusal; `accepted` if there is none. */
function verdictOn(metadata: Partial<Client>): string {
  try {
    checkMetadata(complete(metadata), { dev: false })
    return 'accepted'
  } catch (thrown) {
    const { code, description } = thrown as OAuthError
    return `${code}: ${description}`
  }
}

const refusedFor = (field: string) => new RegExp(`^invalid_client_metadata: ${field}: `)

describe('defaults', () => {
  it('RFC 7591 2: what is left out gets its default, as Hydra answers it', () => {
    const { grantTypes, responseTypes, tokenEndpointAuthMethod, subjectType, userinfoSignedResponseAlg, scope } =
      complete({})
    expect(grantTypes).toEqual(['authorization_code'])
    expect(responseTypes).toEqual(['code'])
    expect(tokenEndpointAuthMethod).toBe('client_secret_basic')
    expect(subjectType).toBe('public')
    expect(userinfoSignedResponseAlg).toBe('none')
    expect(scope).toBe('offline_access offline openid')
    expect(verdictOn({})).toBe('accepted')
  })

  it('RFC 7591 2: what is said is kept', () => {
    const said = {
      grantTypes: ['client_credentials'],
      responseTypes: ['code id_token'],
      tokenEndpointAuthMethod: 'none',
      scope: 'read  write ',
    }
    expect(complete(said)).toMatchObject({ ...said, scope: 'read write' })
  })

  it('an empty key set, as Hydra answers it for a client without keys, is no key set', () => {
    expect(complete({ jwks: {} }).jwks).toBeUndefined()
    expect(complete({ jwks: { keys: [] } }).jwks).toBeUndefined()
    expect(verdictOn({ jwks: {}, jwksUri: 'https://a.test/jwks' })).toBe('accepted')
  })

  it('every field but those that the server sets can be updated', () => {
    expect(updatableFields.get('client_name')).toBe('clientName')
    for (const field of [
      'client_id',
      'revision',
      'registration_id',
      'created_at',
      'updated_at',
      'secret_hashes',
      '__proto__',
    ])
      expect(updatableFields.has(field), field).toBe(false)
  })
})

describe('redirect_uris', () => {
  const good = [
    'https://a.test/cb',
    'https://a.test',
    'https://a.test/',
    'https://a.test:8443/cb?tenant=1&x=%20y',
    'https://a.test:443/cb',
    'https://xn--mller-kva.test/cb',
    'https://192.0.2.7/cb',
    'https://[2001:db8::1]/cb',
    'https://a.test/cb/.well-known/x..y',
    'https://a.test/%7Ejoe/100%25',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:5555/callback',
    'http://[::1]:8080/cb',
    'http://localhost:3000/cb',
    'com.example.app:/oauth2redirect',
    'com.example.app://callback/path?x=1',
  ]
  it.each(good)('RFC 8252 7: %s is accepted', (uri) => {
    expect(redirectUriProblem(uri)).toBeUndefined()
  })

  const bad: Record<string, string[]> = {
    'RU-03: a fragment': [
      'https://a.test/cb#x',
      'https://a.test/cb#',
      'https://a.test/cb%23x',
      'https://a.test/cb%2523x',
    ],
    'RU-04: a wildcard': ['https://*.a.test/cb', 'https://a.test/*', '*', 'https://*', 'com.example.*:/cb'],
    'RU-05: user information': [
      'https://a.test@evil.test/cb',
      'https://a.test:443@evil/cb',
      'https://user:pw@a.test/cb',
      'https://@a.test/cb',
      'com.example.app://user@host/cb',
    ],
    'RU-06: backslashes, controls and spaces': [
      'https://a.test\\@evil.test',
      'https:/\\evil',
      'https:\\\\evil',
      'https://a.test/\t',
      'https://a.test/\r\nSet-Cookie:x=1',
      'https://a.test/\0',
      'https://a.test/%00',
      'https://a.test/%0d%0aSet-Cookie:x=1',
      'https://a.test/cb?x=%0D%0A',
      'https://a.test/%5c%5cevil',
      ' https://a.test/',
      'https://a.test/ ',
      '\ufeffhttps://a.test/',
      'https://a.test/<script>',
      'https://a.test/"',
    ],
    'RU-07: dot segments': [
      'https://a.test/cb/..',
      'https://a.test/cb/../evil',
      'https://a.test/cb/..;/x',
      'https://a.test/cb/%2e%2e/x',
      'https://a.test/cb/%252e%252e/x',
      'https://a.test/cb/.%2E/x',
      'https://a.test/./cb',
      'https://a.test/cb%2f..%2fevil',
      'com.example.app:/../cb',
    ],
    'RU-08: anything but ASCII, or broken encoding': [
      'https://ａ.test/cb',
      'https://а.test/cb',
      'https://a。test/cb',
      'https://a.test/\u202ecb',
      'https://a.test/é',
      'https://a.test/%c0%ae%c0%ae/',
      'https://a.test/%zz',
      'https://a.test/%',
      'https://a.test/\ud800',
    ],
    'RU-09: other spellings of an address': [
      'https://2130706433/cb',
      'https://0x7f.1/cb',
      'https://127.1/cb',
      'https://127.0.0.1./cb',
      'https://[0:0:0:0:0:0:0:1]/cb',
      'https://%61.test/cb',
      'http://2130706433/cb',
      'http://[::ffff:127.0.0.1]/cb',
      'http://127.0.0.2/cb',
      'http://localhost./cb',
    ],
    'RU-14: a port that is none': [
      'http://127.0.0.1:0/cb',
      'http://127.0.0.1:65536/cb',
      'https://a.test:/cb',
      'https://a.test:80a/cb',
      'https://a.test:-1/cb',
    ],
    'RU-16: http for a host that is not the loopback': [
      'http://a.test/cb',
      'http://localhost.a.test/cb',
      'HTTP://a.test/cb',
      'http://127.0.0.1.a.test/cb',
    ],
    'RU-17: private-use schemes without a dot, and dangerous ones': [
      'myapp:/cb',
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'about:blank',
      'blob:https://a.test/x',
      'view-source:https://a.test',
      'vbscript:x',
      'intent://a.test/',
      'urn:ietf:wg:oauth:2.0:oob',
      'ftp://a.test/cb',
      'com.example.app:',
    ],
    'RFC 6749 3.1.2: not absolute': [
      '',
      '/cb',
      'a.test/cb',
      '//a.test/cb',
      'https:',
      'https://',
      'https:///cb',
      'https:a.test',
    ],
  }
  for (const [name, uris] of Object.entries(bad))
    it.each(uris)(`${name}: %j is refused`, (uri) => {
      expect(verdictOn({ redirectUris: ['https://a.test/cb', uri] })).toMatch(
        /^invalid_redirect_uri: redirect_uris: entry 2 /,
      )
    })

  it('RU-23: at most 2,048 bytes each and 100 in all', () => {
    const longest = `https://a.test/${'x'.repeat(2_048 - 15)}`
    expect(redirectUriProblem(longest)).toBeUndefined()
    expect(redirectUriProblem(`${longest}x`)).toMatch(/longer/)
    expect(verdictOn({ redirectUris: Array(100).fill('https://a.test/cb') })).toBe('accepted')
    expect(verdictOn({ redirectUris: Array(101).fill('https://a.test/cb') })).toMatch(/^invalid_redirect_uri/)
    expect(verdictOn({ redirectUris: [`https://a.test/${'x'.repeat(65_536)}`] })).toMatch(/^invalid_redirect_uri/)
  })

  it('RU-21: what is accepted is one plain URI however it is read', () => {
    const piece = fc.constantFrom(
      ...[
        'https',
        'http',
        ':',
        '//',
        '/',
        '\\',
        '@',
        '#',
        '?',
        '%2e',
        '%2f',
        '%00',
        '..',
        '.',
        '*',
        'a.test',
        '127.0.0.1',
      ],
      ...['localhost', ':80', ':0', 'x', '[::1]', ' ', '\t', '；', 'com.example', 'javascript', '%', '&', ';'],
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
        ),
        (uri) => {
          if (redirectUriProblem(uri) !== undefined) return
          const url = new URL(uri)
          expect(url.username + url.password + url.hash).toBe('')
          expect(decodeURIComponent(url.pathname)).not.toMatch(/\/\.\.?(\/|;|$)/)
          if (url.protocol === 'http:') expect(['127.0.0.1', '[::1]', 'localhost']).toContain(url.hostname)
          else expect(url.protocol).toMatch(/^https:$|\./)
          // The browser goes to the host that stands there.
          if (url.protocol === 'https:')
            expect(uri.toLowerCase().split('/')[2]?.replace(/:\d+$/, '')).toBe(url.hostname)
        },
      ),
      { numRuns: 5_000 },
    )
  })
})

describe('post_logout_redirect_uris', () => {
  const redirectUris = ['https://a.test/cb', 'http://127.0.0.1:5555/cb', 'com.example.app:/cb']
  const verdict = (uri: string) => verdictOn({ redirectUris, postLogoutRedirectUris: [uri] })

  it.each(['https://a.test/bye', 'https://a.test:443/bye', 'http://127.0.0.1:5555/', 'com.example.app:/bye'])(
    'Hydra: %s shares scheme, host and port with a redirect URI',
    (uri) => {
      expect(verdict(uri)).toBe('accepted')
    },
  )

  it.each([
    'https://b.test/bye',
    'https://a.test:8443/bye',
    'http://127.0.0.1:5556/',
    'https://www.a.test/',
    'https://a.test.evil.test/',
    'com.example.other:/bye',
    'javascript:alert(1)',
    'https://a.test/bye#x',
    'https://a.test@evil.test/',
  ])('RU-22: %s does not', (uri) => {
    expect(verdict(uri)).toMatch(refusedFor('post_logout_redirect_uris'))
  })

  it('RU-22: there is none without a redirect URI', () => {
    expect(verdictOn({ postLogoutRedirectUris: ['https://a.test/bye'] })).toMatch(
      refusedFor('post_logout_redirect_uris'),
    )
  })
})

describe('allowed_cors_origins', () => {
  it('TK-10: an origin is kept as browsers send it', () => {
    const { allowedCorsOrigins } = complete({ allowedCorsOrigins: ['https://App.test:443/', 'http://localhost:3000'] })
    expect(allowedCorsOrigins).toEqual(['https://app.test', 'http://localhost:3000'])
  })

  it.each([
    'https://app.test/path',
    'https://app.test?x',
    'https://app.test#x',
    'https://user@app.test',
    'https://*.app.test',
    '*',
    'null',
    'app.test',
    'ftp://app.test',
    'https://app.test\\.evil.test',
    '',
  ])('TK-10: %j is no origin', (origin) => {
    expect(verdictOn({ allowedCorsOrigins: [origin] })).toMatch(refusedFor('allowed_cors_origins'))
  })
})

describe('jwks', () => {
  const publicJwk = (type: 'rsa' | 'ec' | 'ed25519', options: object = {}) =>
    newKeyPair(type, options).publicKey.export({ format: 'jwk' }) as Record<string, unknown>
  const rsa = publicJwk('rsa', { modulusLength: 2048 })
  const ec = publicJwk('ec', { namedCurve: 'P-256' })
  const verdict = (...keys: unknown[]) => verdictOn({ jwks: { keys } })

  it('RFC 7517 5: public keys of fair strength are accepted', () => {
    expect(verdict({ ...rsa, kid: 'a' }, { ...ec, kid: 'b', use: 'sig' }, publicJwk('ed25519'))).toBe('accepted')
    expect(verdict(publicJwk('ec', { namedCurve: 'P-384' }), publicJwk('ec', { namedCurve: 'P-521' }))).toBe('accepted')
  })

  it('RFC 7591 2: jwks and jwks_uri exclude each other', () => {
    expect(verdictOn({ jwks: { keys: [rsa] }, jwksUri: 'https://a.test/jwks' })).toMatch(refusedFor('jwks'))
  })

  const n = Buffer.from(String(rsa.n), 'base64url')
  const even = Buffer.from(n)
  even[even.length - 1] = (even[even.length - 1] ?? 0) & 0xfe
  const offCurve = { ...ec, y: Buffer.alloc(32, 7).toString('base64url') }
  const privateRsa = newKeyPair('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  const cases: [string, unknown][] = [
    ['RSA of 1024 bits', publicJwk('rsa', { modulusLength: 1024 })],
    [
      'RSA whose length is zeros',
      { ...rsa, n: Buffer.concat([Buffer.alloc(200), n.subarray(0, 56)]).toString('base64url') },
    ],
    ['RSA of 16384 bits', { ...rsa, n: Buffer.alloc(2_048, 0xff).toString('base64url') }],
    ['e = 1', { ...rsa, e: 'AQ' }],
    ['an even e', { ...rsa, e: 'Ag' }],
    ['a huge e', { ...rsa, e: Buffer.alloc(64, 0xff).toString('base64url') }],
    ['an even modulus', { ...rsa, n: even.toString('base64url') }],
    ['P-192', { kty: 'EC', crv: 'P-192', x: 'AAAA', y: 'AAAA' }],
    ['secp256k1', publicJwk('ec', { namedCurve: 'secp256k1' })],
    ['a point off the curve', offCurve],
    ['an invalid Ed25519', { kty: 'OKP', crv: 'Ed25519', x: 'AA' }],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
    ['a private key', privateRsa],
    ['a key with k', { ...rsa, k: 'c2VjcmV0' }],
    ['kty __proto__', { ...rsa, kty: '__proto__' }],
    ['no kty', { n: rsa.n, e: rsa.e }],
    ['numbers for strings', { kty: 'RSA', n: 5, e: 3 }],
    ['a kid that is an object', { ...rsa, kid: {} }],
    ['a kid of 10 KB', { ...rsa, kid: 'x'.repeat(10_000) }],
    ['a NUL in a member', { ...rsa, use: '\0' }],
    ['a string', 'key'],
    ['null', null],
    ['a list', [rsa]],
  ]
  it.each(cases)('JW-12: %s is refused', (_, key) => {
    expect(verdict({ ...ec, kid: 'good' }, key)).toMatch(refusedFor('jwks'))
  })

  it('JW-12: a set of 1,000 keys is refused, and so is what is no set', () => {
    expect(verdict(...Array(1_000).fill(ec))).toMatch(refusedFor('jwks'))
    expect(verdictOn({ jwks: { keys: 'all' } })).toMatch(refusedFor('jwks'))
  })

  it('JW-04: two keys with one kid are refused', () => {
    expect(verdict({ ...ec, kid: 'a' }, { ...rsa, kid: 'a' })).toMatch(refusedFor('jwks'))
  })
})

describe('single values', () => {
  const cases: [string, Partial<Client>][] = [
    ['token_endpoint_auth_method', { tokenEndpointAuthMethod: 'tls_client_auth' }],
    ['token_endpoint_auth_method', { tokenEndpointAuthMethod: 'Client_Secret_Basic' }],
    ['token_endpoint_auth_signing_alg', { tokenEndpointAuthSigningAlg: 'HS256' }],
    [
      'token_endpoint_auth_signing_alg',
      { tokenEndpointAuthMethod: 'client_secret_jwt', tokenEndpointAuthSigningAlg: 'RS256' },
    ],
    [
      'token_endpoint_auth_signing_alg',
      {
        tokenEndpointAuthMethod: 'private_key_jwt',
        jwksUri: 'https://a.example/k',
        tokenEndpointAuthSigningAlg: 'HS256',
      },
    ],
    ['jwks', { tokenEndpointAuthMethod: 'private_key_jwt' }],
    ['id_token_signed_response_alg', { idTokenSignedResponseAlg: 'none' }],
    ['id_token_signed_response_alg', { idTokenSignedResponseAlg: 'HS256' }],
    ['id_token_signed_response_alg', { idTokenSignedResponseAlg: 'rs256' }],
    ['userinfo_signed_response_alg', { userinfoSignedResponseAlg: 'HS256' }],
    ['request_object_signing_alg', { requestObjectSigningAlg: 'HS256' }],
    ['subject_type', { subjectType: 'private' }],
    ['access_token_strategy', { accessTokenStrategy: 'paseto' }],
    ['client_name', { clientName: 'x'.repeat(256) }],
    ['client_name', { clientName: 'a\0b' }],
    ['client_name', { clientName: 'a\r\nlevel=50' }],
    ['client_name', { clientName: '\ud800' }],
    ['owner', { owner: '\u001b[31m' }],
    ['scope', { scope: 'a "b"' }],
    ['scope', { scope: 'a\tb' }],
    ['scope', { scope: 'x'.repeat(10_000) }],
    ['audience', { audience: ['https://api.test/a b'] }],
    ['audience', { audience: [''] }],
    ['audience', { audience: Array(101).fill('https://api.test') }],
    ['grant_types', { grantTypes: ['authorization code'] }],
    ['grant_types', { grantTypes: Array(51).fill('x') }],
    ['response_types', { responseTypes: ['code\0'] }],
    ['contacts', { contacts: ['a@b.test\nBcc: c@d.test'] }],
    ['logo_uri', { logoUri: 'javascript:alert(1)' }],
    ['client_uri', { clientUri: 'data:text/html,<script>' }],
    ['policy_uri', { policyUri: 'https://u:p@a.test' }],
    ['tos_uri', { tosUri: 'https://a.test/\\' }],
    ['jwks_uri', { jwksUri: 'http://a.test/jwks' }],
    ['jwks_uri', { jwksUri: 'file:///etc/passwd' }],
    ['sector_identifier_uri', { sectorIdentifierUri: 'http://a.test/' }],
    ['request_uris', { requestUris: ['http://a.test/request.jwt'] }],
    ['request_uris', { requestUris: ['http://127.0.0.1/request.jwt'] }],
    ['request_uris', { requestUris: ['https://a.test/request.jwt#a#b'] }],
    ['frontchannel_logout_uri', { frontchannelLogoutUri: 'http://a.test/out' }],
    ['backchannel_logout_uri', { backchannelLogoutUri: 'gopher://a.test/' }],
    ['initiate_login_uri', { initiateLoginUri: 'http://127.0.0.1/start' }],
    ['lifespans', { lifespans: Lifespans.create({ clientCredentialsGrantAccessToken: 0 }) }],
    ['lifespans', { lifespans: Lifespans.create({ refreshTokenGrantRefreshToken: 2 ** 31 }) }],
  ]
  it.each(cases)('RFC 7591 3.2.2: a bad %s is named: %j', (field, metadata) => {
    expect(verdictOn(metadata)).toMatch(refusedFor(field))
  })

  it('everything good at once is accepted', () => {
    const metadata: Partial<Client> = {
      redirectUris: ['https://a.test/cb', 'http://127.0.0.1:5003/cb'],
      clientName: 'Ein Büro für 你好 😀',
      owner: 'team-7',
      tokenEndpointAuthMethod: 'client_secret_post',
      tokenEndpointAuthSigningAlg: 'ES256',
      idTokenSignedResponseAlg: 'EdDSA',
      userinfoSignedResponseAlg: 'none',
      requestObjectSigningAlg: 'none',
      accessTokenStrategy: 'jwt',
      scope: 'openid photos.* urn:x:y',
      audience: ['https://api.test', 'urn:api'],
      grantTypes: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      responseTypes: ['code', 'code id_token token'],
      contacts: ['Ö <o@a.test>'],
      logoUri: 'http://a.test/logo.png',
      clientUri: 'https://müller.test/',
      requestUris: ['https://a.test/request.jwt#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM'],
      sectorIdentifierUri: 'https://a.test/sector.json',
      frontchannelLogoutUri: 'http://127.0.0.1:5003/fc?x=1',
      backchannelLogoutUri: 'https://a.test/bc',
      initiateLoginUri: 'https://a.test/start',
      lifespans: Lifespans.create({ authorizationCodeGrantAccessToken: 60 }),
      metadata: { tenant: { id: 7 } },
    }
    expect(verdictOn(metadata)).toBe('accepted')
  })
})

describe('metadata', () => {
  const nested = (depth: number): Record<string, unknown> => (depth === 0 ? {} : { x: nested(depth - 1) })

  it('AD-05: at most 64 KiB as JSON', () => {
    expect(verdictOn({ metadata: { x: 'y'.repeat(65_536 - 8) } })).toBe('accepted')
    expect(verdictOn({ metadata: { x: 'y'.repeat(65_536 - 7) } })).toMatch(refusedFor('metadata'))
    expect(verdictOn({ metadata: { x: 'y'.repeat(10_000_000) } })).toMatch(refusedFor('metadata'))
  })

  it.each<[string, Record<string, unknown>]>([
    ['a NUL in a string', { x: ['\0'] }],
    ['a NUL in a name', { 'a\0': 1 }],
    ['a lone surrogate', { x: '\udc00' }],
    ['1e400', { x: Number.POSITIVE_INFINITY }],
    ['33 levels', nested(33)],
    ['5,000 levels', JSON.parse(`${'{"x":'.repeat(5_000)}1${'}'.repeat(5_000)}`)],
  ])('HT-10: %s is refused', (_, metadata) => {
    expect(verdictOn({ metadata })).toMatch(refusedFor('metadata'))
  })
})

describe('client_id', () => {
  it.each(['a', 'my-client', 'app.example', 'A~b_c!', 'x'.repeat(255), '8f2b…'.slice(0, 4)])(
    'AD-05: %s can be chosen',
    (id) => {
      expect(isClientId(id)).toBe(true)
    },
  )

  it.each(['', 'a/b', '..', 'a..b', '.', 'a b', 'a\tb', 'a\0', '😀', 'é', 'x'.repeat(256), 'a\r\n'])(
    'AD-05: %j cannot be chosen',
    (id) => {
      expect(isClientId(id)).toBe(false)
    },
  )
})
