// What is measured: where it answers, and the processes whose CPU it costs.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { projectRoot } from '../../services/kit/project_root.js'

export const tesseraName = 'tessera'
export const oidcProviderInMemoryName = 'oidc-provider (in-memory)'
export const packageName = '@tessera/introspect'
export const emptyGrpcName = 'empty grpc-js call'

export type DialectName = 'hydra' | 'oidc-provider' | 'empty-grpc'

/** All that the load generator has to know. */
export interface ServerAddress {
  readonly name: string
  readonly dialect: DialectName
  /** It is ours: keys may be added, and its issues of gRPC may be called. */
  readonly isOwn: boolean
  readonly publicUrl: string
  readonly adminUrl: string
  /** `host:port`; empty where there is no gRPC. */
  readonly grpc: string
  /** Where a resource server is told which of the tokens of `publicUrl` to decide on; absent for what is none. */
  readonly decidesAt?: string
  /** A file that names some of what its database is full of. */
  readonly population?: string
}

export interface BenchServer extends ServerAddress {
  readonly version: string
  readonly description: string
  /** The process that all its processes descend from; undefined where that is not known. */
  readonly pid: number | undefined
  /** Processes that serve side by side; absent: one. Each is given as much to do at once as one alone. */
  readonly workers?: number
  /** The database that it alone uses; empty if it uses none, or none that is known. */
  readonly database: string
  /** The first lines of its log since it was ready; absent where it cannot be read. */
  readonly said?: () => readonly string[]
  stop(): Promise<void>
}

export interface RunningProcess {
  readonly pid: number
  /** Milliseconds until it said that it was ready. */
  readonly startMs: number
  /** The first lines of its output since then. */
  said(): readonly string[]
  stop(): Promise<void>
}

const startTimeoutMs = 60_000
const maxSaid = 20

/** Starts a program of this project with Node.js; resolves when it says that it is ready. */
export async function startNode(
  script: string,
  args: readonly string[],
  environment: Record<string, string> = {},
  nodeOptions: readonly string[] = [],
): Promise<RunningProcess> {
  const { PATH = '', HOME = '' } = process.env
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...nodeOptions, `${projectRoot}/build/${script}`, ...args], {
    cwd: projectRoot,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  await untilReady(child, script)
  const startMs = performance.now() - startedAt
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: string) => {
      if (said.length < maxSaid)
        said.push(
          ...text
            .trimEnd()
            .split('\n')
            .slice(0, maxSaid - said.length),
        )
    })
  return {
    pid: child.pid ?? 0,
    startMs,
    said: () => said,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

function untilReady(child: ChildProcess, script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`${script} is not ready: ${output}`)), startTimeoutMs)
    const settle = (end: () => void) => {
      clearTimeout(timer)
      end()
    }
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        // What it says later is read, so that it never waits for a reader, and not kept.
        if (output.length < 100_000) output += text
        if (/^ready/m.test(output)) settle(resolve)
      })
    child.once('exit', () => settle(() => reject(new Error(`${script} ended: ${output}`))))
  })
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
