// The two shapes of a running server: everything in this process, or a process for each service and one for the gateway.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startServer } from '../../cli/serve.js'
import { type ServiceName, serviceNames } from '../../services/kit/config/check.js'
import type { Config } from '../../services/kit/config/config.js'
import { configSchema } from '../../services/kit/config/schema.js'
import type { Schema } from '../../services/kit/config/schema_parts.js'
import { serviceToken } from '../../services/kit/identity.js'
import { StartupError } from '../../services/kit/startup_error.js'
import { baseOverrides, type Overrides } from './config.js'
import { type Program, startProgram } from './program.js'

const startTimeoutMs = 60_000

export interface Stoppable {
  stop(): Promise<void>
}

export async function startInProcess(config: Config): Promise<Stoppable> {
  const server = await startServer(config, 'all', new AbortController().signal)
  return { stop: () => server.close() }
}

/** Starts the processes; each shows the others a service token. */
export async function startProcesses(
  overrides: Overrides<Config>,
  config: Config,
  ports: Readonly<Record<ServiceName, number>>,
): Promise<Stoppable> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-suite-'))
  const services = Object.fromEntries(serviceNames.map((name) => [name, { address: `127.0.0.1:${ports[name]}` }]))
  const shared = merge(toSettings(configSchema, baseOverrides), toSettings(configSchema, overrides))
  const own = (more: Settings): Settings => merge({ dev: true, ...shared }, { services, ...more })
  const { dsn: _dsn, secrets: _secrets, ...rest } = own({})
  const credential = serviceToken(config.secrets.system, 'gateway')
  const programs = await Promise.all([
    ...serviceNames.map((name) => startProcess(folder, name, own({ serve: { grpc: { port: ports[name] } } }))),
    startProcess(folder, 'gateway', merge(rest, { services: { credential } })),
  ])
  const stop = async () => {
    for (const { child } of programs) child.kill('SIGTERM')
    await Promise.all(programs.map(({ ended }) => ended))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await within(startTimeoutMs, Promise.all(programs.map((program) => program.until(/^ready/m))))
    return { stop }
  } catch (thrown) {
    await stop()
    throw new StartupError(String(thrown))
  }
}

type Settings = Record<string, unknown>

function startProcess(folder: string, role: string, settings: Settings): Promise<Program> {
  const file = join(folder, `${role}.yml`)
  writeFileSync(file, stringify(settings), { mode: 0o600 })
  return startProgram(['serve', role, '-c', file])
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`the server is not ready after ${ms / 1_000} s`)), ms).unref()
  })
  return Promise.race([work, late])
}

/** Parts of a configuration as its file has them: durations with their unit, never as -1. */
function toSettings(schema: Schema, value: unknown): Settings {
  const settings: Settings = {}
  for (const [name, child] of Object.entries(value as Settings)) {
    if (name === 'max_staleness_ms') settings.max_staleness = `${child}ms`
    else if (name !== 'tls' && schema.properties?.[name]) settings[name] = toSetting(schema.properties[name], child)
  }
  return settings
}

function toSetting(schema: Schema, value: unknown): unknown {
  if (schema.properties) return toSettings(schema, value)
  if (!String(schema.format).startsWith('duration')) return value
  return value === undefined ? '-1' : `${Math.round(Number(value) * 1_000)}ms`
}

function merge(base: Settings, over: Settings): Settings {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const under = merged[key]
    merged[key] = isGroup(under) && isGroup(value) ? merge(under, value) : value
  }
  return merged
}

const isGroup = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
