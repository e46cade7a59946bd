// A worker as its primary sees it: starts, is told what to do, and ends.
import cluster, { type Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from '../services/kit/clock.js'
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { StartupError } from '../services/kit/startup_error.js'
import type { Addresses } from './compose.js'
import type { FromWorker, ToWorker } from './worker_messages.js'

export class WorkerProcess {
  /** Rejects where it cannot start, with the reason for the person who started the server. */
  readonly ready: Promise<Addresses>
  /** Resolves with the reason. */
  readonly ended: Promise<string>
  readonly #worker: Worker
  #readyAt: number | undefined
  #refusal: Error | undefined
  #certificatesRead: ((error?: string) => void) | undefined

  constructor(role: Role, config: Config) {
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('worker.js', import.meta.url)),
      // For whoever looks at the list of processes.
      args: [role],
    })
    this.#worker = cluster.fork()
    // What cannot be said to it any more is told by its end.
    this.#worker.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code, signal) => resolve(this.#reasonOf(code, signal)))
    })
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.kind === 'begun') this.#say({ kind: 'start', role, config })
        else if (message.kind === 'ready') {
          this.#readyAt = monotonicMs()
          resolve(message.addresses)
        } else if (message.kind === 'refused')
          this.#refusal = message.isExpected ? new StartupError(message.message) : withStack(message.message)
        else this.#certificatesRead?.(message.error)
      })
      this.ended.then((reason) =>
        reject(this.#refusal ?? new StartupError(`a worker ended before it was ready (${reason})`)),
      )
    })
    this.ready.catch(() => undefined)
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0
  }

  /** Whether it has come to be ready and has not ended. */
  get isServing(): boolean {
    return this.#readyAt !== undefined && !this.#worker.isDead()
  }

  /** Why it could not start, if it said so. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** Milliseconds since it was ready; 0 before that. */
  get servedMs(): number {
    return this.#readyAt === undefined ? 0 : monotonicMs() - this.#readyAt
  }

  reconfigure(config: Config): void {
    this.#say({ kind: 'reconfigure', config })
  }

  /** Resolves with what was wrong, or when it has read them. */
  async reloadCertificates(): Promise<string | undefined> {
    const read = new Promise<string | undefined>((resolve) => {
      this.#certificatesRead = resolve
    })
    this.#say({ kind: 'reload_certificates' })
    // Whoever takes its place reads them anyway.
    return Promise.race([read, this.ended.then(() => undefined)])
  }

  /** Ends it in order; at once if it is not over after `patienceMs`. */
  async close(graceMs: number, patienceMs: number): Promise<void> {
    this.#say({ kind: 'close', graceMs })
    const timer = setTimeout(() => this.#worker.process.kill('SIGKILL'), patienceMs)
    await this.ended
    clearTimeout(timer)
  }

  #reasonOf(code: number, signal: string): string {
    return this.#refusal?.message || signal || `exit code ${code}`
  }

  #say(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message)
  }
}

/** An error of another process. */
function withStack(stack: string): Error {
  const error = new Error(stack.split('\n', 1)[0])
  error.stack = stack
  return error
}
