// What development mode puts beside the server where the configuration names none: a database, and a demo with the pages of
// login and consent.
import { join } from 'node:path'
import type { Demo, DemoServer, demoUrls } from '../demo/main.js'
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { StartupError } from '../services/kit/startup_error.js'
import type { Addresses } from './compose.js'
import type { EmbeddedPostgres } from './embedded_postgres.js'

interface Parts {
  postgres?: EmbeddedPostgres
  demo?: Demo
  demoUrl?: string
  demoUrls?: ReturnType<typeof demoUrls>
}

export class Surroundings {
  readonly #parts: Parts

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  static async start(config: Config, role: Role): Promise<Surroundings> {
    const surroundings = new Surroundings({})
    try {
      if (config.dev && role === 'all') await start(config, surroundings.#parts)
      return surroundings
    } catch (thrown) {
      await surroundings.close(undefined).catch(() => undefined)
      throw thrown
    }
  }

  /** Where the demo is, if it runs. */
  get demo(): string | undefined {
    return this.#parts.demoUrl
  }

  /** The reason why the server cannot go on, if there comes to be one. */
  async failure(): Promise<Error> {
    await (this.#parts.postgres?.ended ?? new Promise(() => undefined))
    return new StartupError('the embedded PostgreSQL ended; its log is postgres.log')
  }

  /** A configuration with what was made up here, which holds for every one that follows. */
  complete(said: Config): Config {
    const { postgres, demoUrls } = this.#parts
    return { ...said, dsn: postgres?.dsn ?? said.dsn, urls: demoUrls ? withDemoUrls(said.urls, demoUrls) : said.urls }
  }

  /** Lets the demo use the server. */
  async connect(config: Config, addresses: Addresses): Promise<void> {
    await this.#parts.demo?.connect(demoServer(config, addresses))
  }

  /** Ends all; the database last, when `server` has ended. */
  async close(server: Promise<void> | undefined): Promise<void> {
    const { demo, postgres } = this.#parts
    try {
      await Promise.all([demo?.close(), server])
    } finally {
      await postgres?.stop()
    }
  }
}

async function start(config: Config, parts: Parts): Promise<void> {
  if (!config.dsn) {
    const { EmbeddedPostgres } = await import('./embedded_postgres.js')
    parts.postgres = await EmbeddedPostgres.start({ folder: join(config.dataDir, 'postgres') })
  }
  if (config.urls.login) return
  const { createDemo, demoUrls } = await import('../demo/main.js')
  parts.demo = createDemo({ port: config.serve.demo.port, dataDir: config.dataDir })
  const { url } = await parts.demo.listen()
  parts.demoUrl = url
  parts.demoUrls = demoUrls(url)
}

function withDemoUrls(said: Config['urls'], urls: ReturnType<typeof demoUrls>): Config['urls'] {
  const device = { ...urls.device, ...givenOf(said.device) }
  return { ...said, ...urls, ...givenOf(said), device }
}

/** What the configuration says itself. */
const givenOf = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as Partial<T>

function demoServer(config: Config, { adminUrl = '', publicUrl = '' }: Addresses): DemoServer {
  const [token] = config.serve.admin.tokens
  const adminHeaders = token ? { authorization: `Bearer ${token}` } : {}
  return { adminUrl, publicUrl, issuer: config.urls.self.issuer, adminHeaders }
}
