// Introspection of what is no good token, made by somebody who knows how tokens look: always "not active", never an error.
import { createHmac, type KeyObject, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IntrospectionServiceService, IntrospectResponse } from '#proto/introspection/v1/introspection_service.js'
import { KeyServiceService, type KeySet } from '#proto/token/v1/key_service.js'
import { createIntrospectionService } from '../../services/introspection/main.js'
import { monotonicMs, nowSeconds } from '../../services/kit/clock.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { newTimedId, newUuid, randomBytes, uuidFromBytes } from '../../services/kit/random.js'
import type { Remote } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import { defineService } from '../../services/kit/rpc/server.js'
import { Sealer } from '../../services/kit/sealing.js'
import type { RunningService } from '../../services/kit/service.js'
import { eventually } from '../support/eventually.js'
import { newKeyPair } from '../support/key_pair.js'
import { type Registered, TokenSuite } from '../support/token_suite.js'
import '../support/quiet.js'

interface TestKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const ecKey = (kid: string): TestKey => ({ kid, alg: 'ES256', ...newKeyPair('ec', { namedCurve: 'P-256' }) })
const rsaKey = (kid: string, alg: string): TestKey => ({
  kid,
  alg,
  ...newKeyPair('rsa', { modulusLength: 2048 }),
})
const edKey = (kid: string): TestKey => ({ kid, alg: 'EdDSA', ...newKeyPair('ed25519') })

const es256 = ecKey('es-1')
const rs256 = rsaKey('rs-1', 'RS256')
const ps256 = rsaKey('ps-1', 'PS256')
const eddsa = edKey('ed-1')
const idTokenKey = ecKey('id-1')
const strangersKey = ecKey('es-1')

/** A hand-written key service: what it publishes is the test's to say. */
class Keys {
  accessTokenKeys = [es256, rs256, ps256, eddsa]
  fetches = 0
  isDown = false
  revision = ''
  readonly remote: Remote<typeof KeyServiceService>

  constructor() {
    const unused = () => Promise.reject(new OAuthError('not_found'))
    const service = defineService(KeyServiceService, {
      getPublishedKeys: async () => {
        this.fetches++
        if (this.isDown) throw new OAuthError('temporarily_unavailable')
        const keySets = [
          keySet('hydra.openid.id-token', [idTokenKey]),
          keySet('hydra.jwt.access-token', this.accessTokenKeys),
        ]
        return { keySets, revision: this.revision }
      },
      listKeySets: unused,
      getKeySet: unused,
      createKey: unused,
      rotateKeySet: unused,
      putKey: unused,
      replaceKeySet: unused,
      deleteKey: unused,
      deleteKeySet: unused,
    })
    this.remote = inProcess(service, 'introspection')
  }
}

const keySet = (set: string, keys: readonly TestKey[]): KeySet => ({
  set,
  keys: keys.map(({ kid, alg, publicKey }) => ({
    kid,
    alg,
    use: 'sig',
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    createdAt: undefined,
    signsFrom: undefined,
    retiresAt: undefined,
    privateJwk: undefined,
  })),
})

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

function signatureOf(key: TestKey, signed: string): string {
  const data = Buffer.from(signed)
  const { privateKey } = key
  const signature = {
    ES256: () => sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    RS256: () => sign('sha256', data, privateKey),
    PS256: () => sign('sha256', data, { key: privateKey, padding: 6, saltLength: 32 }),
    EdDSA: () => sign(null, data, privateKey),
  }[key.alg]
  if (!signature) throw new Error(`no test signature for ${key.alg}`)
  return signature().toString('base64url')
}

function makeJwt(key: TestKey, claims: object, header: object = {}): string {
  const signed = `${encode({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header })}.${encode(claims)}`
  return `${signed}.${signatureOf(key, signed)}`
}

let suite: TokenSuite
let owner: Registered
let keys: Keys
let running: RunningService
let introspection: Remote<typeof IntrospectionServiceService>

beforeAll(async () => {
  suite = await TokenSuite.start({ introspection: { max_staleness_ms: 30_000 } })
  owner = await suite.register()
  keys = new Keys()
  keys.revision = (await suite.keys.getPublishedKeys({})).revision
  running = createIntrospectionService(suite.config, { ...suite.peers, keys: keys.remote })
  introspection = inProcess(running.services[0] as never, 'resource_server') as never
  await running.start()
  await eventually(() => running.ready())
})
afterAll(async () => {
  await running.stop()
  await suite.stop()
})

const introspect = (token: string): Promise<IntrospectResponse> =>
  introspection.introspect({ token, tokenTypeHint: '', scope: '', consistency: 0, callerClientId: '' })

function goodClaims(): Record<string, unknown> {
  const now = nowSeconds()
  return {
    iss: suite.config.urls.self.issuer,
    sub: 'alice',
    aud: [],
    exp: now + 600,
    iat: now,
    nbf: now,
    jti: uuidFromBytes(newTimedId()),
    client_id: owner.client.clientId,
    scp: ['read'],
    rid: owner.client.registrationId,
    gid: newUuid(),
  }
}

const without = (claim: string) => Object.fromEntries(Object.entries(goodClaims()).filter(([name]) => name !== claim))

async function expectInactive(token: string): Promise<void> {
  const { active, ...rest } = await introspect(token)
  expect(active).toBe(false)
  expect(
    Object.values(rest).every((value) => value === '' || value === 0 || (value as { length: number }).length === 0),
  ).toBe(true)
}

describe('RFC 9068 4: a JWT access token', () => {
  it.each([es256, rs256, ps256, eddsa].map((key) => [key.alg, key] as const))(
    'signed with %s is good',
    async (_, key) => {
      expect(await introspect(makeJwt(key, goodClaims()))).toMatchObject({ active: true, sub: 'alice', scope: 'read' })
    },
  )

  it('may spell its type as a media type', async () => {
    for (const typ of ['application/at+jwt', 'AT+JWT'])
      expect((await introspect(makeJwt(es256, goodClaims(), { typ }))).active, typ).toBe(true)
  })

  const bad: Record<string, () => string> = {
    'is an ID token': () => makeJwt(idTokenKey, { ...goodClaims(), nonce: 'n' }, { typ: 'JWT' }),
    'has the type of an ID token': () => makeJwt(es256, goodClaims(), { typ: 'JWT' }),
    'has the type of a logout token': () => makeJwt(es256, goodClaims(), { typ: 'logout+jwt' }),
    'has no type': () => makeJwt(es256, goodClaims(), { typ: undefined }),
    'has a type that is no string': () => makeJwt(es256, goodClaims(), { typ: ['at+jwt'] }),
    'is signed with a key for ID tokens': () => makeJwt(idTokenKey, goodClaims()),
    'is signed by a stranger under the name of a key': () => makeJwt(strangersKey, goodClaims()),
    'names no key': () => makeJwt(es256, goodClaims(), { kid: undefined }),
    'brings its own key': () =>
      makeJwt(strangersKey, goodClaims(), { jwk: strangersKey.publicKey.export({ format: 'jwk' }) }),
    'names another algorithm than its key': () => makeJwt(rs256, goodClaims(), { alg: 'PS256' }),
    'names no algorithm': () => makeJwt(es256, goodClaims(), { alg: undefined }),
    'is critical of something': () => makeJwt(es256, goodClaims(), { crit: ['exp'] }),
    'has another issuer': () => makeJwt(es256, { ...goodClaims(), iss: `${suite.config.urls.self.issuer}/` }),
    'has several issuers': () => makeJwt(es256, { ...goodClaims(), iss: [suite.config.urls.self.issuer] }),
    'has expired': () => makeJwt(es256, { ...goodClaims(), exp: nowSeconds() - 1 }),
    'expires as text': () => makeJwt(es256, { ...goodClaims(), exp: '9999999999' }),
    'expires never': () => makeJwt(es256, { ...goodClaims(), exp: 1e300 }),
    'expires at a fraction': () => makeJwt(es256, { ...goodClaims(), exp: nowSeconds() + 0.5 }),
    'is not good yet': () => makeJwt(es256, { ...goodClaims(), nbf: nowSeconds() + 600 }),
    'names a client that is not there': () => makeJwt(es256, { ...goodClaims(), client_id: 'nobody' }),
    'names an earlier registration': () => makeJwt(es256, { ...goodClaims(), rid: newUuid() }),
    'names its registration otherwise': () => makeJwt(es256, { ...goodClaims(), rid: 'x' }),
    'has a jti that is none of ours': () => makeJwt(es256, { ...goodClaims(), jti: 'x' }),
    ...Object.fromEntries(
      ['iss', 'sub', 'exp', 'iat', 'jti', 'client_id', 'rid'].map((claim) => [
        `lacks ${claim}`,
        () => makeJwt(es256, without(claim)),
      ]),
    ),
  }

  it.each(Object.entries(bad))('that %s is not active', async (_, make) => {
    await expectInactive(make())
  })

  it('of algorithm none is not active, however it is spelt', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const signed = `${encode({ alg, typ: 'at+jwt', kid: es256.kid })}.${encode(goodClaims())}`
      for (const token of [`${signed}.`, `${signed}.${signatureOf(es256, signed)}`]) await expectInactive(token)
    }
  })

  it('with a MAC under the public key is not active', async () => {
    const pem = rs256.publicKey.export({ format: 'pem', type: 'spki' })
    const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: rs256.kid })}.${encode(goodClaims())}`
    await expectInactive(`${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`)
  })

  it('with the signature of another, none, zeros, or in DER is not active', async () => {
    const [one, two] = [makeJwt(es256, goodClaims()), makeJwt(es256, goodClaims())]
    const signed = one.slice(0, one.lastIndexOf('.'))
    const der = sign('sha256', Buffer.from(signed), es256.privateKey).toString('base64url')
    const signatures = [two.split('.')[2] ?? '', '', Buffer.alloc(64).toString('base64url'), der]
    for (const signature of signatures) await expectInactive(`${signed}.${signature}`)
  })

  it('has one spelling', async () => {
    const token = makeJwt(es256, goodClaims())
    expect((await introspect(token)).active).toBe(true)
    // 64 bytes leave four bits of the last character without meaning.
    const last = token.at(-1) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const sibling = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
    for (const other of [
      `${token.slice(0, -1)}${sibling}`,
      `${token}=`,
      `${token} `,
      ` ${token}`,
      `${token}.`,
      token.replace('.', '=.'),
    ])
      await expectInactive(other)
  })

  it('that was good once is read again and again', async () => {
    const expiring = makeJwt(es256, { ...goodClaims(), exp: nowSeconds() + 2 })
    expect((await introspect(expiring)).active).toBe(true)
    await eventually(async () => !(await introspect(expiring)).active)
  })
})

describe('what is no token', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const corpus: Record<string, () => string> = {
    'is empty': () => '',
    'is a word': () => 'token',
    'is a prefix': () => 'tsr_at_',
    'is a prefix and dots': () => 'tsr_at_..',
    'is the prefix of a refresh token': () => 'tsr_rt_',
    'is two dots': () => '..',
    'is a thousand dots': () => '.'.repeat(1_000),
    'has NUL and other controls': () => 'tsr_at_\0\n\r\t.\0',
    'is in other scripts': () => 'жетон.жетон.жетон',
    'has half a surrogate pair': () => '\ud800.\ud800.\ud800',
    'is a megabyte': () => 'x'.repeat(1_000_000),
    'is a megabyte behind a prefix': () => `tsr_at_${'A'.repeat(1_000_000)}`,
    'is a megabyte of JWT': () =>
      `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'es-1' })}.${'A'.repeat(1_000_000)}.AAAA`,
    'is a megabyte of refresh token': () => `tsr_rt_${'A'.repeat(1_000_000)}.AAAA`,
    'is JSON of no object': () => [encode('1'), encode('"x"'), 'AA'].join('.'),
    'is JSON of null': () => [encode('null'), encode('null'), 'AA'].join('.'),
    'is deep JSON': () => [encode(deep), encode(deep), 'AA'].join('.'),
    'pollutes prototypes': () => [encode('{"__proto__":{"typ":"at+jwt","kid":"es-1"}}'), encode('{}'), 'AA'].join('.'),
    'names __proto__ as its key': () => makeJwt({ ...es256, kid: '__proto__' }, goodClaims()),
    'is random bytes behind a prefix': () => `tsr_at_${randomBytes(120).toString('base64url')}`,
    'is a JWE': () => ['a', 'b', 'c', 'd', 'e'].map(encode).join('.'),
  }

  it.each(Object.entries(corpus))('%s', async (_, make) => {
    const began = monotonicMs()
    await expectInactive(make())
    expect(monotonicMs() - began).toBeLessThan(1_000)
  })

  it('is an opaque token that was cut, changed anywhere, or spelt otherwise', async () => {
    const good = await suite.clientCredentials(owner)
    expect((await introspect(good)).active).toBe(true)
    const body = good.slice('tsr_at_'.length)
    const flipped = Array.from(body, (character, index) => {
      const other = character === 'A' ? 'B' : 'A'
      return `tsr_at_${body.slice(0, index)}${other}${body.slice(index + 1)}`
    })
    for (const token of flipped) await expectInactive(token)
    for (const token of [`${good}=`, `${good}\n`, ` ${good}`, good.toUpperCase(), body, `${good}.`, `ory_at_${body}`])
      await expectInactive(token)
    for (let length = 0; length < good.length; length += 7) await expectInactive(good.slice(0, length))
    const standard = good.replaceAll('-', '+').replaceAll('_', '/')
    await expectInactive(`tsr_at_${standard.slice(7)}${/[+/]/.test(standard.slice(7)) ? '' : '='}`)
  })

  it('is sealed by this server, but as something else', async () => {
    const sealer = new Sealer(suite.config.secrets.system)
    const strangers = new Sealer(['the secret of another server, long enough'])
    const good = await suite.clientCredentials(owner)
    const opened = sealer.open('access token', Buffer.from(good.slice(7), 'base64url'))
    if (!opened) throw new Error('the token service seals otherwise than this test thinks')
    const sealed = (seal: Sealer, purpose: string) => `tsr_at_${seal.seal(purpose, opened).toString('base64url')}`
    expect((await introspect(sealed(sealer, 'access token'))).active).toBe(true)
    for (const purpose of ['login challenge', 'consent verifier', 'login session', 'signing key', 'refresh token'])
      await expectInactive(sealed(sealer, purpose))
    await expectInactive(sealed(strangers, 'access token'))
  })

  it('is a code or a refresh token of somebody else', async () => {
    await expectInactive(`tsr_ac_${randomBytes(20).toString('base64url')}.${randomBytes(16).toString('base64url')}`)
    await expectInactive(`tsr_rt_${randomBytes(24).toString('base64url')}.${randomBytes(16).toString('base64url')}`)
  })
})

describe('I6, RL-09: keys', () => {
  it('that are new are fetched when a token names them', async () => {
    const fresh = ecKey('es-2')
    keys.accessTokenKeys = [fresh, ...keys.accessTokenKeys]
    expect((await introspect(makeJwt(fresh, goodClaims()))).active).toBe(true)
  })

  it('that nobody knows are asked for a few times a second at most, however many tokens name them', async () => {
    const before = keys.fetches
    const began = monotonicMs()
    const tokens = Array.from({ length: 300 }, (_, index) => makeJwt(ecKey(`unknown-${index % 3}`), goodClaims()))
    const answers = await Promise.all(tokens.map(introspect))
    expect(answers.every(({ active }) => !active)).toBe(true)
    expect(keys.fetches - before).toBeLessThanOrEqual(2 + Math.ceil((monotonicMs() - began) / 200))
    expect(keys.fetches - before).toBeLessThan(30)
  })

  it('I11: that cannot be fetched make an outage, not a verdict; known ones go on', async () => {
    const known = makeJwt(es256, goodClaims())
    keys.isDown = true
    await expect(introspect(makeJwt(ecKey('es-3'), goodClaims()))).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
    expect((await introspect(known)).active).toBe(true)
    keys.isDown = false
  })

  it('that are taken out verify nothing more, once the feed tells of another revision', async () => {
    const token = makeJwt(rs256, goodClaims())
    expect((await introspect(token)).active).toBe(true)
    const { revision } = await suite.keys.getPublishedKeys({})
    await suite.keys.createKey({ set: 'hydra.jwt.access-token', alg: 'ES256', kid: '', use: '' })
    const next = (await suite.keys.getPublishedKeys({})).revision
    expect(next).not.toBe(revision)
    keys.accessTokenKeys = keys.accessTokenKeys.filter((key) => key !== rs256)
    keys.revision = next
    await eventually(async () => !(await introspect(token)).active)
    expect((await introspect(makeJwt(es256, goodClaims()))).active).toBe(true)
  })
})
