// A whole, valid configuration for tests: the defaults, ports of the system's choosing, and what a test says otherwise.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../services/kit/config/config.js'
import { defaultConfig } from '../../services/kit/config/load.js'

export type Overrides<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Overrides<T[K]> }
    : T

const pages = 'http://127.0.0.1:3000'

/** What tests have otherwise than development mode. */
export const baseOverrides: Overrides<Config> = {
  log: { level: 'warn' },
  serve: { public: { port: 0 }, admin: { port: 0 }, grpc: { port: 0 }, demo: { port: 0 } },
  urls: { login: `${pages}/login`, consent: `${pages}/consent`, logout: `${pages}/logout` },
  secrets: {
    system: ['a system secret for the tests alone'],
    cookie: ['a cookie secret for the tests alone'],
    pagination: ['a pagination secret for the tests alone'],
  },
  db: { max_connections: 5 },
}

const defaults = merge(defaultConfig(join(tmpdir(), 'tessera-test-data')), baseOverrides)

/** The defaults with a test's own values: objects are merged, everything else is replaced. */
export const testConfig = (overrides: Overrides<Config> = {}): Config => merge(defaults, overrides) as Config

function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = key in base ? merge(base[key], value) : value
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
