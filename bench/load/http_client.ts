// A small HTTP client that keeps its connections, for what has to be set up and for flows of several steps.
import { Agent, type IncomingHttpHeaders, request as send } from 'node:http'

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const agent = new Agent({ keepAlive: true })

export function call(origin: string, { method, path, headers, body }: HttpRequest): Promise<HttpAnswer> {
  const url = new URL(path, origin)
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const request = send(url, { method, agent, headers: { ...headers, ...length } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    request.once('error', reject)
    request.end(body)
  })
}

/** The JSON of an answer that must have one of the statuses. */
export async function callForJson(
  origin: string,
  request: HttpRequest,
  statuses: readonly number[] = [200, 201],
): Promise<Record<string, unknown>> {
  const answer = await call(origin, request)
  if (!statuses.includes(answer.status))
    throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.body}`)
  return JSON.parse(answer.body)
}

const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const jsonType = { 'content-type': 'application/json' }

export const get = (path: string, headers: Record<string, string> = {}): HttpRequest => ({
  method: 'GET',
  path,
  headers,
  body: '',
})

export const postForm = (
  path: string,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): HttpRequest => ({
  method: 'POST',
  path,
  headers: { ...formType, ...headers },
  body: new URLSearchParams(parameters).toString(),
})

export const sendJson = (method: string, path: string, body: unknown): HttpRequest => ({
  method,
  path,
  headers: jsonType,
  body: JSON.stringify(body),
})

/** A browser: keeps cookies and follows one redirect at a time. */
export class Browser {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Where an address at the server leads to. */
  async redirectFrom(url: URL, method = 'GET'): Promise<URL> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers: Record<string, string> = cookie ? { cookie } : {}
    const answer = await call(this.#origin, { method, path: `${url.pathname}${url.search}`, headers, body: '' })
    for (const line of answer.headers['set-cookie'] ?? []) this.#take(line)
    const { location } = answer.headers
    if (!location) throw new Error(`no redirect from ${url.pathname}: ${answer.status} ${answer.body}`)
    return new URL(location, url)
  }

  #take(line: string): void {
    const pair = line.split(';', 1)[0] ?? ''
    const equals = pair.indexOf('=')
    const value = pair.slice(equals + 1)
    if (value === '') this.#cookies.delete(pair.slice(0, equals))
    else this.#cookies.set(pair.slice(0, equals), value)
  }
}
