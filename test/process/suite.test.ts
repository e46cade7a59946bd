// The whole server in both shapes: in one process, and each service in its own.
import { afterEach, describe, expect, it } from 'vitest'
import { ClientServiceService } from '#proto/client/v1/client_service.js'
import { type Shape, type Suite, startSuite } from '../support/suite.js'
import { createClient } from '../support/user_agent.js'

let suite: Suite | undefined
afterEach(() => suite?.stop())

describe.each<Shape>(['one', 'many'])('a server of the shape %s', (shape) => {
  it('serves HTTP and gRPC with its configuration, and goes on after a restart', { timeout: 120_000 }, async () => {
    suite = await startSuite({ shape, config: { ttl: { access_token: 77 } } })
    const { publicUrl } = suite
    expect((await fetch(`${publicUrl}/health/ready`)).status).toBe(200)
    const client = await createClient(suite, { grant_types: ['client_credentials'], redirect_uris: [] })
    const found = await suite.remote(ClientServiceService).getClient({ clientId: client.client_id })
    expect(found.client?.clientId).toBe(client.client_id)

    const authorization = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`
    const askForToken = () =>
      fetch(`${publicUrl}/oauth2/token`, {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
    expect(await (await askForToken()).json()).toMatchObject({ expires_in: 77, token_type: 'bearer' })
    await suite.restart()
    expect((await askForToken()).status).toBe(200)
  })
})
