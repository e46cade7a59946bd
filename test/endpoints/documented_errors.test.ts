// The errors that Hydra's documents name, at every operation that names them; their form is checked as that of every answer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Operation, operations } from '../support/contract/documents.js'
import { startGateway, type TestGateway } from '../support/fake_services.js'
import { sendRaw } from '../support/raw_http.js'
import { type Suite, startSuite } from '../support/suite.js'

let suite: Suite
let guarded: TestGateway
beforeAll(async () => {
  suite = await startSuite()
  guarded = await startGateway({}, { serve: { admin: { tokens: ['the token of the operator'] } } })
})
afterAll(() => Promise.all([suite.stop(), guarded.close()]))

const ofAdmin = operations.filter((operation) => operation.serves('admin', operation.path.replace(/\{\w+\}/g, 'x')))
const naming = (status: string) =>
  ofAdmin.filter(({ path, answers }) => !/metrics/.test(path) && answers.some((answer) => answer.status === status))

const unknown = ({ path }: Operation): string => path.replace(/\{\w+\}/g, 'nobody-has-this')

async function send(base: string, operation: Operation, body = '', query = ''): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const { method } = operation
  const response = await fetch(`${base}${unknown(operation)}${query}`, { method, headers, ...(body && { body }) })
  await response.arrayBuffer()
  return response.status
}

describe('Hydra 1.2, 1.3: documented errors', () => {
  const withGuard = ofAdmin.filter(({ path }) => !/health|metrics/.test(path))
  it.each(withGuard.map((operation) => [`${operation.document} ${operation.id}`, operation] as const))(
    '401 without the token of the admin API: %s',
    async (_name, operation) => {
      expect(await send(guarded.adminUrl, operation)).toBe(401)
    },
  )

  it.each(naming('403').map((operation) => [`${operation.document} ${operation.id}`, operation] as const))(
    '403 for a host name that the admin API does not have: %s',
    async (_name, operation) => {
      const head = `${operation.method} ${unknown(operation)} HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n`
      expect((await sendRaw(suite.adminUrl, head)).status).toBe(403)
    },
  )

  it.each(naming('404').map((operation) => [`${operation.document} ${operation.id}`, operation] as const))(
    '404 for what there is not: %s',
    async (_name, operation) => {
      const body = { PUT: '{"subject":"a"}', PATCH: '[]', POST: '' }[operation.method] ?? ''
      const isClient = /clients/.test(operation.path) && operation.method === 'PUT'
      const sent = isClient ? '{"redirect_uris":["https://a.test/cb"]}' : body
      expect(await send(suite.adminUrl, operation, sent, '?challenge=x')).toBe(404)
    },
  )

  it.each(naming('400').map((operation) => [`${operation.document} ${operation.id}`, operation] as const))(
    '400 for what says nothing: %s',
    async (_name, operation) => {
      expect(await send(suite.adminUrl, operation, operation.method === 'POST' ? '[]' : '')).toBe(400)
    },
  )

  it('409 for a client that there is', async () => {
    const creations = operations.filter(({ id }) => id === 'createOAuth2Client')
    const body = '{"client_id":"twice","grant_types":["client_credentials"]}'
    for (const creation of creations) {
      await send(suite.adminUrl, creation, body)
      expect(await send(suite.adminUrl, creation, body)).toBe(409)
    }
  })
})
