// Keeps a running server on the configuration that its files say: they are read again when they change and at SIGHUP. What
// cannot be used changes nothing, and is told in one line.
import { type Loaded, type LoadOptions, reloadConfig } from '../services/kit/config/load.js'
import { FileWatch } from '../services/kit/config/watch.js'
import { log } from '../services/kit/log.js'
import { pemFiles } from '../services/kit/pem.js'
import { StartupError } from '../services/kit/startup_error.js'
import type { Server } from './serve.js'

type Reloadable = Pick<Server, 'reconfigure' | 'reloadCertificates'>

export class ConfigReload {
  readonly #options: LoadOptions
  readonly #watch = new FileWatch((paths) => this.#onChange(paths))
  #server: Reloadable | undefined
  #running: Loaded
  /** One reading after the other. */
  #reading: Promise<void> = Promise.resolve()
  #waiting: readonly string[] = []

  /** `loaded` is what the server is started with. */
  constructor(options: LoadOptions, loaded: Loaded) {
    this.#options = options
    this.#running = loaded
    this.#watch.note(this.#files())
  }

  /** Whether there is anything that can be read again. */
  get hasFiles(): boolean {
    return this.#files().length > 0
  }

  /** Keeps a server true that is ready, also to what has changed while it started. */
  start(server: Reloadable): void {
    this.#server = server
    this.#watch.follow(this.#files())
  }

  /** Reads all again, whether it has changed or not. */
  reload(): void {
    // While it starts, what changes is seen at its end.
    if (!this.#server) return
    this.#read(async () => {
      await this.#reloadCertificates()
      this.#reloadConfig()
    })
  }

  async close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#reading])
  }

  #read(work: () => Promise<void>): void {
    this.#reading = this.#reading.then(work)
  }

  #files(): string[] {
    return [...this.#running.files, ...this.#certificates()]
  }

  #certificates(): string[] {
    const { serve, services } = this.#running.config
    return [serve.public, serve.admin, serve.grpc, services].flatMap(({ tls }) => pemFiles(tls))
  }

  #onChange(paths: readonly string[]): void {
    this.#read(async () => {
      const certificates = new Set(this.#certificates())
      if (paths.some((path) => certificates.has(path))) await this.#reloadCertificates()
      if (paths.some((path) => !certificates.has(path))) this.#reloadConfig()
      // A link may lead elsewhere now.
      this.#watch.follow(this.#files())
    })
  }

  #reloadConfig(): void {
    try {
      const { changed, waiting, ...loaded } = reloadConfig(this.#options, this.#running)
      const news = loaded.warnings.filter((warning) => !this.#running.warnings.includes(warning))
      if (changed.length > 0) this.#server?.reconfigure(loaded.config)
      this.#running = loaded
      for (const warning of news) log.warn(warning)
      this.#tellWaiting(waiting)
      const what = changed.length > 0 ? `changed ${changed.join(', ')}` : 'nothing has changed'
      log.info({ changed }, `the configuration was read again: ${what}`)
    } catch (thrown) {
      if (!(thrown instanceof StartupError)) throw thrown
      log.error(`the configuration could not be read again, the one before stays in force: ${thrown.message}`)
    }
  }

  #tellWaiting(waiting: readonly string[]): void {
    const isOther = waiting.join() !== this.#waiting.join()
    this.#waiting = waiting
    if (isOther && waiting.length > 0) log.warn({ waiting }, `changes that wait for a restart: ${waiting.join(', ')}`)
  }

  async #reloadCertificates(): Promise<void> {
    if (this.#certificates().length === 0) return
    try {
      await this.#server?.reloadCertificates()
      log.info('the certificates were read again')
    } catch (thrown) {
      const why = (thrown as Error).message
      log.error(`the certificates could not be read again, those before stay in use: ${why}`)
    }
  }
}
