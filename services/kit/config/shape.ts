// Gives settings the form that the code wants: durations as seconds, TLS where there is a certificate, and what follows from
// other keys.
import { serviceToken } from '../identity.js'
import type { Role } from './check.js'
import type { Config, TlsConfig } from './config.js'
import { parseDuration } from './duration.js'
import type { Settings } from './files.js'
import { configSchema } from './schema.js'
import type { Schema } from './schema_parts.js'

/** Of settings that are checked and complete. */
export const toConfig = (settings: Settings, dataDir: string): Config => fillIn(convertAll(settings, dataDir))

function convertAll(settings: Settings, dataDir: string): Config {
  const plain = convert(configSchema, settings) as Settings
  const { max_staleness } = plain.introspection as { max_staleness: number }
  const { tls, ...serve } = plain.serve as Settings & { tls: TlsSettings }
  const listener = (name: string, common?: TlsSettings) =>
    withTls(serve[name] as Settings & { tls: TlsSettings }, common)
  return {
    ...plain,
    dataDir,
    serve: {
      ...serve,
      public: listener('public', tls),
      admin: listener('admin', tls),
      grpc: listener('grpc'),
      demo: { port: undefined, ...(serve.demo as Settings) },
    },
    services: withTls(plain.services as Settings & { tls: TlsSettings }),
    introspection: { max_staleness_ms: max_staleness * 1_000 },
  } as unknown as Config
}

function convert(schema: Schema, value: unknown): unknown {
  if (schema.properties) {
    const entries = Object.entries(value as Settings)
    return Object.fromEntries(
      entries.map(([name, child]) => [name, convert(schema.properties?.[name] as Schema, child)]),
    )
  }
  if (String(schema.format).startsWith('duration')) return value === '-1' ? undefined : parseDuration(String(value))
  return value
}

interface Pem {
  readonly path: string
  readonly base64?: string
}

interface TlsSettings {
  readonly enabled?: boolean
  readonly cert: Pem
  readonly key: Pem
  readonly ca: Pem
  readonly allow_termination_from?: readonly string[]
}

/** A group with its TLS as the code wants it; `common` is what holds where the group says nothing itself. */
function withTls({ tls, ...group }: Settings & { tls: TlsSettings }, common?: TlsSettings): Settings {
  const isEnabled = tls.enabled ?? common?.enabled ?? true
  const own = tls.allow_termination_from ?? []
  const terminationFrom = own.length > 0 ? own : (common?.allow_termination_from ?? [])
  // As for Hydra, a port whose TLS ends before it serves plain HTTP.
  const isServed = isEnabled && terminationFrom.length === 0
  return { ...group, tls: isServed ? toTls(tls, common) : undefined, terminationFrom: isEnabled ? terminationFrom : [] }
}

function toTls(own: TlsSettings, common: TlsSettings | undefined): TlsConfig | undefined {
  const of = (name: 'cert' | 'key' | 'ca') => pemOf(own[name]) || (common ? pemOf(common[name]) : '')
  const tls = { cert: of('cert'), key: of('key'), ca: of('ca') }
  return tls.cert || tls.key || tls.ca ? tls : undefined
}

const pemOf = ({ path, base64 = '' }: Pem): string => path || Buffer.from(base64, 'base64').toString()

/** What follows from other keys. */
function fillIn(config: Config): Config {
  const { dev, serve, urls, secrets } = config
  const { public: publicPort, cookies } = serve
  const issuer = urls.self.issuer || (dev ? originOf(publicPort) : '')
  const named = (name: string) => (dev ? `${name}_dev` : name)
  const secure = cookies.secure || !dev || issuer.startsWith('https:')
  return {
    ...config,
    log: { ...config.log, level: levelOf(config) },
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

/** `panic` is Hydra's word for what ends the process, as `fatal` is here. */
function levelOf({ dev, log }: Config): string {
  const level = log.level ?? (dev ? 'warn' : 'info')
  return level === 'panic' ? 'fatal' : level
}

function originOf({ host, port, tls }: Config['serve']['admin'] | Config['serve']['public']): string {
  if (host.startsWith('unix:')) return 'http://localhost'
  const name =
    host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${name}:${port}`
}

/** The gateway holds no secret and no database; the introspection service no database. */
export function leastOf(config: Config, role: Role): Config {
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
