// Reads the files that a configuration is made of: YAML, JSON and TOML by their ending, and files that hold one secret.
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import { StartupError } from '../startup_error.js'

export type Settings = { [key: string]: unknown }

export const isObject = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value of a key, with dots between its parts. */
export const settingAt = (settings: Settings, key: string): unknown =>
  key.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), settings)

/** Sets a key, and makes the groups above it where they are missing. */
export function setAt(settings: Settings, key: string, value: unknown): void {
  const path = key.split('.')
  const last = path.pop() ?? ''
  let parent = settings
  for (const name of path) {
    if (!isObject(parent[name])) parent[name] = {}
    parent = parent[name] as Settings
  }
  parent[last] = value
}

/** A mode such as `0755` is octal, as in YAML 1.1 and for Hydra. */
const octal = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^0[0-7]+$/,
  resolve: (text: string) => Number.parseInt(text, 8),
} as const

interface Format {
  readonly name: string
  readonly parse: (text: string) => unknown
}

const yaml: Format = { name: 'YAML', parse: (text) => parseYaml(text, { customTags: (tags) => [octal, ...tags] }) }

const formats: Readonly<Record<string, Format>> = {
  '.yml': yaml,
  '.yaml': yaml,
  '.json': { name: 'JSON', parse: (text) => JSON.parse(text) },
  '.toml': { name: 'TOML', parse: (text) => parseToml(text) },
}

/** What a configuration file says; one with another ending is YAML. */
export function readSettings(path: string): Settings {
  const text = read(path, 'the configuration file', 'give its path with -c or TESSERA_CONFIG')
  const { name, parse } = formats[extname(path).toLowerCase()] ?? yaml
  let content: unknown
  try {
    content = parse(text)
  } catch (cause) {
    const [why = ''] = String(cause).split('\n')
    throw new StartupError(`the configuration file ${path} is not ${name}: ${why.replace(/:$/, '')}`)
  }
  if (content === null || content === undefined) return {}
  if (!isObject(content))
    throw new StartupError(`the configuration file ${path} must hold keys, such as "dsn: postgres://…"`)
  return content
}

/** What a file holds that a variable names, without the end of its line. */
export function readSecret(path: string, variable: string): string {
  return read(path, `the file of ${variable},`, 'give the path of a file that holds the secret').replace(/\r?\n$/, '')
}

function read(path: string, what: string, advice: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StartupError(
      `${what} ${path} ${code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`}: ${advice}`,
    )
  }
}
