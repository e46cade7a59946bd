// The two shapes of a running server: everything in this process, or a process for each service and one for the gateway.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startServer } from '../../cli/serve.js'
import { type ServiceName, serviceNames } from '../../services/kit/config/check.js'
import type { Config } from '../../services/kit/config/config.js'
import { configSchema, type Schema } from '../../services/kit/config/schema.js'
import { serviceToken } from '../../services/kit/identity.js'
import { projectRoot } from '../../services/kit/project_root.js'
import { StartupError } from '../../services/kit/startup_error.js'
import { ensureBuild } from './build.js'
import type { Overrides } from './config.js'
import { baseOverrides } from './config.js'

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
  const program = await ensureBuild()
  const folder = mkdtempSync(join(tmpdir(), 'tessera-suite-'))
  const services = Object.fromEntries(serviceNames.map((name) => [name, { address: `127.0.0.1:${ports[name]}` }]))
  const shared = merge(toSettings(configSchema, baseOverrides), toSettings(configSchema, overrides))
  const own = (more: Settings): Settings => merge({ dev: true, ...shared }, { services, ...more })
  const start = (role: string, settings: Settings) => startProcess(program, folder, role, settings)
  const starting = serviceNames.map((name) => start(name, own({ serve: { grpc: { port: ports[name] } } })))
  const { dsn: _dsn, secrets: _secrets, ...rest } = own({})
  const credential = serviceToken(config.secrets.system, 'gateway')
  starting.push(start('gateway', merge(rest, { services: { credential } })))
  const started = await Promise.allSettled(starting)
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => {
    await Promise.all(running.map(stopProcess))
    rmSync(folder, { recursive: true, force: true })
  }
  const failure = started.find((result) => result.status === 'rejected')
  if (!failure) return { stop }
  await stop()
  throw failure.reason
}

type Settings = Record<string, unknown>

async function startProcess(program: string, folder: string, role: string, settings: Settings): Promise<ChildProcess> {
  const file = join(folder, `${role}.yml`)
  writeFileSync(file, stringify(settings), { mode: 0o600 })
  const child = spawn(process.execPath, [program, 'serve', role, '-c', file], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // A worker that is ended before its tests are must not leave servers behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-20_000)
    })
  let late: NodeJS.Timeout | undefined
  await new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new StartupError(`the ${role} process ${what}: ${output}`))
    child.stdout.on('data', () => /^ready/m.test(output) && resolve())
    child.once('exit', () => fail('ended'))
    late = setTimeout(() => {
      child.kill('SIGKILL')
      fail('is not ready')
    }, startTimeoutMs)
  }).finally(() => clearTimeout(late))
  return child
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
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
