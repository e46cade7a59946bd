// Every key of Hydra's own configuration schema (v26.2) is served, refused by name, or told of as without effect.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { harmless, ignoredKeys, refusedKeys } from '../../services/kit/config/hydra_keys.js'
import { settings } from '../../services/kit/config/schema.js'
import { Sources } from '../../services/kit/config/sources.js'

interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly allOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}

const file = fileURLToPath(new URL('../vectors/hydra-config-schema-v26.2.json', import.meta.url))
const hydra: Schema = JSON.parse(readFileSync(file, 'utf8'))

/** A schema that is referred to elsewhere in the file; one of another file says nothing about keys. */
function resolved(schema: Schema): Schema {
  if (!schema.$ref) return schema
  if (!schema.$ref.startsWith('#/')) return {}
  const path = schema.$ref.slice(2).split('/')
  return resolved(path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], hydra) as Schema)
}

function keysOf(schema: Schema, path: readonly string[] = []): string[] {
  const { allOf = [], oneOf = [], anyOf = [] } = resolved(schema)
  const parts = [schema, ...allOf, ...oneOf, ...anyOf].map(resolved)
  const properties = Object.entries(
    Object.assign({}, ...parts.map((part) => part.properties)) as Record<string, Schema>,
  )
  if (properties.length === 0) return [path.join('.')]
  return properties.flatMap(([name, child]) => keysOf(child, [...path, name]))
}

const keys = keysOf(hydra)
const coveredBy = (table: object, key: string) =>
  Object.keys(table).find((covering) => key === covering || key.startsWith(`${covering}.`))
const isServed = (key: string) => settings.some((setting) => setting.key === key || setting.key.startsWith(`${key}.`))

describe("Hydra's configuration schema", () => {
  it('is read whole', () => {
    expect(keys.length).toBeGreaterThan(100)
    for (const key of ['dsn', 'ttl.access_token', 'serve.cookies.same_site_mode', 'oauth2.token_hook.auth.config.in'])
      expect(keys).toContain(key)
  })

  it.each(keys)('%s is served, or named where it is not', (key) => {
    const [refused, ignored] = [coveredBy(refusedKeys, key), coveredBy(ignoredKeys, key)]
    if (isServed(key)) {
      expect([refused, ignored]).toEqual([undefined, undefined])
      return
    }
    const sources = new Sources()
    sources.set(key, 'a value', 'a file')
    if (ignored) {
      sources.takeOutUnserved()
      expect(sources.warnings).toEqual([expect.stringContaining(`${ignored} (a file) has no effect`)])
    } else if (refused && !(refused in harmless)) {
      expect(() => sources.takeOutUnserved()).toThrow(`${refused} (a file) cannot be used`)
    } else expect(refused).toBeDefined()
  })
})
