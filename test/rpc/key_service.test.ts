// KeyService: key sets (RFC 7517), how they begin, rotate and retire, and that what is signed can always be verified.
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../support/client_service.js'
import { eventually } from '../support/eventually.js'
import {
  issue,
  publishedKeys,
  registerClient,
  startTokenServices,
  type TestClient,
  type TokenInstance,
  type TokenServices,
} from '../support/token_service.js'

let services: TokenServices
let one: TokenInstance
let client: TestClient

beforeAll(async () => {
  // On an empty database, all at once.
  services = await startTokenServices({ keys: { publish_before_use: 0 } }, 3)
  one = services.one
  client = await registerClient(services, { accessTokenStrategy: 'jwt' })
})
afterAll(() => services.stop())

const idTokens = 'hydra.openid.id-token'
const accessTokens = 'hydra.jwt.access-token'

const setOf = async (instance: TokenInstance, set: string) =>
  (await instance.keys.getKeySet({ set, kid: '', withPrivate: false })).keySet

const kidsOf = async (instance: TokenInstance, set: string, alg?: string): Promise<string[]> =>
  ((await setOf(instance, set))?.keys ?? []).filter((key) => !alg || key.alg === alg).map(({ kid }) => kid)

const signingKid = async (instance: TokenInstance): Promise<string> =>
  String(decodeProtectedHeader((await issue(instance, client, 'client_credentials')).accessToken).kid)

describe('key sets', () => {
  it('the first start makes one key of each kind, however many processes start at once', async () => {
    const { rows } = await services.database.query('SELECT set_name, alg, count(*)::int FROM signing_key GROUP BY 1, 2')
    expect(rows.map(({ set_name, alg, count }) => `${set_name} ${alg} ${count}`).sort()).toEqual([
      `${accessTokens} ES256 1`,
      `${accessTokens} RS256 1`,
      `${idTokens} ES256 1`,
      `${idTokens} EdDSA 1`,
      `${idTokens} PS256 1`,
      `${idTokens} RS256 1`,
    ])
    const kids = await Promise.all(services.instances.map(signingKid))
    expect(new Set(kids).size).toBe(1)
  })

  it('JW-15: what is published has kid, alg and use, and no private part', async () => {
    const { keySets, revision } = await one.keys.getPublishedKeys({})
    expect(keySets.map(({ set }) => set).sort()).toEqual([accessTokens, idTokens])
    expect(revision).not.toBe('')
    for (const { kid, alg, use, jwk } of keySets.flatMap(({ keys }) => keys)) {
      expect(jwk).toMatchObject({ kid, alg, use: 'sig' })
      expect(use).toBe('sig')
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(jwk).not.toHaveProperty(secret)
    }
  })

  it('hydra 4.12: the database holds no private key in the clear', async () => {
    const { rows } = await services.database.query('SELECT private_key FROM signing_key')
    // Any PKCS #8 key begins with SEQUENCE, INTEGER 0.
    for (const { private_key } of rows) expect(private_key.includes(Buffer.from('020100', 'hex'))).toBe(false)
  })

  it('lists the sets in pages', async () => {
    await one.keys.createKey({ set: 'zz-pages', alg: 'EdDSA', kid: '', use: '' })
    const seen: string[] = []
    for (let pageToken = ''; ; ) {
      const page = await one.keys.listKeySets({ pageSize: 1, pageToken })
      seen.push(...page.keySets.map(({ set }) => set))
      pageToken = page.nextPageToken
      if (!pageToken) break
    }
    expect(seen).toEqual([...seen].sort())
    expect(seen).toEqual(expect.arrayContaining([accessTokens, idTokens, 'zz-pages']))
    expect(await refusalOf(one.keys.listKeySets({ pageSize: 1, pageToken: '?' }))).toMatchObject({
      code: 'invalid_request',
    })
  })

  it('refuses what cannot be', async () => {
    expect(await refusalOf(one.keys.getKeySet({ set: 'none', kid: '', withPrivate: false }))).toMatchObject({
      code: 'not_found',
    })
    expect(await refusalOf(one.keys.rotateKeySet({ set: 'none' }))).toMatchObject({ code: 'not_found' })
    for (const [set, alg, kid] of [
      ['x', 'HS256', ''],
      ['x', 'none', ''],
      ['x', '__proto__', ''],
      ['', 'ES256', ''],
      ['x', 'ES256', 'a b'],
    ] as const)
      expect(await refusalOf(one.keys.createKey({ set, alg, kid, use: '' }))).toMatchObject({ code: 'invalid_request' })
    await one.keys.createKey({ set: 'x', alg: 'ES256', kid: 'mine', use: '' })
    expect(await refusalOf(one.keys.createKey({ set: 'x', alg: 'ES256', kid: 'mine', use: '' }))).toMatchObject({
      code: 'conflict',
    })
  })

  it('keys created at once in one set all come to be', async () => {
    const created = await Promise.all(
      services.instances.flatMap((instance) =>
        [1, 2].map(() => instance.keys.createKey({ set: 'crowd', alg: 'ES256', kid: '', use: '' })),
      ),
    )
    expect(await kidsOf(one, 'crowd')).toHaveLength(created.length)
  })
})

describe('hydra 5: rotation', () => {
  it('I6: a new key is published everywhere before anybody signs with it, and every token verifies', async () => {
    const before = await signingKid(one)
    const { revision } = await one.keys.getPublishedKeys({})
    const { keySet } = await one.keys.rotateKeySet({ set: accessTokens })
    expect(keySet?.keys).toHaveLength(4)
    const after = keySet?.keys.find(({ kid, alg }) => alg === 'ES256' && kid !== before)?.kid ?? ''
    expect(after).not.toBe('')
    expect((await one.keys.getPublishedKeys({})).revision).not.toBe(revision)
    expect(await signingKid(one)).toBe(before)
    const switched = new Set<TokenInstance>()
    await eventually(async () => {
      for (const instance of services.instances) {
        const { accessToken } = await issue(instance, client, 'client_credentials')
        for (const reader of services.instances) await jwtVerify(accessToken, await publishedKeys(reader))
        if (decodeProtectedHeader(accessToken).kid === after) switched.add(instance)
      }
      return switched.size === services.instances.length
    })
    expect(await kidsOf(one, accessTokens, 'ES256')).toEqual(expect.arrayContaining([before, after]))
  })

  it('two rotations at once give one successor', async () => {
    await one.keys.createKey({ set: 'twice', alg: 'EdDSA', kid: '', use: '' })
    await Promise.all(services.instances.map((instance) => instance.keys.rotateKeySet({ set: 'twice' })))
    const { rows } = await services.database.query(`SELECT ordinal FROM signing_key WHERE set_name = 'twice'`)
    // They may follow each other too; what may not be is two keys of one number.
    expect(new Set(rows.map(({ ordinal }) => ordinal)).size).toBe(rows.length)
    expect(rows.length).toBeLessThanOrEqual(4)
  })

  it('JW-16: a key is taken away when the last token that it signed has expired, and not before', async () => {
    const [successor, predecessor] = (await setOf(one, accessTokens))?.keys.filter(({ alg }) => alg === 'ES256') ?? []
    expect(predecessor?.retiresAt).toBeInstanceOf(Date)
    expect(successor?.retiresAt).toBeUndefined()
    const setAge = (age: string) =>
      services.database.query('UPDATE signing_key SET signs_from = now() - $1::interval WHERE kid = $2', [
        age,
        successor?.kid,
      ])
    // An hour of access tokens and a minute for clocks that differ.
    await setAge('60 minutes')
    await Promise.all(services.instances.map(({ keys }) => keys.listKeySets({ pageSize: 0, pageToken: '' })))
    expect(await kidsOf(one, accessTokens, 'ES256')).toContain(predecessor?.kid)
    await setAge('62 minutes')
    await eventually(async () => !(await kidsOf(one, accessTokens)).includes(predecessor?.kid ?? ''))
    await eventually(async () => {
      const { keySets } = await (services.instances[1] as TokenInstance).keys.getPublishedKeys({})
      return !keySets.some(({ keys }) => keys.some(({ kid }) => kid === predecessor?.kid))
    })
    expect(await signingKid(one)).toBe(successor?.kid)
  })

  it("I6: a client's own long lifespan keeps the key longer", async () => {
    const patient = await registerClient(services, {
      accessTokenStrategy: 'jwt',
      lifespans: { clientCredentialsGrantAccessToken: 30 * 86_400 },
    })
    const { accessToken } = await issue(one, patient, 'client_credentials')
    const { kid } = decodeProtectedHeader(accessToken)
    await one.keys.rotateKeySet({ set: accessTokens })
    const key = (await setOf(one, accessTokens))?.keys.find((each) => each.kid === kid)
    const { payload } = await jwtVerify(accessToken, await publishedKeys(one))
    expect((key?.retiresAt?.getTime() ?? 0) / 1_000).toBeGreaterThan(Number(payload.exp))
  })

  it('RFC 9068 2.1: the algorithm of JWT access tokens follows the keys that the operator adds', async () => {
    const { key } = await one.keys.createKey({ set: accessTokens, alg: 'RS256', kid: 'chosen-by-operator', use: '' })
    expect(key?.signsFrom?.getTime()).toBeGreaterThan(key?.createdAt?.getTime() ?? 0)
    await eventually(async () => (await signingKid(one)) === 'chosen-by-operator')
  })
})

describe('hydra 4.12: secrets.system', () => {
  it('a new secret in front of the old one opens the keys; without the old one the service does not start', async () => {
    const [old = ''] = services.config.secrets.system
    const rotated = await services.add({ secrets: { system: ['another system secret of these tests', old] } })
    expect(await signingKid(rotated)).toBe(await signingKid(one))
    const withoutOld = services.add({ secrets: { system: ['another system secret of these tests'] } })
    await expect(withoutOld).rejects.toThrow(/a secret that secrets.system no longer has/)
  })
})
