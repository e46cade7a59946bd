// One running process: starts what the role asks for, says when it is ready, and ends it in order when it is told to.
import { join } from 'node:path'
import type { Demo, DemoServer, demoUrls } from '../demo/main.js'
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { log } from '../services/kit/log.js'
import { StartupError } from '../services/kit/startup_error.js'
import { type Addresses, Composition } from './compose.js'
import { EmbeddedPostgres } from './embedded_postgres.js'
import { toStartupError } from './listen_error.js'

/** What calls under way are given to finish; with it the whole process ends within five seconds. */
const graceMs = 3_000

export interface Server {
  readonly config: Config
  readonly addresses: Addresses
  /** Where the demo is, if it runs. */
  readonly demo: string | undefined
  /** Takes up another configuration, for the calls that begin from now on. */
  reconfigure(config: Config): void
  /** Reads all certificates anew. Throws where one is not good. */
  reloadCertificates(): void
  /** Resolves with the reason if the server ends by itself. */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

interface Parts {
  postgres?: EmbeddedPostgres
  composition?: Composition
  demo?: Demo
}

/** Starts a server; resolves when all of it is ready. When `signal` is aborted before that, it ends again. */
export async function startServer(given: Config, role: Role, signal: AbortSignal): Promise<Server> {
  const parts: Parts = {}
  const close = () => closeParts(parts)
  const abandon = () => void parts.composition?.close(0)
  signal.addEventListener('abort', abandon)
  try {
    const dsn = await chooseDatabase(given, role, parts)
    const demo = await listenDemo(given, role, parts)
    // What was made up here holds for every configuration that follows.
    const complete = (said: Config): Config => ({
      ...said,
      dsn,
      urls: demo ? withDemoUrls(said.urls, demo) : said.urls,
    })
    const config = complete(given)
    signal.throwIfAborted()
    const composition = await Composition.listen(config, role)
    parts.composition = composition
    signal.throwIfAborted()
    await composition.start()
    signal.throwIfAborted()
    const { addresses } = composition
    await parts.demo?.connect(demoServer(config, addresses))
    const failed = new Promise<Error>((resolve) => {
      parts.postgres?.ended.then(() =>
        resolve(new StartupError('the embedded PostgreSQL ended; its log is postgres.log')),
      )
    })
    const reconfigure = (next: Config) => composition.reconfigure(complete(next))
    const reloadCertificates = () => composition.reloadCertificates()
    return { config, addresses, demo: demo?.url, reconfigure, reloadCertificates, failed, close }
  } catch (thrown) {
    await close().catch((err) => log.error({ err }, 'the end was not orderly'))
    throw toStartupError(thrown, given)
  } finally {
    // What has begun to answer is ended in order, not abandoned.
    signal.removeEventListener('abort', abandon)
  }
}

async function closeParts({ demo, composition, postgres }: Parts): Promise<void> {
  try {
    await Promise.all([demo?.close(), composition?.close(graceMs)])
  } finally {
    await postgres?.stop()
  }
}

/** In development mode the database may be the embedded one. */
async function chooseDatabase({ dsn, dev, dataDir }: Config, role: Role, parts: Parts): Promise<string> {
  if (dsn || !dev || role !== 'all') return dsn
  parts.postgres = await EmbeddedPostgres.start({ folder: join(dataDir, 'postgres') })
  return parts.postgres.dsn
}

interface ListeningDemo {
  readonly url: string
  readonly urls: ReturnType<typeof demoUrls>
}

/** The demo stands in where development mode was given no login page. */
async function listenDemo(config: Config, role: Role, parts: Parts): Promise<ListeningDemo | undefined> {
  if (!config.dev || role !== 'all' || config.urls.login) return undefined
  const { createDemo, demoUrls } = await import('../demo/main.js')
  parts.demo = createDemo({ port: config.serve.demo.port, dataDir: config.dataDir })
  const { url } = await parts.demo.listen()
  return { url, urls: demoUrls(url) }
}

function withDemoUrls(said: Config['urls'], { urls }: ListeningDemo): Config['urls'] {
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
