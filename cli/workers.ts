// Several processes that share the ports of one server, so that it uses every core. One that ends by itself is replaced.
import cluster from 'node:cluster'
import { setTimeout as delay } from 'node:timers/promises'
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { log } from '../services/kit/log.js'
import { StartupError } from '../services/kit/startup_error.js'
import type { Addresses } from './compose.js'
import type { Answering, Listen } from './serve.js'
import { WorkerProcess } from './worker_process.js'

/** A worker that ends sooner was no good from the beginning. */
const shortLifeMs = 10_000
/** Short lives in a row after which a place is given up, if no other worker does better. */
const maxShortLives = 3
const longestPauseMs = 10_000
/** What a worker may take beyond the time that its requests are given. */
const endMarginMs = 1_000
/** With one, whoever needs a second beside the first would wait for itself. */
const fewestConnections = 2

interface Place {
  worker: WorkerProcess
  /** In a row, until now. */
  shortLives: number
}

/** Answers by so many processes. */
export const answerByWorkers =
  (count: number): Listen =>
  async (config, role) =>
    new Workers(config, role, count)

class Workers implements Answering {
  addresses: Addresses = {}
  readonly failed: Promise<Error>
  readonly workers: number
  readonly #role: Role
  readonly #places: Place[] = []
  readonly #stopping = new AbortController()
  #config: Config
  #fail: (reason: Error) => void = () => undefined
  #closing: Promise<void> | undefined

  constructor(config: Config, role: Role, count: number) {
    this.#config = config
    this.#role = role
    this.workers = count
    this.failed = new Promise((resolve) => {
      this.#fail = resolve
    })
  }

  /** The first starts alone: what has to be made once is made by one, and what cannot be is told by one. */
  async start(): Promise<void> {
    // Left to the kernel, a new connection costs a third less, but those that stay gather at one worker.
    cluster.schedulingPolicy = cluster.SCHED_RR
    const { max_connections: connections } = this.#config.db
    if (connections < this.workers * fewestConnections)
      log.warn(
        `db.max_connections is ${connections}: each of ${this.workers} workers needs ${fewestConnections} and takes them`,
      )
    this.addresses = await this.#add()
    const others = Array.from({ length: this.workers - 1 }, () => this.#add())
    await Promise.all(others)
    for (const place of this.#places) void this.#keep(place)
  }

  reconfigure(config: Config): void {
    this.#config = config
    for (const { worker } of this.#places) worker.reconfigure(this.#share())
  }

  async reloadCertificates(): Promise<void> {
    const errors = await Promise.all(this.#places.map(({ worker }) => worker.reloadCertificates()))
    const error = errors.find((each) => each !== undefined)
    if (error !== undefined) throw new StartupError(error)
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    this.#stopping.abort()
    const patienceMs = graceMs === 0 ? endMarginMs : this.#config.serve.drain * 1_000 + graceMs + endMarginMs
    await Promise.all(this.#places.map(({ worker }) => worker.close(graceMs, patienceMs)))
  }

  async #add(): Promise<Addresses> {
    this.#stopping.signal.throwIfAborted()
    const worker = new WorkerProcess(this.#role, this.#share())
    this.#places.push({ worker, shortLives: 0 })
    return await worker.ready
  }

  /** The configuration of one worker: its part of what is the whole server's. */
  #share(): Config {
    const part = Math.floor(this.#config.db.max_connections / this.workers)
    return { ...this.#config, db: { max_connections: Math.max(fewestConnections, part) } }
  }

  /** Puts another worker in the place of one that ended by itself, as long as the server runs. */
  async #keep(place: Place): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      const reason = await place.worker.ended
      if (signal.aborted) return
      place.shortLives = place.worker.servedMs < shortLifeMs ? place.shortLives + 1 : 0
      if (place.shortLives > maxShortLives && !this.#places.some(isSteady)) {
        this.#fail(new StartupError(`the workers end again and again: ${reason}`))
        return
      }
      const { pid: worker, refusal: err } = place.worker
      log.error({ worker, err }, `a worker ended (${reason}): another takes its place`)
      await delay(pauseMs(place), undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      place.worker = new WorkerProcess(this.#role, this.#share())
      const { pid, ready } = place.worker
      ready.then(
        () => log.info({ worker: pid }, 'the worker in its place is ready'),
        () => undefined,
      )
    }
  }
}

const isSteady = ({ worker, shortLives }: Place): boolean =>
  worker.isServing && (shortLives === 0 || worker.servedMs > shortLifeMs)

/** The first is replaced at once. */
const pauseMs = ({ shortLives }: Place): number =>
  shortLives <= 1 ? 0 : Math.min(longestPauseMs, 100 * 2 ** (shortLives - 1))
