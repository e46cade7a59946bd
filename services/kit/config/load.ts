// Loads the configuration of one process: files, environment, defaults, checks. The one place that reads the environment.
import { resolve } from 'node:path'
import { serviceToken } from '../identity.js'
import { isLoopback } from '../loopback.js'
import { checkConfig, type Role } from './check.js'
import type { Config, TlsConfig } from './config.js'
import { parseDuration } from './duration.js'
import { configSchema, type Schema } from './schema.js'
import { developmentPrefix } from './secret.js'
import { type Environment, type Settings, Sources } from './sources.js'
import { validate } from './validate.js'

export interface LoadOptions {
  /** What this process runs; decides what it must be told. */
  readonly role: Role
  /** YAML files, later ones over earlier ones; without any, those that TESSERA_CONFIG names. */
  readonly files?: readonly string[]
  /** Development mode, where the command line says so. */
  readonly dev?: boolean
  readonly dataDir?: string
  readonly environment?: Environment
  /** Secrets of development mode, asked for when there are no others. */
  readonly developmentSecrets?: (dataDir: string) => string[]
}

export interface Loaded {
  readonly config: Config
  /** What was said without effect, or is better said otherwise. */
  readonly warnings: readonly string[]
}

/** Throws a StartupError whose message is for the person who starts the process. */
export function loadConfig(options: LoadOptions): Loaded {
  const environment = options.environment ?? process.env
  const sources = new Sources()
  const named = environment.TESSERA_CONFIG?.split(',').filter(Boolean) ?? []
  for (const file of options.files?.length ? options.files : named) sources.addFile(file)
  sources.addEnvironment(environment)
  if (options.dev) sources.set('dev', true, '--dev')
  sources.takeOutUnserved()
  const dataDir = resolve(options.dataDir ?? environment.TESSERA_DATA ?? 'data')
  const dev = sources.get('dev') === true
  const needsSecrets = options.role !== 'gateway' && sources.get('secrets.system') === undefined
  if (dev && needsSecrets && options.developmentSecrets)
    sources.set('secrets.system', options.developmentSecrets(dataDir), dataDir)
  const config = fillIn(toConfig(validate(sources), dataDir))
  checkConfig(config, options.role, (key) => sources.originOf(key))
  return { config: leastOf(config, options.role), warnings: [...sources.warnings, ...warningsOf(config)] }
}

/** The defaults alone, as development mode has them. */
export function defaultConfig(dataDir: string): Config {
  const sources = new Sources()
  sources.set('dev', true, '')
  sources.set('secrets.system', [`${developmentPrefix}these are the defaults`], '')
  return fillIn(toConfig(validate(sources), dataDir))
}

/** The settings in the form that the code wants: durations as seconds, TLS where there is a certificate. */
function toConfig(settings: Settings, dataDir: string): Config {
  const plain = convert(configSchema, settings) as Settings
  const { max_staleness } = plain.introspection as { max_staleness: number }
  const serve = plain.serve as Settings
  return {
    ...plain,
    dataDir,
    serve: { ...serve, demo: { port: undefined, ...(serve.demo as Settings) } },
    introspection: { max_staleness_ms: max_staleness * 1_000 },
  } as unknown as Config
}

function convert(schema: Schema, value: unknown): unknown {
  if (schema.properties) {
    const entries = Object.entries(value as Settings)
    return Object.fromEntries(
      entries.map(([name, child]) => {
        if (name === 'tls') return [name, toTls(child as TlsSettings)]
        return [name, convert(schema.properties?.[name] as Schema, child)]
      }),
    )
  }
  if (String(schema.format).startsWith('duration')) return value === '-1' ? undefined : parseDuration(String(value))
  return value
}

interface TlsSettings {
  readonly enabled: boolean
  readonly cert: { readonly path: string }
  readonly key: { readonly path: string }
  readonly ca: { readonly path: string }
}

function toTls({ enabled, cert, key, ca }: TlsSettings): TlsConfig | undefined {
  if (!enabled || !(cert.path || key.path || ca.path)) return undefined
  return { cert: cert.path, key: key.path, ca: ca.path }
}

/** What follows from other keys. */
function fillIn(config: Config): Config {
  const { dev, serve, urls, secrets } = config
  const { public: publicPort, cookies } = serve
  const issuer = urls.self.issuer || (dev ? originOf(publicPort) : '')
  const named = (name: string) => (dev ? `${name}_dev` : name)
  const secure = cookies.secure || !dev || issuer.startsWith('https:')
  return {
    ...config,
    log: { level: config.log.level ?? (dev ? 'warn' : 'info') },
    serve: {
      ...serve,
      public: { ...publicPort, host: publicPort.host || (dev ? '127.0.0.1' : '') },
      grpc: { ...serve.grpc, reflection: serve.grpc.reflection ?? dev },
      drain: serve.drain ?? (dev ? 0 : 1),
      cookies: {
        ...cookies,
        secure,
        // Browsers drop SameSite=None cookies that are not Secure.
        same_site_mode: cookies.same_site_mode === 'None' && !secure ? 'Lax' : cookies.same_site_mode,
        names: {
          session: named(cookies.names.session),
          login_csrf: named(cookies.names.login_csrf),
          consent_csrf: named(cookies.names.consent_csrf),
          device_csrf: named(cookies.names.device_csrf),
        },
      },
    },
    urls: {
      ...urls,
      self: { issuer, public: urls.self.public || issuer, admin: urls.self.admin || originOf(serve.admin) },
    },
    secrets: {
      system: secrets.system,
      cookie: secrets.cookie.length ? secrets.cookie : secrets.system,
      pagination: secrets.pagination.length ? secrets.pagination : secrets.system,
    },
  }
}

function originOf({ host, port, tls }: Config['serve']['admin'] | Config['serve']['public']): string {
  const name =
    host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${name}:${port}`
}

/** The gateway holds no secret and no database; the introspection service no database. */
function leastOf(config: Config, role: Role): Config {
  if (role === 'introspection') return { ...config, dsn: '' }
  if (role !== 'gateway') return config
  const credential =
    config.services.credential || (config.secrets.system.length ? serviceToken(config.secrets.system, 'gateway') : '')
  return {
    ...config,
    dsn: '',
    services: { ...config.services, credential },
    secrets: { system: [], cookie: [], pagination: [] },
  }
}

function warningsOf(config: Config): string[] {
  const warnings: string[] = []
  const { cors } = config.serve.public
  if (cors.enabled && cors.allow_credentials && cors.allowed_origins.includes('*'))
    warnings.push('serve.public.cors allows all origins: cookies are not sent to them, whatever allow_credentials says')
  if (config.dev && !isLoopback(config.serve.public.host))
    warnings.push(`development mode is reachable from other machines (serve.public.host: ${config.serve.public.host})`)
  return warnings
}
