// One running process: starts what the role asks for, says when it is ready, and ends it in order when it is told to.
import { join } from 'node:path'
import type { Demo, DemoServer } from '../demo/main.js'
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
    const { config, demo } = await withDemo(await withDatabase(given, role, parts), role, parts)
    signal.throwIfAborted()
    parts.composition = await Composition.listen(config, role)
    signal.throwIfAborted()
    await parts.composition.start()
    signal.throwIfAborted()
    const { addresses } = parts.composition
    await parts.demo?.connect(demoServer(config, addresses))
    const failed = new Promise<Error>((resolve) => {
      parts.postgres?.ended.then(() =>
        resolve(new StartupError('the embedded PostgreSQL ended; its log is postgres.log')),
      )
    })
    return { config, addresses, demo, failed, close }
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
async function withDatabase(config: Config, role: Role, parts: Parts): Promise<Config> {
  if (config.dsn || !config.dev || role !== 'all') return config
  parts.postgres = await EmbeddedPostgres.start({ folder: join(config.dataDir, 'postgres') })
  return { ...config, dsn: parts.postgres.dsn }
}

/** The demo stands in where development mode was given no login page. */
async function withDemo(config: Config, role: Role, parts: Parts): Promise<Pick<Server, 'config' | 'demo'>> {
  if (!config.dev || role !== 'all' || config.urls.login) return { config, demo: undefined }
  const { createDemo, demoUrls } = await import('../demo/main.js')
  parts.demo = createDemo({ port: config.serve.demo.port, dataDir: config.dataDir })
  const { url } = await parts.demo.listen()
  const ofDemo = demoUrls(url)
  const device = { ...ofDemo.device, ...givenOf(config.urls.device) }
  const urls = { ...config.urls, ...ofDemo, ...givenOf(config.urls), device }
  return { config: { ...config, urls }, demo: url }
}

/** What the configuration says itself. */
const givenOf = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as Partial<T>

function demoServer(config: Config, { adminUrl = '', publicUrl = '' }: Addresses): DemoServer {
  const [token] = config.serve.admin.tokens
  const adminHeaders = token ? { authorization: `Bearer ${token}` } : {}
  return { adminUrl, publicUrl, issuer: config.urls.self.issuer, adminHeaders }
}
