// ClientService/WatchClients: who keeps clients in memory is told of every change, in this process before the change
// is answered; and the service over the wire.
import { credentials as channelCredentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, ClientServiceService, type WatchClientsResponse } from '#proto/client/v1/client_service.js'
import { FollowedCache } from '../../services/kit/feed.js'
import { RpcServer } from '../../services/kit/rpc/server.js'
import { WireChannel } from '../../services/kit/rpc/wire.js'
import {
  basic,
  type Clients,
  refusalOf,
  register,
  type StartedClientService,
  startClientService,
} from '../support/client_service.js'
import { eventually } from '../support/eventually.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

let database: FreshDatabase
let here: StartedClientService
let elsewhere: StartedClientService
let server: RpcServer
let channel: WireChannel
let wire: Clients
const caches: { stop(): Promise<void> }[] = []

beforeAll(async () => {
  database = await freshDatabase()
  here = await startClientService(database.dsn)
  elsewhere = await startClientService(database.dsn)
  server = new RpcServer([here.service], {
    host: '127.0.0.1',
    port: 0,
    identify: () => 'operator',
  })
  channel = new WireChannel(`127.0.0.1:${await server.listen()}`, channelCredentials.createInsecure(), '')
  wire = channel.remote(ClientServiceService)
})
afterAll(async () => {
  for (const cache of caches) await cache.stop()
  channel.close()
  await server.close(1_000)
  await here.running.stop()
  await elsewhere.running.stop()
  await database.drop()
})

/** A cache of clients as the other services keep one, once it follows. */
async function follow(clients: Clients) {
  const cache = new FollowedCache<Client, string, WatchClientsResponse>({
    name: 'clients',
    max: 100,
    maxStalenessMs: 5_000,
    load: async (clientId) => Client.create((await clients.getClient({ clientId })).client),
    open: (position, signal) => clients.watchClients({ position: position ?? '' }, { signal }),
    read: ({ changes, position, ageMs }) => ({
      keys: changes.map(({ clientId }) => clientId),
      position,
      ageMs,
      sentAtMs: 0,
    }),
  })
  cache.start()
  caches.push(cache)
  await eventually(() => cache.stalenessMs() < 5_000)
  return cache
}

describe('WatchClients', () => {
  it('B = 0: a cache in this process has forgotten a client before its change or deletion is answered', async () => {
    const cache = await follow(here.clients)
    const { client } = await register(here.clients)
    const { clientId } = client
    for (let revision = 1; revision <= 50; revision++) {
      expect((await cache.get(clientId)).revision).toBe(revision)
      expect(cache.peek(clientId)?.revision).toBe(revision)
      await here.clients.updateClient({ client, updateMask: ['client_name'], clientSecret: '' })
      expect(cache.peek(clientId)).toBeUndefined()
    }
    await cache.get(clientId)
    await here.clients.rotateClientSecret({ clientId })
    expect(cache.peek(clientId)).toBeUndefined()
    await cache.get(clientId)
    await here.clients.deleteClient({ clientId })
    expect(cache.peek(clientId)).toBeUndefined()
    expect((await refusalOf(cache.get(clientId))).code).toBe('not_found')
  })

  it('a cache over the wire forgets what another instance changed', async () => {
    const cache = await follow(wire)
    const { client } = await register(elsewhere.clients)
    await eventually(() => cache.stalenessMs() < 1_000)
    await cache.get(client.clientId)
    await elsewhere.clients.deleteClient(client)
    await eventually(() => cache.peek(client.clientId) === undefined, 3_000)
  })

  it('each change says what changed, from the position where a reader left off', async () => {
    const { client } = await register(here.clients, { clientId: 'watched' })
    const begun = await firstOf(wire.watchClients({ position: '' }, {}))
    await here.clients.updateClient({ client, updateMask: ['owner'], clientSecret: '' })
    await elsewhere.clients.deleteClient({ clientId: 'watched' })
    const again = await register(here.clients, { clientId: 'watched' })
    const seen: WatchClientsResponse['changes'] = []
    for await (const { changes } of wire.watchClients({ position: begun.position }, {})) {
      seen.push(...changes.filter(({ clientId }) => clientId === 'watched'))
      if (seen.length === 3) break
    }
    const { registrationId } = client
    const expected = [
      { clientId: 'watched', revision: 2, deleted: false, registrationId },
      { clientId: 'watched', revision: 3, deleted: true, registrationId },
      { clientId: 'watched', revision: 1, deleted: false, registrationId: again.client.registrationId },
    ]
    expect(seen).toHaveLength(3)
    expect(seen).toEqual(expect.arrayContaining(expected))
  })

  it('AD-05: of many that are registered at once, here and elsewhere, each that is new is told once', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `many-${index % 20}`)
    const begun = await firstOf(wire.watchClients({ position: '' }, {}))
    const answers = await Promise.allSettled(
      ids.map((clientId, index) => register((index % 3 === 0 ? elsewhere : here).clients, { clientId })),
    )
    const registered = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.client] : []))
    expect(registered).toHaveLength(20)
    const seen: WatchClientsResponse['changes'] = []
    for await (const { changes } of wire.watchClients({ position: begun.position }, {})) {
      seen.push(...changes)
      if (seen.length >= 20) break
    }
    const expected = registered.map(({ clientId, registrationId }) => ({
      clientId,
      revision: 1,
      deleted: false,
      registrationId,
    }))
    expect(seen).toHaveLength(20)
    expect(seen).toEqual(expect.arrayContaining(expected))
  })

  it('what was refused or came to nothing is not told', async () => {
    const { client } = await register(here.clients)
    const begun = await firstOf(here.clients.watchClients({ position: '' }, {}))
    await refusalOf(
      here.clients.updateClient({ client: { ...client, subjectType: 'x' }, updateMask: undefined, clientSecret: '' }),
    )
    await refusalOf(register(here.clients, { clientId: client.clientId }))
    await refusalOf(here.clients.deleteClient({ clientId: 'nobody' }))
    const marker = await register(here.clients)
    for await (const { changes } of here.clients.watchClients({ position: begun.position }, {})) {
      if (changes.length === 0) continue
      expect(changes.map(({ clientId }) => clientId)).toEqual([marker.client.clientId])
      break
    }
  })

  it.each(['x', '%%%', Buffer.from('made up').toString('base64url'), 'AQ=='])('%j is no position', async (position) => {
    expect((await refusalOf(firstOf(wire.watchClients({ position }, {})))).code).toBe('position_lost')
  })

  it('a reader is told how fresh its news are while nothing happens', async () => {
    let heartbeats = 0
    for await (const { ageMs } of wire.watchClients({ position: '' }, {})) {
      expect(ageMs).toBeLessThan(5_000)
      if (++heartbeats === 3) break
    }
    expect(heartbeats).toBe(3)
  })
})

describe('over the wire', () => {
  it('a client is registered, authenticated, listed, changed and deleted', async () => {
    const metadata = {
      clientId: 'wired',
      redirectUris: ['https://a.test/cb'],
      metadata: { nested: [{ x: null }] },
      jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] },
    }
    const { client, clientSecret } = await register(wire, metadata)
    expect(client).toMatchObject(metadata)
    const credentials = {
      authorization: basic('wired', clientSecret),
      clientId: '',
      clientSecret: '',
      clientAssertionType: '',
      clientAssertion: '',
    }
    expect((await wire.authenticateClient({ credentials })).client).toEqual(client)
    expect(
      (await refusalOf(wire.authenticateClient({ credentials: { ...credentials, authorization: 'Basic x' } }))).code,
    ).toBe('invalid_client')
    const listed = await wire.listClients({ pageSize: 0, pageToken: '', clientName: '', owner: '' })
    expect(listed.clients).toContainEqual(client)
    const changed = await wire.updateClient({
      client: { ...client, owner: 'me' },
      updateMask: ['owner'],
      clientSecret: '',
    })
    expect(changed.client).toMatchObject({ ...metadata, owner: 'me', revision: 2 })
    await wire.deleteClient({ clientId: 'wired' })
    expect((await refusalOf(wire.getClient({ clientId: 'wired' }))).code).toBe('not_found')
  })

  it('RFC 8414 2: the service says how clients can authenticate', async () => {
    const { metadata } = await wire.getServerMetadata({})
    expect(metadata).toMatchObject({
      token_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'client_secret_jwt',
        'none',
      ],
      subject_types_supported: ['public'],
    })
  })
})

async function firstOf<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message
  throw new Error('nothing came')
}
