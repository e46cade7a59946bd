// Where the configuration comes from: YAML files in their order, over them the environment. Keys of Hydra that are not
// served are taken out here.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parse } from 'yaml'
import { StartupError } from '../startup_error.js'
import { harmless, ignoredKeys, refusedKeys } from './hydra_keys.js'
import { settings as knownSettings, type Schema } from './schema.js'

export type Settings = { [key: string]: unknown }
export type Environment = Readonly<Record<string, string | undefined>>

/** Keys that stand for a group and may be given as one text. */
const shortForms: Readonly<Record<string, string>> = {
  'oauth2.token_hook': 'oauth2.token_hook.url',
  'oauth2.refresh_token_hook': 'oauth2.refresh_token_hook.url',
}

/** Settings as they were given, and where each came from. */
export class Sources {
  readonly settings: Settings = {}
  readonly warnings: string[] = []
  readonly #origins = new Map<string, string>()

  addFile(path: string): void {
    const content = readYaml(path)
    this.#add(content, [], basename(path))
  }

  /** Takes what the environment says: `TTL_ACCESS_TOKEN` for `ttl.access_token`, lists with commas. */
  addEnvironment(environment: Environment): void {
    for (const { key, variable, schema } of knownSettings) {
      const value = environment[variable]
      if (value) this.set(key, typedValue(value, schema), `the environment variable ${variable}`)
    }
    for (const key of Object.keys(shortForms)) {
      const variable = key.replaceAll('.', '_').toUpperCase()
      const value = environment[variable]
      if (value) this.set(key, value, `the environment variable ${variable}`)
    }
    for (const key of Object.keys(refusedKeys)) this.#addRefused(key, environment)
  }

  set(given: string, value: unknown, origin: string): void {
    const key = (typeof value === 'string' && shortForms[given]) || given
    const path = key.split('.')
    const last = path.pop() ?? ''
    let parent = this.settings
    for (const name of path) {
      if (!isObject(parent[name])) parent[name] = {}
      parent = parent[name] as Settings
    }
    parent[last] = value
    this.#origins.set(key, origin)
  }

  get(key: string): unknown {
    return key.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), this.settings)
  }

  /** Where a key was said, for messages. */
  originOf(key: string): string {
    for (let at = key; at; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
      const origin = this.#origins.get(at)
      if (origin) return ` (${origin})`
    }
    const below = [...this.#origins].find(([at]) => at.startsWith(`${key}.`))
    return below ? ` (${below[1]})` : ''
  }

  /** Takes out the keys of Hydra that are not served; throws at the first one whose loss would be felt. */
  takeOutUnserved(): void {
    for (const [key, reason] of Object.entries(refusedKeys)) {
      const value = this.get(key)
      if (value === undefined) continue
      const isHarmless = isObject(value) && harmless[key]?.(value)
      if (!isHarmless) throw new StartupError(`${key}${this.originOf(key)} cannot be used: ${reason}; remove it`)
      this.#remove(key)
    }
    for (const [key, reason] of Object.entries(ignoredKeys)) {
      if (this.get(key) === undefined) continue
      this.warnings.push(`${key}${this.originOf(key)} has no effect: ${reason}`)
      this.#remove(key)
    }
  }

  #add(content: Settings, path: readonly string[], origin: string): void {
    for (const [name, value] of Object.entries(content)) {
      const key = [...path, name]
      if (isObject(value)) this.#add(value, key, origin)
      else if (value !== null) this.set(key.join('.'), value, origin)
    }
  }

  #addRefused(key: string, environment: Environment): void {
    const prefix = key.replaceAll('.', '_').toUpperCase()
    for (const [variable, value] of Object.entries(environment)) {
      if (!value || (variable !== prefix && !variable.startsWith(`${prefix}_`))) continue
      const rest = variable.slice(prefix.length + 1).toLowerCase()
      const parsed = value === 'true' ? true : value === 'false' ? false : value
      this.set(rest ? `${key}.${rest}` : key, parsed, `the environment variable ${variable}`)
    }
  }

  #remove(key: string): void {
    const path = key.split('.')
    const last = path.pop() ?? ''
    const parent = path.length ? this.get(path.join('.')) : this.settings
    if (!isObject(parent)) return
    delete parent[last]
    if (path.length && Object.keys(parent).length === 0) this.#remove(path.join('.'))
  }
}

export const isObject = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readYaml(path: string): Settings {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : `cannot be read: ${String(cause)}`
    throw new StartupError(`the configuration file ${path} ${why}: give its path with -c or TESSERA_CONFIG`)
  }
  let content: unknown
  try {
    content = parse(text)
  } catch (cause) {
    throw new StartupError(
      `the configuration file ${path} is not YAML: ${String(cause).split('\n')[0]?.replace(/:$/, '')}`,
    )
  }
  if (content === null || content === undefined) return {}
  if (!isObject(content))
    throw new StartupError(`the configuration file ${path} must hold keys, such as "dsn: postgres://…"`)
  return content
}

/** The text of a variable as the type that the schema asks for; what does not fit stays text, to be refused as such. */
function typedValue(text: string, schema: Schema): unknown {
  switch (schema.type) {
    case 'boolean':
      return /^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : text
    case 'array':
      return text.split(',').map((item) => item.trim())
    default:
      return text
  }
}
