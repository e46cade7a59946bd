// Who calls: service tokens, client certificates, and those on this machine. security.md's GR-01 to GR-03.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import type { Config, TlsConfig } from '../../services/kit/config/config.js'
import { callers, serviceToken } from '../../services/kit/identity.js'
import { Peers, rpcListener } from '../../services/kit/peers.js'
import type { Caller, Handlers, Remote } from '../../services/kit/rpc/contract.js'
import { defineService, RpcServer } from '../../services/kit/rpc/server.js'
import { Authority, hasOpenssl } from '../support/certificates.js'
import { testConfig } from '../support/config.js'

type Clients = Remote<typeof ClientServiceService>

const secret = 'a system secret for this test alone'
let lastCaller: Caller | undefined

const unused = async (): Promise<never> => {
  throw new Error('unused')
}

const service = defineService(ClientServiceService, {
  getClient: async (_, call) => {
    lastCaller = call.caller
    return { client: undefined }
  },
  listClients: async () => ({ clients: [], nextPageToken: '', totalSize: 0 }),
  async *watchClients(_, call) {
    yield { changes: [], position: '1', ageMs: 0, sentAtMs: 0 }
    await new Promise((resolve) => call.signal.addEventListener('abort', resolve))
  },
  createClient: unused,
  updateClient: unused,
  deleteClient: unused,
  rotateClientSecret: unused,
  dropRotatedClientSecrets: unused,
  checkOrigin: unused,
  authenticateClient: unused,
  getServerMetadata: unused,
} satisfies Handlers<typeof ClientServiceService>)

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(
  tls?: TlsConfig,
  secrets: readonly string[] = [secret],
): Promise<{ port: number; server: RpcServer }> {
  const config = testConfig({ secrets: { system: secrets }, serve: { grpc: { tls } } })
  const server = new RpcServer([service], rpcListener(config))
  const port = await server.listen()
  closing.push(() => server.close(0))
  return { port, server }
}

function connect(port: number, services: Partial<Config['services']>, secrets: readonly string[] = []): Clients {
  const address = { address: `127.0.0.1:${port}` }
  const config = testConfig({ secrets: { system: secrets }, services: { client: address, ...services } })
  const peers = new Peers(config, [])
  closing.push(() => peers.close())
  return peers.remote(ClientServiceService, 'gateway')
}

const callerOf = async (clients: Clients): Promise<Caller | undefined> => {
  lastCaller = undefined
  await clients.getClient({ clientId: 'any' })
  return lastCaller
}

describe('service tokens', () => {
  it.each(callers.filter((name) => !['client', 'resource_server'].includes(name)))(
    'name their bearer: %s',
    async (name) => {
      const { port } = await serve()
      expect(await callerOf(connect(port, { credential: serviceToken([secret], name) }))).toBe(name)
    },
  )

  it('are derived where secrets.system is', async () => {
    const { port } = await serve()
    expect(await callerOf(connect(port, {}, [secret]))).toBe('gateway')
  })

  it('go on after a rotation of secrets.system', async () => {
    const { port } = await serve(undefined, ['the new system secret of this test', secret])
    expect(await callerOf(connect(port, { credential: serviceToken([secret], 'token') }))).toBe('token')
  })

  const token = serviceToken([secret], 'gateway')
  it.each([
    ['made with another secret', serviceToken(['another secret than the right one'], 'gateway')],
    ['with another name', token.replace('gateway', 'operator')],
    ['with an unknown name', token.replace('gateway', 'root')],
    ['cut short', token.slice(0, -2)],
    ['with something behind it', `${token}A`],
    ['without a code', 'gateway.'],
    ['alg none', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJnYXRld2F5In0.'],
  ])('GR-03: refused, also on this machine: %s', async (_, credential) => {
    const { port } = await serve()
    await expect(callerOf(connect(port, { credential }))).rejects.toMatchObject({ code: 'request_unauthorized' })
    expect(lastCaller).toBeUndefined()
  })

  it('GR-02: a right token does not open what its bearer may not call', async () => {
    const { port } = await serve()
    const clients = connect(port, { credential: serviceToken([secret], 'resource_server') })
    await expect(clients.listClients({ pageSize: 1, pageToken: '', clientName: '', owner: '' })).rejects.toMatchObject({
      code: 'request_forbidden',
    })
  })
})

describe('this machine', () => {
  it('is an operator in plain text on the loopback', async () => {
    const { port } = await serve()
    expect(await callerOf(connect(port, {}))).toBe('operator')
  })
})

describe.skipIf(!hasOpenssl)('certificates', { meta: { needs: 'openssl' } }, () => {
  let authority: Authority
  let stranger: Authority
  let server: TlsConfig
  beforeAll(() => {
    authority = new Authority()
    stranger = new Authority()
    server = authority.issue('server')
  })
  afterAll(() => {
    authority.remove()
    stranger.remove()
  })

  const refused = (clients: Clients) => expect(callerOf(clients)).rejects
  const outage = { code: 'temporarily_unavailable' }

  it('name the caller', async () => {
    const { port } = await serve(server)
    expect(await callerOf(connect(port, { tls: authority.issue('consent') }))).toBe('consent')
  })

  it('GR-01: a certificate of the right authority with an unknown name is a stranger', async () => {
    const { port } = await serve(server)
    await refused(connect(port, { tls: authority.issue('somebody') })).toMatchObject({ code: 'request_unauthorized' })
  })

  it('GR-01: none, one of another authority, and plain text get no connection', async () => {
    const { port } = await serve(server)
    await refused(connect(port, { tls: { cert: '', key: '', ca: authority.ca } })).toMatchObject(outage)
    await refused(connect(port, { tls: { ...stranger.issue('gateway'), ca: authority.ca } })).toMatchObject(outage)
    await refused(connect(port, {}, [secret])).toMatchObject(outage)
    expect(lastCaller).toBeUndefined()
  })

  it('GR-01: a server that another authority vouches for is not called', async () => {
    const { port } = await serve({ ...stranger.issue('server'), ca: '' })
    const tls = { cert: '', key: '', ca: authority.ca }
    await refused(connect(port, { tls, credential: serviceToken([secret], 'gateway') })).toMatchObject(outage)
  })

  it('without client certificates a token is needed, on this machine too', async () => {
    const { port } = await serve({ ...server, ca: '' })
    const tls = { cert: '', key: '', ca: authority.ca }
    await refused(connect(port, { tls })).toMatchObject({ code: 'request_unauthorized' })
    expect(await callerOf(connect(port, { tls, credential: serviceToken([secret], 'gateway') }))).toBe('gateway')
  })
})

describe('shutdown', () => {
  it('ends streams under way as an outage, so that their readers go elsewhere, without waiting for them', async () => {
    const { port, server } = await serve()
    const stream = connect(port, {}).watchClients({ position: '' })[Symbol.asyncIterator]()
    expect((await stream.next()).value).toMatchObject({ position: '1' })
    const startedAt = performance.now()
    const [next] = await Promise.allSettled([stream.next(), server.close(10_000)])
    expect(next).toMatchObject({ status: 'rejected', reason: { code: 'temporarily_unavailable' } })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
