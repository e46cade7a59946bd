// ClientService: clients are registered, read, listed, changed and deleted (RFC 7591, security.md AD-04, AD-05, BF-08).

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, Lifespans } from '#proto/client/v1/client_service.js'
import { updatableFields } from '../../services/client/client_metadata.js'
import {
  basic,
  type Clients,
  refusalOf,
  register,
  type StartedClientService,
  startClientService,
} from '../support/client_service.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

let database: FreshDatabase
let started: StartedClientService
let clients: Clients

beforeAll(async () => {
  database = await freshDatabase()
  started = await startClientService(database.dsn)
  clients = started.clients
})
afterAll(async () => {
  await started.running.stop()
  await database.drop()
})

const get = async (clientId: string) => (await clients.getClient({ clientId })).client
const update = (client: Partial<Client>, mask?: string[], clientSecret = '') =>
  clients.updateClient({ client: Client.create(client), updateMask: mask, clientSecret })
const isRight = async (clientId: string, secret: string): Promise<boolean> => {
  const credentials = {
    authorization: basic(clientId, secret),
    clientId: '',
    clientSecret: '',
    clientAssertionType: '',
    clientAssertion: '',
  }
  return clients.authenticateClient({ credentials }).then(
    () => true,
    () => false,
  )
}

/** Every field with a value of its own. */
const everything: Partial<Client> = {
  clientName: 'Büro 😀',
  redirectUris: ['https://a.test/cb', 'com.example.app:/cb'],
  grantTypes: ['authorization_code', 'refresh_token'],
  responseTypes: ['code', 'code id_token'],
  scope: 'openid offline_access photos.*',
  audience: ['https://api.test'],
  owner: 'team-7',
  policyUri: 'https://a.test/policy',
  allowedCorsOrigins: ['https://a.test'],
  tosUri: 'https://a.test/tos',
  clientUri: 'https://a.test',
  logoUri: 'https://a.test/logo.png',
  contacts: ['a@a.test', 'b@a.test'],
  subjectType: 'public',
  sectorIdentifierUri: 'https://a.test/sector',
  jwksUri: 'https://a.test/jwks',
  tokenEndpointAuthMethod: 'client_secret_post',
  tokenEndpointAuthSigningAlg: 'ES256',
  requestUris: ['https://a.test/request'],
  requestObjectSigningAlg: 'ES256',
  userinfoSignedResponseAlg: 'none',
  idTokenSignedResponseAlg: 'ES256',
  frontchannelLogoutUri: 'https://a.test/fc',
  frontchannelLogoutSessionRequired: true,
  postLogoutRedirectUris: ['https://a.test/bye'],
  backchannelLogoutUri: 'https://a.test/bc',
  backchannelLogoutSessionRequired: true,
  metadata: { tenant: { id: 7.5, list: [null, true, 'x'] } },
  accessTokenStrategy: 'jwt',
  skipConsent: true,
  skipLogoutConsent: true,
  initiateLoginUri: 'https://a.test/start',
  lifespans: Lifespans.create({ authorizationCodeGrantAccessToken: 60, refreshTokenGrantRefreshToken: 3_600 }),
  revokeTokensOnLogout: true,
}

describe('CreateClient', () => {
  it('RFC 7591 3.2.1: everything that was registered is answered, and read back', async () => {
    const { client } = await register(clients, everything)
    expect(client).toMatchObject(everything)
    expect(await get(client.clientId)).toEqual(client)
    for (const field of updatableFields.values()) if (field !== 'jwks') expect(everything, field).toHaveProperty(field)
  })

  it('RFC 7591 2: keys by value are read back', async () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'a' }
    const { client } = await register(clients, { jwks: { keys: [key] } })
    expect((await get(client.clientId))?.jwks).toEqual({ keys: [key] })
  })

  it('the server sets id, registration, revision and times, whatever is sent for them', async () => {
    const { client } = await register(clients, {
      revision: 77,
      registrationId: 'mine',
      createdAt: new Date(0),
      updatedAt: new Date(0),
    })
    expect(client.clientId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    expect(client.registrationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    expect(client.revision).toBe(1)
    expect(client.createdAt?.getTime()).toBeGreaterThan(Date.now() - 60_000)
    expect(client.updatedAt).toEqual(client.createdAt)
  })

  it('Hydra: a generated secret has 26 characters, and no public client has one', async () => {
    expect((await register(clients)).clientSecret).toMatch(/^[A-Za-z0-9\-._~]{26}$/)
    expect((await register(clients, { tokenEndpointAuthMethod: 'none' })).clientSecret).toBe('')
    expect((await register(clients, { tokenEndpointAuthMethod: 'none' }, 'chosen-secret')).clientSecret).toBe('')
  })

  it('Hydra: a chosen secret is answered; one of fewer than 6 characters is refused', async () => {
    expect((await register(clients, {}, 'secret')).clientSecret).toBe('secret')
    for (const secret of ['short', '😀😀😀', 'with\0nul', 'line\nfeed', 'x'.repeat(513)])
      expect(await refusalOf(register(clients, {}, secret)), secret).toMatchObject({
        code: 'invalid_client_metadata',
        description: expect.stringMatching(/^client_secret: /),
      })
  })

  it('AD-05: an id that is taken is a conflict, also for two at once', async () => {
    const both = await Promise.allSettled([1, 2].map(() => register(clients, { clientId: 'taken' })))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect((await refusalOf(register(clients, { clientId: 'taken' }))).code).toBe('conflict')
  })

  it('RFC 7591 3.2.2: bad metadata is refused and nothing is registered', async () => {
    const bad = await refusalOf(register(clients, { clientId: 'never', redirectUris: ['http://a.test/cb'] }))
    expect(bad.code).toBe('invalid_redirect_uri')
    expect(bad.description).toMatch(/^redirect_uris: entry 1 /)
    expect((await refusalOf(get('never'))).code).toBe('not_found')
  })

  it('HT-09: names that mean something to JavaScript are plain data', async () => {
    const metadata = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":"x"}')
    const { client } = await register(clients, { metadata })
    expect(JSON.stringify((await get(client.clientId))?.metadata)).toContain('"__proto__":{"polluted":true}')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('GetClient', () => {
  it.each(['', 'nobody', 'a\0b', "' OR 1=1 --", '../x', 'x'.repeat(300)])(
    'HT-10: %j is not found',
    async (clientId) => {
      expect((await refusalOf(get(clientId))).code).toBe('not_found')
    },
  )

  it('I11: an outage of the database is no verdict', async () => {
    const alone = await startClientService('postgres://nobody@127.0.0.1:1/nowhere')
    expect(await alone.running.ready()).toBe(false)
    expect((await refusalOf(alone.clients.getClient({ clientId: 'app' }))).code).toBe('temporarily_unavailable')
    expect((await refusalOf(register(alone.clients, { clientId: 'app' }))).code).toBe('temporarily_unavailable')
    expect((await refusalOf(alone.clients.deleteClient({ clientId: 'app' }))).code).toBe('temporarily_unavailable')
    await alone.running.stop()
  })
})

describe('UpdateClient', () => {
  it('without a mask everything is replaced, and what is left out gets its default', async () => {
    const { client } = await register(clients, everything)
    const { client: after } = await update({ clientId: client.clientId, clientName: 'New' })
    expect(after).toMatchObject({
      clientName: 'New',
      redirectUris: [],
      grantTypes: ['authorization_code'],
      skipConsent: false,
    })
    expect(after?.metadata).toBeUndefined()
    expect(after?.lifespans).toBeUndefined()
    expect(await get(client.clientId)).toEqual(after)
  })

  it('with a mask only what it names is replaced', async () => {
    const { client } = await register(clients, everything)
    const lifespans = Lifespans.create({ jwtBearerGrantAccessToken: 5 })
    const { client: after } = await update(
      { clientId: client.clientId, clientName: 'New', owner: 'other', lifespans },
      ['client_name', 'lifespans'],
    )
    expect(after).toMatchObject({ ...everything, clientName: 'New', lifespans })
    expect(after?.lifespans?.authorizationCodeGrantAccessToken).toBeUndefined()
  })

  it('id, registration and creation stay, the revision grows by one', async () => {
    const { client } = await register(clients, { clientId: 'steady' })
    const { client: after } = await update({ ...client, registrationId: 'mine', revision: 99, createdAt: new Date(0) })
    expect(after).toMatchObject({ registrationId: client.registrationId, createdAt: client.createdAt, revision: 2 })
  })

  it.each(['client_id', 'revision', 'secret_hashes', 'clientName', '__proto__', 'lifespans.x', '*', ''])(
    'AD-06: a mask cannot name %j',
    async (path) => {
      const { client } = await register(clients)
      expect((await refusalOf(update(client, [path]))).code).toBe('invalid_request')
    },
  )

  it('RFC 7591 3.2.2: bad metadata is refused and nothing changes', async () => {
    const { client } = await register(clients, { redirectUris: ['https://a.test/cb'] })
    expect(
      (await refusalOf(update({ clientId: client.clientId, redirectUris: ['myapp:/cb'] }, ['redirect_uris']))).code,
    ).toBe('invalid_redirect_uri')
    // What stays is held against what is new.
    await update({ clientId: client.clientId, postLogoutRedirectUris: ['https://a.test/bye'] }, [
      'post_logout_redirect_uris',
    ])
    expect(
      (await refusalOf(update({ clientId: client.clientId, redirectUris: ['https://b.test/cb'] }, ['redirect_uris'])))
        .code,
    ).toBe('invalid_client_metadata')
    expect((await get(client.clientId))?.revision).toBe(2)
  })

  it('I3: of many changes at once none is lost', async () => {
    const { client } = await register(clients, everything)
    const fields = ['client_name', 'owner', 'scope', 'policy_uri'] as const
    const values = { clientId: client.clientId, clientName: 'n', owner: 'o', scope: 's', policyUri: 'https://p.test' }
    await Promise.all(fields.map((field) => update(values, [field])))
    expect(await get(client.clientId)).toMatchObject({ ...values, revision: 5 })
  })

  it('Hydra: without a secret the secrets stay; with one all earlier ones end', async () => {
    const { client, clientSecret } = await register(clients)
    const rotated = await clients.rotateClientSecret({ clientId: client.clientId })
    expect((await update(client)).clientSecret).toBe('')
    expect(await isRight(client.clientId, clientSecret)).toBe(true)
    expect((await update(client, undefined, 'a new chosen secret')).clientSecret).toBe('a new chosen secret')
    expect(await isRight(client.clientId, 'a new chosen secret')).toBe(true)
    expect(await isRight(client.clientId, clientSecret)).toBe(false)
    expect(await isRight(client.clientId, rotated.clientSecret)).toBe(false)
  })

  it('a client that becomes public loses its secrets; one that becomes confidential gets one', async () => {
    const { client, clientSecret } = await register(clients)
    const { clientId } = client
    await update({ clientId, tokenEndpointAuthMethod: 'none' }, ['token_endpoint_auth_method'])
    const again = await update({ clientId, tokenEndpointAuthMethod: 'client_secret_basic' }, [
      'token_endpoint_auth_method',
    ])
    expect(again.clientSecret).toHaveLength(26)
    expect(await isRight(clientId, again.clientSecret)).toBe(true)
    expect(await isRight(clientId, clientSecret)).toBe(false)
  })

  it('a client that is not there is not found', async () => {
    expect((await refusalOf(update({ clientId: 'nobody' }))).code).toBe('not_found')
    expect(
      (await refusalOf(clients.updateClient({ client: undefined, updateMask: undefined, clientSecret: '' }))).code,
    ).toBe('not_found')
  })
})

describe('DeleteClient', () => {
  it('a client that is deleted is gone, and cannot be deleted again', async () => {
    const { client } = await register(clients)
    await clients.deleteClient({ clientId: client.clientId })
    expect((await refusalOf(get(client.clientId))).code).toBe('not_found')
    expect((await refusalOf(clients.deleteClient({ clientId: client.clientId }))).code).toBe('not_found')
  })

  it('I12: who registers the same id again is another registration', async () => {
    const first = await register(clients, { clientId: 'again' }, 'the same secret')
    await clients.deleteClient({ clientId: 'again' })
    const second = await register(clients, { clientId: 'again' }, 'another secret')
    expect(second.client.registrationId).not.toBe(first.client.registrationId)
    expect(await isRight('again', 'the same secret')).toBe(false)
  })

  it('of two who change and delete at once both are told the truth', async () => {
    for (let round = 0; round < 10; round++) {
      const { client } = await register(clients)
      const [changed, deleted] = await Promise.allSettled([
        update({ ...client, clientName: 'x' }),
        clients.deleteClient(client),
      ])
      expect(deleted.status).toBe('fulfilled')
      if (changed.status === 'rejected') expect(changed.reason.code).toBe('not_found')
      expect((await refusalOf(get(client.clientId))).code).toBe('not_found')
    }
  })
})

describe('RotateClientSecret and DropRotatedClientSecrets', () => {
  it('BF-08: the five secrets before the newest stay good until they are dropped', async () => {
    const { client, clientSecret } = await register(clients, {}, 'chosen by a person')
    const { clientId } = client
    const secrets = [clientSecret]
    for (let rotation = 0; rotation < 6; rotation++)
      secrets.push((await clients.rotateClientSecret({ clientId })).clientSecret)
    const good = await Promise.all(secrets.map((secret) => isRight(clientId, secret)))
    expect(good).toEqual([false, true, true, true, true, true, true])
    await clients.dropRotatedClientSecrets({ clientId })
    const left = await Promise.all(secrets.map((secret) => isRight(clientId, secret)))
    expect(left).toEqual([false, false, false, false, false, false, true])
  })

  it('BF-08: a chosen secret stays good after one rotation, and ends at once when it is dropped', async () => {
    const { client } = await register(clients, {}, 'chosen by a person')
    const { clientId } = client
    await clients.rotateClientSecret({ clientId })
    expect(await isRight(clientId, 'chosen by a person')).toBe(true)
    await clients.dropRotatedClientSecrets({ clientId })
    expect(await isRight(clientId, 'chosen by a person')).toBe(false)
  })

  it('each is a change of the client', async () => {
    const { clientId } = (await register(clients)).client
    expect((await clients.rotateClientSecret({ clientId })).client?.revision).toBe(2)
    expect((await clients.dropRotatedClientSecrets({ clientId })).client?.revision).toBe(3)
  })

  it('a public client has nothing to rotate, an unknown one is not found', async () => {
    const { clientId } = (await register(clients, { tokenEndpointAuthMethod: 'none' })).client
    expect((await refusalOf(clients.rotateClientSecret({ clientId }))).code).toBe('invalid_request')
    expect((await refusalOf(clients.rotateClientSecret({ clientId: 'nobody' }))).code).toBe('not_found')
    expect((await refusalOf(clients.dropRotatedClientSecrets({ clientId: 'nobody' }))).code).toBe('not_found')
  })

  it('BF-07: no secret is answered twice, and none is in the database', async () => {
    const { client, clientSecret } = await register(clients)
    expect(JSON.stringify(await clients.getClient(client))).not.toContain(clientSecret)
    expect(
      JSON.stringify(await clients.listClients({ pageSize: 500, pageToken: '', clientName: '', owner: '' })),
    ).not.toContain(clientSecret)
  })
})
