// ClientService: CheckOrigin, on several nodes of one database (TK-10).
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Client, ClientCredentials } from '#proto/client/v1/client_service.js'
import { type Clients, register, type StartedClientService, startClientService } from '../support/client_service.js'
import { eventually } from '../support/eventually.js'
import { type FreshDatabase, freshDatabase } from '../support/postgres.js'

let database: FreshDatabase
let nodes: StartedClientService[]
let one: Clients
let other: Clients

beforeAll(async () => {
  database = await freshDatabase()
  nodes = [await startClientService(database.dsn), await startClientService(database.dsn)]
  ;[one, other] = nodes.map(({ clients }) => clients) as [Clients, Clients]
})
afterAll(async () => {
  for (const { running } of nodes) await running.stop()
  await database.drop()
})

const allows = async (at: Clients, origin: string, clientId?: string): Promise<boolean> => {
  const credentials = clientId === undefined ? undefined : ClientCredentials.create({ clientId })
  return (await at.checkOrigin({ origin, credentials })).allowed
}
const change = (clientId: string, ...allowedCorsOrigins: string[]) =>
  one.updateClient({
    client: Client.create({ clientId, allowedCorsOrigins }),
    updateMask: ['allowed_cors_origins'],
    clientSecret: '',
  })

it('an origin is that of the clients that have registered it', async () => {
  const { client } = await register(one, { allowedCorsOrigins: ['https://a.test', 'https://a.test', 'https://b.test'] })
  const { client: without } = await register(one)
  expect(await allows(one, 'https://a.test')).toBe(true)
  expect(await allows(one, 'https://a.test', client.clientId)).toBe(true)
  for (const clientId of [without.clientId, 'nobody']) expect(await allows(one, 'https://a.test', clientId)).toBe(false)
  for (const origin of ['https://c.test', '', 'null', 'https://a.test/', 'HTTPS://a.test', '__proto__'])
    expect(await allows(one, origin)).toBe(false)
})

it('what is changed at one node is known there at once, and at the others soon', async () => {
  const [origin, next] = ['https://moving.test', 'https://moved.test']
  const { client } = await register(one, { allowedCorsOrigins: [origin] })
  const { client: second } = await register(one, { allowedCorsOrigins: [origin] })
  for (const at of [one, other]) await eventually(() => allows(at, origin, second.clientId))
  await change(client.clientId, next)
  expect([await allows(one, origin), await allows(one, next)]).toEqual([true, true])
  await one.deleteClient(second)
  expect(await allows(one, origin)).toBe(false)
  await eventually(async () => !(await allows(other, origin)) && (await allows(other, next, client.clientId)))
})

it('of many changes at once, with questions in between, none is passed over', async () => {
  const origins = Array.from({ length: 20 }, (_, index) => `https://many-${index}.test`)
  const registered = await Promise.all(
    origins.map(async (origin) => {
      const { client } = await register(one, { allowedCorsOrigins: [origin] })
      expect(await allows(one, origin, client.clientId)).toBe(true)
      return client
    }),
  )
  expect(await Promise.all(origins.map((origin) => allows(one, origin)))).toEqual(origins.map(() => true))
  await Promise.all(registered.map((client) => one.deleteClient(client)))
  expect(await Promise.all(origins.map((origin) => allows(one, origin)))).toEqual(origins.map(() => false))
})
