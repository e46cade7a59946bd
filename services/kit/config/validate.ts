// Checks settings against the schema and fills in the defaults. What is wrong is said in one line: which key, what is
// wrong with it, what to do.
import { isIP } from 'node:net'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { StartupError } from '../startup_error.js'
import { parseDuration } from './duration.js'
import { type Settings, setAt } from './files.js'
import { configSchema, settings as knownSettings } from './schema.js'
import type { Sources } from './sources.js'

// Every start waits for the schema to be compiled, for one use: it is neither compared with the schema of schemas, which a
// test does, nor made to run faster.
const ajv = new Ajv({
  useDefaults: true,
  strictTypes: false,
  verbose: true,
  meta: false,
  validateSchema: false,
  code: { optimize: false },
})
ajv.addFormat('duration', (value) => parseDuration(value) !== undefined)
ajv.addFormat('duration-or-never', (value) => value === '-1' || parseDuration(value) !== undefined)
ajv.addFormat('web-url', (value) => value === '' || webUrl(value) !== undefined)
ajv.addFormat('issuer', (value) => value === '' || isIssuer(value))
ajv.addFormat('dsn', (value) => value === '' || isPostgresUrl(value))
ajv.addFormat('network', isNetwork)
ajv.addFormat(
  'base64',
  (value) => value === '' || /-----BEGIN [A-Z ]+-----/.test(Buffer.from(value, 'base64').toString()),
)
ajv.addKeyword({ keyword: 'secret', schemaType: 'boolean' })
ajv.addKeyword({
  keyword: 'durationMaximum',
  validate: (maximum: number, value: unknown) => (parseDuration(String(value)) ?? 0) <= maximum,
  errors: false,
})
ajv.addKeyword({
  keyword: 'durationMinimum',
  validate: (minimum: number, value: unknown) => {
    const seconds = parseDuration(String(value)) ?? minimum
    return seconds >= minimum && Number.isInteger(seconds)
  },
  errors: false,
})

let compiled: ValidateFunction | undefined

/** The settings with every default filled in. */
export function validate(sources: Sources): Settings {
  const settings = structuredClone(sources.settings)
  for (const { key, schema } of knownSettings)
    if (schema.format === 'duration-or-never' && sources.get(key) === -1) setAt(settings, key, '-1')
  compiled ??= ajv.compile(configSchema)
  if (compiled(settings)) return settings
  const [error] = compiled.errors ?? []
  throw new StartupError(error ? describe(error, sources) : 'the configuration is not valid')
}

function webUrl(value: string): URL | undefined {
  if (!URL.canParse(value) || /\s/.test(value)) return undefined
  const url = new URL(value)
  return ['http:', 'https:'].includes(url.protocol) ? url : undefined
}

/** RFC 8414 2: a URL without query and fragment. */
function isIssuer(value: string): boolean {
  const url = webUrl(value)
  return url !== undefined && !/[?#]/.test(value) && !url.username && !url.password
}

/** A network in CIDR form. */
export function isNetwork(value: string): boolean {
  const [address = '', bits = '', ...rest] = value.split('/')
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest
}

const isPostgresUrl = (value: string): boolean => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)

/** What each format wants, after the key and its value. */
const wanted: Readonly<Record<string, string>> = {
  duration: 'is not a duration: write it as 1h, 30m or 1h30m',
  'duration-or-never': 'is not a duration: write it as 1h, 30m or 1h30m, or -1 for never',
  'web-url': 'is not a URL: write it in full, with http:// or https://',
  issuer: 'is not an issuer: write a URL with http:// or https:// and without query and fragment',
  network: 'is not a network: write it as 10.0.0.0/8 or fd00::/8',
  base64: 'is not a PEM text in base64',
  dsn: 'is not a PostgreSQL URL: write it as postgres://user:password@host:5432/name (other databases are not served)',
}

const typeNames: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  integer: 'a whole number',
  array: 'a list of texts',
  object: 'a group of keys',
  string: 'text',
}

const newSecretHint = 'make one with `openssl rand -base64 32`'

function describe(error: ErrorObject, sources: Sources): string {
  const path = error.instancePath.split('/').slice(1)
  if (error.keyword === 'additionalProperties') path.push(String(error.params.additionalProperty))
  const key = path.filter((name) => !/^\d+$/.test(name)).join('.')
  const isSecret = knownSettings.some((setting) => setting.key === key && setting.schema.secret)
  const shown = isSecret ? '' : ` ${JSON.stringify(error.data)}`
  const subject = `${key}${sources.originOf(key)}`
  switch (error.keyword) {
    case 'additionalProperties':
      return `${subject} is not a known key${suggestion(key)}`
    case 'type':
      return `${subject}:${shown} must be ${typeNames[String(error.params.type)]}`
    case 'enum':
      return `${subject}:${shown} must be one of ${(error.params.allowedValues as string[]).join(', ')}`
    case 'format':
      return `${subject}:${shown} ${wanted[String(error.params.format)]}`
    case 'minLength':
      if (isSecret) return `${subject} holds a secret of fewer than ${error.params.limit} characters: ${newSecretHint}`
      return `${subject} must not be empty`
    case 'durationMinimum':
      return `${subject}:${shown} must be at least ${error.schema}s, in whole seconds`
    case 'durationMaximum':
      return `${subject}:${shown} must be at most ${Number(error.schema) / 60}m`
    default:
      return `${subject}:${shown} ${error.message}`
  }
}

function suggestion(key: string): string {
  const candidates = knownSettings.map((setting) => ({ key: setting.key, distance: distance(setting.key, key) }))
  const [best] = candidates.sort((a, b) => a.distance - b.distance)
  if (best && best.distance <= Math.max(2, key.length / 6)) return `: did you mean ${best.key}?`
  return ': remove it, or see the table of keys in the README'
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
