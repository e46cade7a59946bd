// The connections of a channel: few calls at a time share one, many are spread over several, since behind one address there
// may be several workers.
import { credentials, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ClientServiceService, type GetClientRequest, type GetClientResponse } from '#proto/client/v1/client_service.js'
import type { Remote } from '../../services/kit/rpc/contract.js'
import { WireChannel } from '../../services/kit/rpc/wire.js'
import { eventually } from '../support/eventually.js'

const { getClient } = ClientServiceService

let server: Server
let channel: WireChannel
let clients: Remote<typeof ClientServiceService>
/** By whom calls that are under way came, and how each is answered. */
const underWay: { peer: string; answer: () => void }[] = []

beforeEach(async () => {
  server = new Server()
  server.addService(
    { getClient },
    {
      getClient: (
        call: ServerUnaryCall<GetClientRequest, GetClientResponse>,
        respond: sendUnaryData<GetClientResponse>,
      ) => underWay.push({ peer: call.getPeer(), answer: () => respond(null, { client: undefined }) }),
    },
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  channel = new WireChannel(`127.0.0.1:${port}`, credentials.createInsecure(), '')
  clients = channel.remote(ClientServiceService)
})
afterEach(() => {
  channel.close()
  server.forceShutdown()
})

/** Makes so many calls at once; returns how many connections they came by. */
async function spreadOf(count: number): Promise<number> {
  const calls = Array.from({ length: count }, () => clients.getClient({ clientId: 'any' }))
  await eventually(() => underWay.length === count)
  const peers = new Set(underWay.map(({ peer }) => peer))
  for (const { answer } of underWay.splice(0)) answer()
  await Promise.all(calls)
  return peers.size
}

it('many calls at once come by several connections, few by one', async () => {
  await eventually(async () => (await spreadOf(40)) === 4)
  expect(await spreadOf(8)).toBe(1)
  expect(await spreadOf(1)).toBe(1)
  expect(await spreadOf(16)).toBe(2)
})
