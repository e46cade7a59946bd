// A stand-in for the admin API of the authorization server, to test the login and consent app alone: it hands out the
// requests that a test prepared and keeps what the app answers.
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { startParty } from './party.js'

type Kind = 'login' | 'consent' | 'logout' | 'device'

export interface Decision {
  readonly kind: Kind
  readonly action: 'accept' | 'reject'
  readonly challenge: string
  readonly body: Record<string, unknown>
  readonly headers: IncomingMessage['headers']
}

export interface FakeAdmin {
  readonly url: string
  /** What each challenge stands for, by `login/<challenge>` and so on; a number is answered as that status. */
  readonly requests: Map<string, Record<string, unknown> | number>
  readonly decisions: Decision[]
  close(): Promise<void>
}

/** After every decision the browser is sent to `/done`, which it answers itself. */
export async function startFakeAdmin(): Promise<FakeAdmin> {
  const requests: FakeAdmin['requests'] = new Map()
  const decisions: Decision[] = []

  const { origin, close } = await startParty(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    if (url.pathname === '/done') return response.writeHead(200, { 'content-type': 'text/plain' }).end('done')
    const [kind, action] = url.pathname.replace('/admin/oauth2/auth/requests/', '').split('/') as [Kind, string?]
    const challenge = url.searchParams.get(`${kind}_challenge`) ?? ''
    const known = requests.get(`${kind}/${challenge}`) ?? 404
    const reply = (status: number, body?: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body))
    if (typeof known === 'number') return reply(known, { error: 'error', error_description: `status ${known}` })
    if (action !== 'accept' && action !== 'reject') return reply(200, { challenge, ...known })
    const body = JSON.parse((await text(request)) || '{}')
    decisions.push({ kind, action, challenge, body, headers: request.headers })
    if (kind === 'logout' && action === 'reject') return reply(204)
    return reply(200, { redirect_to: `http://${request.headers.host}/done` })
  })
  return { url: origin, requests, decisions, close }
}
