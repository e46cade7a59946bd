// Where the configuration comes from: files in their order, over them the environment. Keys that Hydra has had under other
// names are renamed here, and those that are not served are taken out.
import { basename } from 'node:path'
import { StartupError } from '../startup_error.js'
import { isObject, readSecret, readSettings, type Settings, setAt, settingAt } from './files.js'
import { harmless, ignoredKeys, refusedKeys, renamedKeys } from './hydra_keys.js'
import { settings as knownSettings } from './schema.js'
import type { Schema } from './schema_parts.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Keys that stand for a group and may be given as one text. */
const shortForms: Readonly<Record<string, string>> = {
  'oauth2.token_hook': 'oauth2.token_hook.url',
  'oauth2.refresh_token_hook': 'oauth2.refresh_token_hook.url',
}

const variableOf = (key: string): string => key.replaceAll('.', '_').toUpperCase()

/** Settings as they were given, and where each came from. */
export class Sources {
  readonly settings: Settings = {}
  readonly warnings: string[] = []
  /** Every file that was read. */
  readonly files: string[] = []
  readonly #origins = new Map<string, string>()

  addFile(path: string): void {
    this.files.push(path)
    this.#add(readSettings(path), [], basename(path))
  }

  /**
   * Takes what the environment says: `TTL_ACCESS_TOKEN` for `ttl.access_token`; lists with commas, or lists and groups as
   * JSON; a secret also from the file that `SECRETS_SYSTEM_FILE` names.
   */
  addEnvironment(environment: Environment): void {
    for (const { key, variable, schema } of knownSettings) {
      this.#addVariable(key, variable, schema, environment)
      if (schema.secret) this.#addSecretFile(key, variable, schema, environment)
    }
    for (const [key, target] of Object.entries(renamedKeys)) {
      const schema = knownSettings.find((setting) => setting.key === target)?.schema
      if (schema) this.#addVariable(key, variableOf(key), schema, environment)
    }
    for (const key of Object.keys(shortForms)) this.#addShortForm(key, environment)
    for (const key of Object.keys(refusedKeys)) this.#addUnserved(key, environment)
    // A variable of one word can be about anything.
    for (const key of Object.keys(ignoredKeys)) if (key.includes('.')) this.#addUnserved(key, environment)
  }

  set(given: string, value: unknown, origin: string): void {
    const key = (typeof value === 'string' && shortForms[given]) || given
    setAt(this.settings, key, value)
    this.#origins.set(key, origin)
  }

  get(key: string): unknown {
    return settingAt(this.settings, key)
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

  /** Gives keys with an older name their own, unless that was given too. */
  rename(): void {
    for (const [key, target] of Object.entries(renamedKeys)) {
      const value = this.get(key)
      if (value === undefined) continue
      const origin = this.#origins.get(key) ?? ''
      this.#remove(key)
      if (this.get(target) === undefined) this.set(target, value, origin && `${key} in ${origin}`)
    }
  }

  /** Takes out the keys of Hydra that are not served; throws at the first one whose loss would be felt. */
  takeOutUnserved(): void {
    for (const [key, reason] of Object.entries(refusedKeys)) {
      const value = this.get(key)
      if (value === undefined) continue
      if (!harmless[key]?.(value))
        throw new StartupError(`${key}${this.originOf(key)} cannot be used: ${reason}; remove it`)
      this.#remove(key)
    }
    for (const [key, reason] of Object.entries(ignoredKeys)) {
      const value = this.get(key)
      if (value === undefined) continue
      if (!harmless[key]?.(value)) this.warnings.push(`${key}${this.originOf(key)} has no effect: ${reason}`)
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

  #addVariable(key: string, variable: string, schema: Schema, environment: Environment): void {
    const value = environment[variable]
    if (value) this.set(key, typedValue(value, schema), `the environment variable ${variable}`)
  }

  #addSecretFile(key: string, of: string, schema: Schema, environment: Environment): void {
    const variable = `${of}_FILE`
    const path = environment[variable]
    if (!path) return
    if (environment[of]) throw new StartupError(`${of} and ${variable} are both set: remove one of them`)
    this.files.push(path)
    const value = readSecret(path, variable)
    // A secret may have a comma: in a file, each stands on a line of its own.
    const typed = schema.type === 'array' ? value.split(/\r?\n/).filter(Boolean) : value
    this.set(key, typed, `${path}, the environment variable ${variable}`)
  }

  #addShortForm(key: string, environment: Environment): void {
    const variable = variableOf(key)
    const value = environment[variable]
    if (!value) return
    const origin = `the environment variable ${variable}`
    const parsed = parseJson(value)
    if (isObject(parsed)) this.#add(parsed, key.split('.'), origin)
    else this.set(key, value, origin)
  }

  #addUnserved(key: string, environment: Environment): void {
    const prefix = variableOf(key)
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

/** The text of a variable as the type that the schema asks for; what does not fit stays text, to be refused as such. */
function typedValue(text: string, schema: Schema): unknown {
  switch (schema.type) {
    case 'boolean':
      return /^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : text
    case 'array': {
      const parsed = parseJson(text)
      return Array.isArray(parsed) ? parsed : text.split(',').map((item) => item.trim())
    }
    default:
      return text
  }
}

/** What a text is as JSON, where it is a list or a group. */
function parseJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
