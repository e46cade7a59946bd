// A relying party's back-channel logout endpoint: keeps what it is sent, and answers as a test says.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose'
import { type Party, startParty } from './party.js'

export interface ReceivedLogout {
  readonly path: string
  readonly method: string
  readonly contentType: string
  readonly token: string
  readonly header: ProtectedHeaderParameters
  readonly claims: JWTPayload
}

export interface LogoutReceiver extends Party {
  readonly received: ReceivedLogout[]
  /** What it got at one path. */
  at(path: string): ReceivedLogout[]
  /** How it answers at one path; 200 where nothing is said. */
  answer(path: string, how: (response: ServerResponse) => void): void
}

export async function startLogoutReceiver(): Promise<LogoutReceiver> {
  const received: ReceivedLogout[] = []
  const answers = new Map<string, (response: ServerResponse) => void>()
  const party = await startParty(async (request, response) => {
    const logout = await read(request)
    received.push(logout)
    const answer = answers.get(logout.path)
    if (answer) answer(response)
    else response.writeHead(200).end()
  })
  return {
    ...party,
    received,
    at: (path) => received.filter((logout) => logout.path === path),
    answer: (path, how) => void answers.set(path, how),
  }
}

async function read(request: IncomingMessage): Promise<ReceivedLogout> {
  const token = new URLSearchParams(await text(request)).get('logout_token') ?? ''
  const { url: path = '', method = '', headers } = request
  const contentType = headers['content-type'] ?? ''
  return { path, method, contentType, token, header: decodeProtectedHeader(token), claims: decodeJwt(token) }
}
