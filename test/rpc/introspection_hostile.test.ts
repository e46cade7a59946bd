// Introspection of what is no good token, made by somebody who knows how tokens look: always "not active", never an error.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IntrospectionServiceService, IntrospectResponse } from '#proto/introspection/v1/introspection_service.js'
import { KeyServiceService, type KeySet } from '#proto/token/v1/key_service.js'
import { createIntrospectionService } from '../../services/introspection/main.js'
import { monotonicMs, nowSeconds } from '../../services/kit/clock.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import { newUuid, randomBytes } from '../../services/kit/random.js'
import type { Remote } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import { defineService } from '../../services/kit/rpc/server.js'
import { Sealer } from '../../services/kit/sealing.js'
import type { RunningService } from '../../services/kit/service.js'
import {
  badJwts,
  type Claims,
  type Corpus,
  ecKey,
  goodClaims,
  macUnderPublicKey,
  makeJwt,
  newCorpusKeys,
  noTokens,
  otherSpellings,
  type TestKey,
  unsignedJwts,
  wrongSignatures,
} from '../support/access_token_corpus.js'
import { eventually } from '../support/eventually.js'
import { type Registered, TokenSuite } from '../support/token_suite.js'

const corpusKeys = newCorpusKeys()
const { es256, rs256, ps256, eddsa, idTokenKey } = corpusKeys

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

const good = (): Claims =>
  goodClaims({
    issuer: suite.config.urls.self.issuer,
    clientId: owner.client.clientId,
    registrationId: owner.client.registrationId,
  })

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
      expect(await introspect(makeJwt(key, good()))).toMatchObject({ active: true, sub: 'alice', scope: 'read' })
    },
  )

  it('may spell its type as a media type', async () => {
    for (const typ of ['application/at+jwt', 'AT+JWT'])
      expect((await introspect(makeJwt(es256, good(), { typ }))).active, typ).toBe(true)
  })

  const bad: Corpus = {
    ...badJwts(corpusKeys, good),
    'names a client that is not there': () => makeJwt(es256, { ...good(), client_id: 'nobody' }),
    'names an earlier registration': () => makeJwt(es256, { ...good(), rid: newUuid() }),
  }

  it.each(Object.entries(bad))('that %s is not active', async (_, make) => {
    await expectInactive(make())
  })

  it('of algorithm none is not active, however it is spelt', async () => {
    for (const token of unsignedJwts(corpusKeys, good)) await expectInactive(token)
  })

  it('with a MAC under the public key is not active', async () => {
    await expectInactive(macUnderPublicKey(corpusKeys, good))
  })

  it('with the signature of another, none, zeros, or in DER is not active', async () => {
    for (const token of wrongSignatures(corpusKeys, good)) await expectInactive(token)
  })

  it('has one spelling', async () => {
    const token = makeJwt(es256, good())
    expect((await introspect(token)).active).toBe(true)
    for (const other of otherSpellings(token)) await expectInactive(other)
  })

  it('that was good once is read again and again', async () => {
    const expiring = makeJwt(es256, { ...good(), exp: nowSeconds() + 2 })
    expect((await introspect(expiring)).active).toBe(true)
    await eventually(async () => !(await introspect(expiring)).active)
  })
})

describe('what is no token', () => {
  it.each(Object.entries(noTokens(corpusKeys, good)))('%s', async (_, make) => {
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
    expect((await introspect(makeJwt(fresh, good()))).active).toBe(true)
  })

  it('that nobody knows are asked for a few times a second at most, however many tokens name them', async () => {
    const before = keys.fetches
    const began = monotonicMs()
    const tokens = Array.from({ length: 300 }, (_, index) => makeJwt(ecKey(`unknown-${index % 3}`), good()))
    const answers = await Promise.all(tokens.map(introspect))
    expect(answers.every(({ active }) => !active)).toBe(true)
    expect(keys.fetches - before).toBeLessThanOrEqual(2 + Math.ceil((monotonicMs() - began) / 200))
    expect(keys.fetches - before).toBeLessThan(30)
  })

  it('I11: that cannot be fetched make an outage, not a verdict; known ones go on', async () => {
    const known = makeJwt(es256, good())
    keys.isDown = true
    await expect(introspect(makeJwt(ecKey('es-3'), good()))).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
    expect((await introspect(known)).active).toBe(true)
    keys.isDown = false
  })

  it('that are taken out verify nothing more, once the feed tells of another revision', async () => {
    const token = makeJwt(rs256, good())
    expect((await introspect(token)).active).toBe(true)
    const { revision } = await suite.keys.getPublishedKeys({})
    await suite.keys.createKey({ set: 'hydra.jwt.access-token', alg: 'ES256', kid: '', use: '' })
    const next = (await suite.keys.getPublishedKeys({})).revision
    expect(next).not.toBe(revision)
    keys.accessTokenKeys = keys.accessTokenKeys.filter((key) => key !== rs256)
    keys.revision = next
    await eventually(async () => !(await introspect(token)).active)
    expect((await introspect(makeJwt(es256, good()))).active).toBe(true)
  })
})
