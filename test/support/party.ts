// A party beside the server, over HTTP at an address of its own: a client, an app, a hook, or who publishes something.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Party {
  readonly origin: string
  /** Cuts off who is still connected. */
  close(): Promise<void>
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

export async function startParty(answer: Answer): Promise<Party> {
  const server = createServer(async (request, response) => {
    try {
      await answer(request, response)
    } catch (thrown) {
      // Who asked may go before all was said; anything else is a fault of the test.
      if (!request.readableAborted) throw thrown
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
