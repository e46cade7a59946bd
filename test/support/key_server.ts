// A party that publishes its keys over HTTP: answers as a test says, and counts who asked.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type Party, startParty } from './party.js'

export interface KeyServer extends Party {
  /** What was asked for, oldest first. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** How often a path was asked for. */
  count(path: string): number
  /** Answers a path with a JWK Set, or in a way of the test's own. */
  serve(path: string, keys: readonly object[] | ((response: ServerResponse) => void)): string
}

export async function startKeyServer(): Promise<KeyServer> {
  const requests: KeyServer['requests'] = []
  const answers = new Map<string, (response: ServerResponse) => void>()
  const party = await startParty(({ url: path = '', headers }, response) => {
    requests.push({ path, headers })
    const answer = answers.get(path)
    if (answer) answer(response)
    else response.writeHead(404).end()
  })
  return {
    ...party,
    requests,
    count: (path) => requests.filter((request) => request.path === path).length,
    serve(path, keys) {
      const answer =
        typeof keys === 'function'
          ? keys
          : (response: ServerResponse) =>
              response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
      answers.set(path, answer)
      return `${party.origin}${path}`
    },
  }
}
