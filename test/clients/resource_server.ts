// A resource server that is built on one of the packages in clients/, as a test sees it: the same behind every language.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { ChannelCredentials, Client, Metadata, type ServiceError } from '@grpc/grpc-js'

/** What a resource server is told, as JSON. */
export interface ResourceServerOptions {
  readonly issuer: string
  /** Null: any. */
  readonly audience: string | null
  readonly maxStalenessMs?: number
  readonly grpc?: { readonly token: string; readonly introspection: string; readonly serviceToken?: string }
  readonly http?: { readonly introspectionEndpoint: string; readonly clientId: string; readonly clientSecret: string }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface Status {
  readonly ready: boolean
  readonly staleness_ms: number
  readonly revocations: number
  readonly keys_revision: string
  readonly asked: number
  readonly resets: number
}

/**
 * Serves over HTTP `/any` for every good token, `/read` for those with the scope `read`, each with the decision as JSON;
 * `/introspect` for whatever is posted to it; `/status`. Over gRPC the health service, for tokens with the scope `read`.
 */
export interface ResourceServer {
  readonly url: string
  readonly grpcAddress: string
  /** All that it said about itself. */
  readonly output: () => string
  stop(): Promise<void>
}

export interface Language {
  readonly name: string
  /** What it needs of the machine; undefined where all is there. */
  readonly needs?: string | undefined
  /** Where `/any` and `/read` are, for each kind of middleware. */
  readonly mounts: readonly string[]
  prepare?(): Promise<void>
  start(options: ResourceServerOptions): Promise<ResourceServer>
}

/** Starts one that is a process of its own: it writes its ports as a line of JSON when it is ready, and ends on SIGTERM. */
export async function startProcess(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<ResourceServer> {
  const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const ended = once(child, 'close')
  const { http, grpc } = await untilReady(child, () => output)
  return {
    url: `http://127.0.0.1:${http}`,
    grpcAddress: `127.0.0.1:${grpc}`,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      const [code] = await ended
      if (code !== 0) throw new Error(`it ended with ${code}: ${output}`)
    },
  }
}

function untilReady(child: ChildProcess, output: () => string): Promise<{ http: number; grpc: number }> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => {
      const [line] = /^\{"http":.*\}$/m.exec(output()) ?? []
      if (line) resolve(JSON.parse(line))
    })
    child.once('close', () => reject(new Error(`it ended before it was ready: ${output()}`)))
  })
}

export async function get(server: ResourceServer, path: string, token?: string): Promise<Answer> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return answerOf(await fetch(`${server.url}${path}`, { headers }))
}

/** What the package says of anything at all, without the limits of a header field. */
export const introspect = async (server: ResourceServer, token: string): Promise<Answer> =>
  answerOf(await fetch(`${server.url}/introspect`, { method: 'POST', body: token }))

export const statusOf = async (server: ResourceServer): Promise<Status> =>
  (await get(server, '/status')).body as unknown as Status

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} }
}

/** The gRPC status of a call of `grpc.health.v1.Health/Check`: 0 where it is let through. */
export function callGrpc(server: ResourceServer, token?: string): Promise<number> {
  const client = new Client(server.grpcAddress, ChannelCredentials.createInsecure())
  const metadata = new Metadata()
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      () => Buffer.alloc(0),
      (answer) => answer,
      undefined,
      metadata,
      { deadline: Date.now() + 20_000 },
      (error: ServiceError | null) => {
        client.close()
        resolve(error ? error.code : 0)
      },
    )
  })
}
