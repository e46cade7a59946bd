// What one key's schema cannot say: which keys a process needs, and what is too dangerous to start with.
import { accessSync, constants } from 'node:fs'
import { isLocalListener, isLocalTarget, isLoopback } from '../loopback.js'
import { isPemText } from '../pem.js'
import { StartupError } from '../startup_error.js'
import type { Config, ListenerConfig, TlsConfig } from './config.js'
import { developmentPrefix, isSampleSecret } from './secret.js'

export const serviceNames = ['client', 'consent', 'token', 'introspection'] as const
export type ServiceName = (typeof serviceNames)[number]

/** What a process runs or does. */
export type Role = 'all' | ServiceName | 'gateway' | 'migrate' | 'service-token'

/** Which services each one calls. */
export const peersOf: Readonly<Record<Role, readonly ServiceName[]>> = {
  all: [],
  client: [],
  token: ['client'],
  introspection: ['client', 'token'],
  consent: ['client', 'token'],
  gateway: ['client', 'consent', 'token', 'introspection'],
  migrate: [],
  'service-token': [],
}

interface Need {
  readonly key: string
  readonly value: (config: Config) => string | readonly string[]
  readonly roles: readonly Role[]
  readonly advice: string
}

const needs: readonly Need[] = [
  {
    key: 'secrets.system',
    value: (config) => config.secrets.system,
    roles: ['all', 'client', 'consent', 'token', 'introspection', 'service-token'],
    advice: 'set it to a secret of your own, for example from `openssl rand -base64 32`',
  },
  {
    key: 'dsn',
    value: (config) => config.dsn,
    roles: ['all', 'client', 'consent', 'token', 'migrate'],
    advice: 'set it to your PostgreSQL, postgres://user:password@host:5432/name',
  },
  {
    key: 'urls.self.issuer',
    value: (config) => config.urls.self.issuer,
    roles: ['all', 'consent', 'token', 'introspection', 'gateway'],
    advice: 'set it to the https URL that clients reach the public port at',
  },
  {
    key: 'urls.login',
    value: (config) => config.urls.login,
    roles: ['all', 'consent'],
    advice: 'set it to the login page of your login and consent app',
  },
  {
    key: 'urls.consent',
    value: (config) => config.urls.consent,
    roles: ['all', 'consent'],
    advice: 'set it to the consent page of your login and consent app',
  },
]

/** Throws a StartupError at the first thing that is missing or too dangerous. */
export function checkConfig(config: Config, role: Role, originOf: (key: string) => string): void {
  checkNeeds(config, role)
  if (role === 'migrate' || role === 'service-token') return
  checkIssuer(config, originOf)
  checkUserCode(config, originOf)
  checkSecrets(config, originOf)
  checkSubjects(config, originOf)
  checkTls(config, originOf)
  if (role === 'all' || role === 'gateway') checkAdmin(config, originOf)
  if (role === 'all' || role === 'gateway') checkAdminCors(config, originOf)
  if (role !== 'gateway') checkGrpc(config, originOf)
  checkHooks(config, originOf)
  checkPeers(config, role, originOf)
  checkCredential(config, role)
}

function checkNeeds(config: Config, role: Role): void {
  // Development mode makes up what `serve all` needs; a service on its own has nobody to make it up for.
  const madeUp = config.dev && role === 'all'
  for (const { key, value, roles, advice } of needs) {
    if (madeUp || !roles.includes(role) || value(config).length > 0) continue
    const mode = config.dev ? '' : '; only development mode (--dev) makes up its own'
    throw new StartupError(`${key} is not set: ${advice}${mode}`)
  }
}

function checkIssuer({ dev, urls }: Config, originOf: (key: string) => string): void {
  const { issuer } = urls.self
  if (issuer && new URL(issuer).port === '0')
    throw new StartupError('urls.self.issuer is not set: with serve.public.port 0 it cannot follow from the port')
  if (dev || !issuer.startsWith('http:') || isLoopback(new URL(issuer).hostname)) return
  throw new StartupError(
    `urls.self.issuer${originOf('urls.self.issuer')}: ${issuer} must begin with https://, since tokens would travel in the clear; only development mode (--dev) and loopback addresses go without`,
  )
}

/** RFC 8628 section 5.1: what a person types can be guessed. */
function checkUserCode({ oauth2 }: Config, originOf: (key: string) => string): void {
  const key = 'oauth2.device_authorization.user_code'
  const { length, character_set } = oauth2.device_authorization.user_code
  const characters = new Set(character_set)
  if (length === 0 && characters.size === 0) return
  const isGood = length >= 6 && characters.size >= 8 && /^[\x21-\x7e]+$/.test(character_set)
  if (isGood && characters.size === character_set.length) return
  throw new StartupError(
    `${key}${originOf(`${key}.length`)} needs both length, 6 or more, and character_set, 8 or more different visible ASCII characters`,
  )
}

function checkSecrets({ dev, secrets }: Config, originOf: (key: string) => string): void {
  for (const key of ['system', 'cookie', 'pagination'] as const) {
    if (dev) continue
    const named = `secrets.${key}${originOf(`secrets.${key}`)}`
    const advice = 'make one with `openssl rand -base64 32`'
    if (secrets[key].some((secret) => secret.startsWith(developmentPrefix)))
      throw new StartupError(`${named} holds a secret of development mode: ${advice}`)
    if (secrets[key].some(isSampleSecret))
      throw new StartupError(`${named} holds a sample or an all too simple secret: ${advice}`)
  }
}

function checkSubjects({ oidc, strategies }: Config, originOf: (key: string) => string): void {
  const { supported_types: types, pairwise } = oidc.subject_identifiers
  if (types.length === 0) throw new StartupError('oidc.subject_identifiers.supported_types must not be empty')
  if (!types.includes('pairwise')) return
  const key = 'oidc.subject_identifiers.pairwise.salt'
  if (pairwise.salt.length < 8)
    throw new StartupError(
      `${key}${originOf(key)} has fewer than 8 characters: make one with \`openssl rand -base64 32\``,
    )
  // A JWT shows its subject to all who see it, and has no place for the one that the operator knows.
  if (strategies.access_token === 'jwt')
    throw new StartupError(
      `strategies.access_token${originOf('strategies.access_token')} must be opaque where subjects can be pairwise`,
    )
}

function checkTls({ serve, services }: Config, originOf: (key: string) => string): void {
  const places: [string, TlsConfig | undefined, boolean][] = [
    ['serve.public.tls', serve.public.tls, true],
    ['serve.admin.tls', serve.admin.tls, true],
    ['serve.grpc.tls', serve.grpc.tls, true],
    ['services.tls', services.tls, false],
  ]
  for (const [key, tls, isServer] of places) {
    if (!tls) continue
    const needsPair = isServer || tls.cert !== '' || tls.key !== ''
    if (needsPair && !(tls.cert && tls.key))
      throw new StartupError(
        `${key}${originOf(key)} needs both ${key}.cert and ${key}.key, each as path or base64, there or in serve.tls`,
      )
    for (const [name, path] of Object.entries(tls) as [string, string][])
      if (path && !isPemText(path)) checkReadable(`${key}.${name}.path`, path)
  }
}

function checkReadable(key: string, path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (cause) {
    throw new StartupError(`${key}: ${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`)
  }
}

const beyond = (key: string, { host }: ListenerConfig, originOf: (key: string) => string) =>
  `${key}.host${originOf(`${key}.host`)}: ${host || 'all addresses'} is reachable from other machines`

function checkAdmin({ serve: { admin } }: Config, originOf: (key: string) => string): void {
  if (isLocalListener(admin.host) || admin.tokens.length > 0 || admin.tls?.ca) return
  throw new StartupError(
    `${beyond('serve.admin', admin, originOf)} and whoever reaches the admin API can do everything: set serve.admin.tokens, or serve.admin.tls with ca, or listen on 127.0.0.1`,
  )
}

/** What any page may do with a browser's help, whoever shows it may do. */
function checkAdminCors({ serve: { admin } }: Config, originOf: (key: string) => string): void {
  const key = 'serve.admin.cors.allowed_origins'
  const open = admin.cors.allowed_origins.find((origin) => /^(https?:\/\/)?\*$/.test(origin))
  if (!admin.cors.enabled || open === undefined) return
  throw new StartupError(
    `${key}${originOf(key)}: ${open} would let every page that a browser shows use the admin API: name the origins that may`,
  )
}

function checkGrpc({ serve: { grpc } }: Config, originOf: (key: string) => string): void {
  if (isLocalListener(grpc.host) || grpc.tls) return
  throw new StartupError(
    `${beyond('serve.grpc', grpc, originOf)} and tokens would travel in the clear: set serve.grpc.tls, or listen on 127.0.0.1`,
  )
}

function checkHooks({ oauth2 }: Config, originOf: (key: string) => string): void {
  for (const name of ['token_hook', 'refresh_token_hook'] as const) {
    const { url, auth } = oauth2[name]
    const key = `oauth2.${name}`
    if (auth.type !== '' && url === '') throw new StartupError(`${key}.url${originOf(key)} is not set: say where it is`)
    if (auth.type !== '' && !(auth.config.name && auth.config.value))
      throw new StartupError(
        `${key}.auth${originOf(key)} needs both ${key}.auth.config.name and ${key}.auth.config.value`,
      )
  }
}

function checkPeers({ services }: Config, role: Role, originOf: (key: string) => string): void {
  for (const name of peersOf[role]) {
    const key = `services.${name}.address`
    const { address } = services[name]
    if (!address)
      throw new StartupError(`${key} is not set: the ${role} process calls the ${name} service, say where it is`)
    if (isLocalTarget(address) || services.tls) continue
    throw new StartupError(
      `${key}${originOf(key)}: ${address} is another machine and tokens would travel in the clear: set services.tls`,
    )
  }
}

function checkCredential({ services, secrets }: Config, role: Role): void {
  if (role !== 'gateway' || services.credential || services.tls?.cert || secrets.system.length) return
  throw new StartupError(
    'services.credential is not set: make one with `tessera service-token gateway` where secrets.system is, or give services.tls a certificate',
  )
}
