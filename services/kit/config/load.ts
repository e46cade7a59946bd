// Loads the configuration of one process: files, environment, defaults, checks. The one place that reads the environment.
import { resolve } from 'node:path'
import { isLocalListener } from '../loopback.js'
import { checkConfig, type Role } from './check.js'
import type { Config } from './config.js'
import { type Settings, setAt, settingAt } from './files.js'
import { settings as knownSettings } from './schema.js'
import { developmentPrefix, isSampleSecret } from './secret.js'
import { leastOf, toConfig } from './shape.js'
import { type Environment, Sources } from './sources.js'
import { validate } from './validate.js'

export interface LoadOptions {
  /** What this process runs; decides what it must be told. */
  readonly role: Role
  /** YAML, JSON or TOML files, later ones over earlier ones; without any, those that TESSERA_CONFIG names. */
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
  /** Every file that it was read from, those of secrets too. */
  readonly files: readonly string[]
  /** All that it says, as the files have it, defaults too. */
  readonly settings: Settings
}

/** Throws a StartupError whose message is for the person who starts the process. */
export function loadConfig(options: LoadOptions): Loaded {
  const environment = options.environment ?? process.env
  const sources = new Sources()
  const named = environment.TESSERA_CONFIG?.split(',').filter(Boolean) ?? []
  for (const file of options.files?.length ? options.files : named) sources.addFile(file)
  sources.addEnvironment(environment)
  if (options.dev) sources.set('dev', true, '--dev')
  sources.rename()
  sources.takeOutUnserved()
  const dataDir = resolve(options.dataDir ?? environment.TESSERA_DATA ?? 'data')
  const dev = sources.get('dev') === true
  const needsSecrets = options.role !== 'gateway' && sources.get('secrets.system') === undefined
  if (dev && needsSecrets && options.developmentSecrets)
    sources.set('secrets.system', options.developmentSecrets(dataDir), dataDir)
  const settings = validate(sources)
  const config = toConfig(settings, dataDir)
  checkConfig(config, options.role, (key) => sources.originOf(key))
  const warnings = [...sources.warnings, ...warningsOf(config)]
  return { config: leastOf(config, options.role), warnings, files: sources.files, settings }
}

export interface Reloaded extends Loaded {
  /** The keys that are others than before. */
  readonly changed: readonly string[]
  /** The keys whose change waits for the next start; they are as before. */
  readonly waiting: readonly string[]
}

/** Loads the configuration again, for a process that runs with another. Throws a StartupError where it could not start. */
export function reloadConfig(options: LoadOptions, running: Loaded): Reloaded {
  const loaded = loadConfig(options)
  const settings = structuredClone(loaded.settings)
  const differing = knownSettings.filter(
    ({ key }) => JSON.stringify(settingAt(running.settings, key)) !== JSON.stringify(settingAt(settings, key)),
  )
  const waiting = differing.filter(({ restart }) => restart).map(({ key }) => key)
  for (const key of waiting) setAt(settings, key, settingAt(running.settings, key))
  const config = toConfig(settings, running.config.dataDir)
  // What is good together with what waits may not be so with what is kept.
  checkConfig(config, options.role, () => '')
  const changed = differing.filter(({ restart }) => !restart).map(({ key }) => key)
  return { ...loaded, settings, config: leastOf(config, options.role), changed, waiting }
}

/** The defaults alone, as development mode has them. */
export function defaultConfig(dataDir: string): Config {
  const sources = new Sources()
  sources.set('dev', true, '')
  sources.set('secrets.system', [`${developmentPrefix}these are the defaults`], '')
  return toConfig(validate(sources), dataDir)
}

function warningsOf(config: Config): string[] {
  const warnings: string[] = []
  const { cors } = config.serve.public
  if (cors.enabled && cors.allow_credentials && cors.allowed_origins.includes('*'))
    warnings.push('serve.public.cors allows all origins: cookies are not sent to them, whatever allow_credentials says')
  for (const key of ['system', 'cookie', 'pagination'] as const)
    if (config.dev && config.secrets[key].some(isSampleSecret))
      warnings.push(`secrets.${key} holds a sample or an all too simple secret, which only development mode takes`)
  if (config.dev && !isLocalListener(config.serve.public.host))
    warnings.push(`development mode is reachable from other machines (serve.public.host: ${config.serve.public.host})`)
  return warnings
}
