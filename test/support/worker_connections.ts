// A connection to each worker of a server, told apart by the process that logs its requests.
import { Agent, type OutgoingHttpHeaders, request } from 'node:http'
import type { ConfiguredProgram } from './configured_program.js'

export interface WorkerAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
}

export interface WorkerConnection {
  readonly pid: number
  send(method: string, path: string, options?: RequestOptions): Promise<WorkerAnswer>
}

export interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders
  readonly form?: Record<string, string>
}

let count = 0

function open(origin: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return (method: string, path: string, { headers = {}, form }: RequestOptions = {}): Promise<WorkerAnswer> =>
    new Promise((resolve, reject) => {
      const type = form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
      const sent = request(`${origin}${path}`, { method, agent, headers: { ...type, ...headers } }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text ? JSON.parse(text) : {} }))
        response.once('error', reject)
      })
      sent.once('error', reject)
      sent.end(form ? new URLSearchParams(form).toString() : '')
    })
}

/** Opens connections until so many workers have answered; one for each. Needs `log.level: info`. */
export async function connectToWorkers(
  { program }: Pick<ConfiguredProgram, 'program'>,
  origin: string,
  workers: number,
): Promise<WorkerConnection[]> {
  const found = new Map<number, WorkerConnection>()
  for (let attempt = 0; found.size < workers; attempt++) {
    if (attempt === 100 * workers) throw new Error(`only ${[...found.keys()]} answer at ${origin}`)
    const send = open(origin)
    const id = `connection-${process.pid}-${count++}`
    await send('GET', '/health/alive', { headers: { 'x-request-id': id } })
    const line = await program.until(new RegExp(`.*"requestId":"${id}".*`))
    const pid = Number(/"pid":(\d+)/.exec(line)?.[1])
    found.set(pid, { pid, send })
  }
  return [...found.values()]
}
