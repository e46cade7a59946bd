// A party that publishes its keys over HTTP: answers as a test says, and counts who asked.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface KeyServer {
  readonly origin: string
  /** What was asked for, oldest first. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** How often a path was asked for. */
  count(path: string): number
  /** Answers a path with a JWK Set, or in a way of the test's own. */
  serve(path: string, keys: readonly object[] | ((response: ServerResponse) => void)): string
  close(): void
}

export async function startKeyServer(): Promise<KeyServer> {
  const requests: KeyServer['requests'] = []
  const answers = new Map<string, (response: ServerResponse) => void>()
  const server = createServer(({ url: path = '', headers }, response) => {
    requests.push({ path, headers })
    const answer = answers.get(path)
    if (answer) answer(response)
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    requests,
    count: (path) => requests.filter((request) => request.path === path).length,
    serve(path, keys) {
      const answer =
        typeof keys === 'function'
          ? keys
          : (response: ServerResponse) =>
              response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
      answers.set(path, answer)
      return `${origin}${path}`
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
