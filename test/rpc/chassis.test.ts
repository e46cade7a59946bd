// The chassis: a call behaves the same in process and over the wire. security.md's GR cases that concern every service.
import { once } from 'node:events'
import { connect } from 'node:net'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientServiceService, GetClientRequest, ListClientsRequest } from '#proto/client/v1/client_service.js'
import { monotonicMs } from '../../services/kit/clock.js'
import { OAuthError } from '../../services/kit/oauth_error.js'
import type { Call, Caller, Handlers, Remote } from '../../services/kit/rpc/contract.js'
import { inProcess } from '../../services/kit/rpc/in_process.js'
import { defineService, RpcServer } from '../../services/kit/rpc/server.js'
import { WireChannel } from '../../services/kit/rpc/wire.js'

type Clients = Remote<typeof ClientServiceService>

const calls: Call[] = []
let cancelled: Promise<void> = Promise.resolve()

/** What a handler does is chosen by the id that it is asked for. */
const behaviours: Record<string, (call: Call) => Promise<never>> = {
  refuse: async () => {
    throw new OAuthError('not_found', 'There is no such client.', { hint: 'Look again.', cause: 'SELECT secret' })
  },
  break: async () => {
    throw new Error('SELECT * FROM secret_table at 10.0.0.7:5432')
  },
  hang: (call) => {
    cancelled = new Promise((resolve) => call.signal.addEventListener('abort', () => resolve(), { once: true }))
    return new Promise(() => undefined)
  },
}

const unused = async (): Promise<never> => {
  throw new Error('unused')
}

const allowed = Object.freeze({ allowed: true })

const handlers: Handlers<typeof ClientServiceService> = {
  getClient: async ({ clientId }, call) => {
    calls.push(call)
    await behaviours[clientId]?.(call)
    return { client: undefined }
  },
  listClients: async ({ pageToken }) => ({ clients: [], nextPageToken: pageToken, totalSize: 0 }),
  async *watchClients(_, call) {
    for (let index = 1; !call.signal.aborted; index++) {
      if (index === 4) throw new OAuthError('position_lost')
      yield { changes: [], position: String(index), ageMs: 0, sentAtMs: 0 }
    }
  },
  createClient: unused,
  updateClient: unused,
  deleteClient: unused,
  rotateClientSecret: unused,
  dropRotatedClientSecrets: unused,
  // Without a promise: what is known is answered at once, again and again.
  checkOrigin: ({ origin }) => {
    if (origin === 'refuse') throw new OAuthError('not_found', 'There is no such origin.')
    return allowed
  },
  authenticateClient: unused,
  getServerMetadata: unused,
}

const service = defineService(ClientServiceService, handlers)
let server: RpcServer
let port: number
let channel: WireChannel
let identified: Caller | undefined = 'operator'

beforeAll(async () => {
  server = new RpcServer([service], {
    host: '127.0.0.1',
    port: 0,
    identify: () => identified,
  })
  port = await server.listen()
  server.setServing(true)
  channel = new WireChannel(`127.0.0.1:${port}`, credentials.createInsecure(), '')
})
afterAll(async () => {
  channel.close()
  await server.close(1_000)
})

const shapes: [string, () => Clients][] = [
  ['in process', () => inProcess(service, 'operator')],
  ['over the wire', () => channel.remote(ClientServiceService)],
]

describe.each(shapes)('a call %s', (_, remote) => {
  it('answers', async () => {
    expect(await remote().listClients(ListClientsRequest.fromPartial({ pageToken: 'x' }))).toEqual({
      clients: [],
      nextPageToken: 'x',
      totalSize: 0,
    })
  })

  it('a handler may answer or refuse at once', async () => {
    const ask = (origin: string) => remote().checkOrigin({ origin, credentials: undefined })
    expect([await ask('a'), await ask('b')]).toEqual([allowed, allowed])
    await expect(ask('refuse')).rejects.toMatchObject({ code: 'not_found', description: 'There is no such origin.' })
  })

  it('GR-06: what a call asks of others in its process ends with it', async () => {
    const others = inProcess(service, 'operator')
    behaviours.ask = (call) => others.getClient({ clientId: 'hang' }, call) as Promise<never>
    const late = remote().getClient({ clientId: 'ask' }, { deadline: monotonicMs() + 50 })
    await expect(late).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    await cancelled
  })

  it('GR-10: a refusal arrives with code, description and hint, and without its cause', async () => {
    const refused = await remote()
      .getClient({ clientId: 'refuse' })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(OAuthError)
    expect(refused).toMatchObject({ code: 'not_found', description: 'There is no such client.', hint: 'Look again.' })
  })

  it('GR-10: an unexpected error arrives as server_error with generic text', async () => {
    const failed = await remote()
      .getClient({ clientId: 'break' })
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'server_error' })
    expect((failed as OAuthError).message).not.toMatch(/secret_table|5432/)
  })

  it('GR-06: the deadline of the caller ends the call, and the work is told to stop', async () => {
    const began = monotonicMs()
    const late = remote().getClient({ clientId: 'hang' }, { deadline: began + 50 })
    await expect(late).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    expect(monotonicMs() - began).toBeLessThan(1_000)
    await cancelled
  })

  it('GR-06: a caller that gives up is answered, and the work is told to stop', async () => {
    const controller = new AbortController()
    const before = calls.length
    const call = remote().getClient(
      { clientId: 'hang' },
      { signal: controller.signal, deadline: monotonicMs() + 2_000 },
    )
    const outcome = call.catch((error: unknown) => error)
    await expect.poll(() => calls.length).toBeGreaterThan(before)
    controller.abort()
    await cancelled
    expect(await outcome).toMatchObject({ code: 'temporarily_unavailable' })
  })

  it('GR-06: a deadline that has passed is refused before any work', async () => {
    const before = calls.length
    const late = remote().getClient({ clientId: 'x' }, { deadline: monotonicMs() - 1 })
    await expect(late).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    expect(calls.length).toBe(before)
  })

  it('a request id is handed on', async () => {
    await remote().getClient({ clientId: 'x' }, { requestId: 'the-request' })
    expect(calls.at(-1)?.requestId).toBe('the-request')
  })

  it('a stream gives its messages in order and ends with its error', async () => {
    const positions: string[] = []
    const read = async () => {
      for await (const message of remote().watchClients({ position: '' })) positions.push(message.position)
    }
    await expect(read()).rejects.toMatchObject({ code: 'position_lost' })
    expect(positions).toEqual(['1', '2', '3'])
  })
})

describe('who may call', () => {
  it('GR-02: a caller that the rule does not name is refused', async () => {
    const stranger = inProcess(service, 'resource_server')
    await expect(stranger.listClients(ListClientsRequest.fromPartial({}))).rejects.toMatchObject({
      code: 'request_forbidden',
    })
  })

  it('GR-03: a caller that cannot be identified is refused over the wire', async () => {
    identified = undefined
    try {
      const call = channel.remote(ClientServiceService).listClients(ListClientsRequest.fromPartial({}))
      await expect(call).rejects.toMatchObject({ code: 'request_unauthorized' })
    } finally {
      identified = 'operator'
    }
  })
})

describe('hostile peers', () => {
  const raw = (path: string, bytes: Buffer, metadata = new Metadata()) =>
    new Promise<{ code: status; details: string }>((resolve) => {
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
      client.makeUnaryRequest(
        path,
        (value: Buffer) => value,
        (value: Buffer) => value,
        bytes,
        metadata,
        (error) => {
          client.close()
          resolve({ code: error?.code ?? status.OK, details: error?.details ?? '' })
        },
      )
    })
  const getClient = '/tessera.client.v1.ClientService/GetClient'

  it('GR-05: a request above its limit, and one above every limit', async () => {
    const above = Buffer.from(GetClientRequest.encode({ clientId: 'x'.repeat(5_000) }).finish())
    expect((await raw(getClient, above)).code).toBe(status.RESOURCE_EXHAUSTED)
    expect((await raw(getClient, Buffer.alloc(5 << 20))).code).toBe(status.RESOURCE_EXHAUSTED)
  })

  it('GR-05: truncated, malformed and unknown fields', async () => {
    expect((await raw(getClient, Buffer.from([0x0a, 0xff]))).code).toBe(status.INVALID_ARGUMENT)
    expect((await raw(getClient, Buffer.from([0xff, 0xff, 0xff, 0xff]))).code).toBe(status.INVALID_ARGUMENT)
    const unknown = Buffer.concat(Array.from({ length: 500 }, () => Buffer.from([0xfa, 0x01, 0x01, 0x41])))
    expect((await raw(getClient, unknown)).code).toBe(status.OK)
  })

  it('GR-04: metadata above the limit is refused and the server lives', async () => {
    const metadata = new Metadata()
    metadata.set('x-junk', 'x'.repeat(64 * 1024))
    expect((await raw(getClient, Buffer.alloc(0), metadata)).code).not.toBe(status.OK)
    expect((await raw(getClient, Buffer.alloc(0))).code).toBe(status.OK)
  })

  it('an unknown method is UNIMPLEMENTED', async () => {
    expect((await raw('/tessera.client.v1.ClientService/Nothing', Buffer.alloc(0))).code).toBe(status.UNIMPLEMENTED)
  })

  it('ADV-L1: bytes that are no HTTP/2 close the connection and the server lives', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\n\r\n\0\0\0\0')
    socket.resume()
    await once(socket, 'close')
    expect((await raw(getClient, Buffer.alloc(0))).code).toBe(status.OK)
  })

  it('GR-08: reflection is off unless asked for; health needs no data', async () => {
    const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'
    expect((await raw(reflection, Buffer.alloc(0))).code).toBe(status.UNIMPLEMENTED)
    expect((await raw('/grpc.health.v1.Health/Check', Buffer.alloc(0))).code).toBe(status.OK)
  })
})

describe('health', () => {
  it('a channel knows whether the other side can be used', async () => {
    expect(await channel.isServing()).toBe(true)
    server.setServing(false)
    expect(await channel.isServing()).toBe(false)
    server.setServing(true)
    const nowhere = new WireChannel('127.0.0.1:1', credentials.createInsecure(), '')
    expect(await nowhere.isServing()).toBe(false)
    nowhere.close()
  })
})
