#!/usr/bin/env node
// The `tessera` command.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { migrate } from '../prisma/migrate.js'
import { monotonicMs } from '../services/kit/clock.js'
import type { Role } from '../services/kit/config/check.js'
import { type Loaded, type LoadOptions, loadConfig } from '../services/kit/config/load.js'
import { settings } from '../services/kit/config/schema.js'
import { callers, isCaller, serviceToken } from '../services/kit/identity.js'
import { log, setLogFormat, setLogLevel } from '../services/kit/log.js'
import { projectRoot } from '../services/kit/project_root.js'
import { StartupError } from '../services/kit/startup_error.js'
import { announce } from './announce.js'
import { countCores } from './cores.js'
import { waitForDatabase } from './database.js'
import { developmentSecrets } from './development.js'
import { boundGarbage } from './garbage.js'
import { ConfigReload } from './reload.js'
import { type Server, startServer } from './serve.js'

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }

interface CommonOptions {
  readonly config?: string[]
  readonly data?: string
  readonly dev?: true
}

interface ServeOptions extends CommonOptions {
  readonly workers: number
}

/** Signals that follow so closely are one: npm passes on what a terminal has sent already. */
const oneSignalMs = 700

const loadOptions = (role: Role, { config, data, dev }: CommonOptions): LoadOptions => ({
  role,
  ...(config ? { files: config } : {}),
  ...(data ? { dataDir: data } : {}),
  ...(dev ? { dev } : {}),
  developmentSecrets,
})

function load(options: LoadOptions): Loaded {
  const loaded = loadConfig(options)
  const { config, warnings } = loaded
  setLogLevel(config.log.level)
  setLogFormat(config.log.format)
  for (const warning of warnings) log.warn(warning)
  return loaded
}

async function serve(what: Role, options: ServeOptions): Promise<void> {
  const startedAt = monotonicMs()
  boundGarbage()
  const loaded = load(loadOptions(what, options))
  const reload = new ConfigReload(loadOptions(what, options), loaded)
  const stopping = new AbortController()
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
  onStopSignal(stopping, reload.hasFiles ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'])
  // What a terminal that closes says too; with files it asks for them to be read again.
  if (reload.hasFiles) process.on('SIGHUP', () => reload.reload())
  let server: Server
  try {
    const { workers } = options
    const listen = workers > 1 ? (await import('./workers.js')).answerByWorkers(workers) : undefined
    server = await startServer(loaded.config, what, stopping.signal, listen)
  } catch (thrown) {
    if (stopping.signal.aborted) process.exit(0)
    throw thrown
  }
  announce(server, version, what, startedAt)
  if (reload.hasFiles) reload.start(server)
  const failure = await Promise.race([stopped, server.failed])
  await Promise.all([reload.close(), server.close()])
  if (failure) throw failure
  process.exit(0)
}

/** The first signal ends in order, a later one at once. */
function onStopSignal(stopping: AbortController, signals: readonly NodeJS.Signals[]): void {
  let firstAt: number | undefined
  for (const signal of signals)
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = monotonicMs()
        stopping.abort()
      } else if (monotonicMs() - firstAt > oneSignalMs) process.exit(130)
    })
}

async function migrateDatabase(options: CommonOptions): Promise<void> {
  const { dsn } = load(loadOptions('migrate', options)).config
  await waitForDatabase(dsn, new AbortController().signal)
  const applied = await migrate(dsn)
  for (const name of applied) process.stdout.write(`applied ${name}\n`)
  process.stdout.write(applied.length ? `${applied.length} migrations applied\n` : 'the database is up to date\n')
}

function printServiceToken(name: string, options: CommonOptions): void {
  if (!isCaller(name)) throw new StartupError(`there is no service or caller ${name}: use one of ${callers.join(', ')}`)
  const { secrets } = load(loadOptions('service-token', options)).config
  process.stdout.write(`${serviceToken(secrets.system, name)}\n`)
}

function printKeys(): void {
  const cell = (value: unknown) => (value === undefined || value === '' ? '' : `\`${[value].flat().join(',')}\``)
  const rows = settings.map(
    ({ key, variable, schema, restart }) =>
      `| \`${key}\` | ${cell(schema.default)} | ${schema.description} | \`${variable}\` | ${restart ? 'restart' : ''} |`,
  )
  process.stdout.write(
    ['| key | default | what it is | environment | a change |', '|---|---|---|---|---|', ...rows, ''].join('\n'),
  )
}

const configOption = new Option(
  '-c, --config <file...>',
  'YAML, JSON or TOML files, later ones over earlier ones (or TESSERA_CONFIG)',
)
const dataOption = new Option(
  '--data <folder>',
  'where development mode keeps its files (or TESSERA_DATA; default: data)',
)
const devOption = new Option(
  '--dev',
  'development mode: made-up secrets, an embedded PostgreSQL, a demo; never for production',
)

const mostWorkers = 256

function toWorkers(said: string): number {
  if (said === 'auto') return countCores()
  // A variable that is empty says nothing.
  const count = Number(said || '1')
  if (!Number.isInteger(count) || count < 1 || count > mostWorkers)
    throw new InvalidArgumentError(`\`auto\` or a number from 1 to ${mostWorkers} is needed`)
  return count
}

const workersOption = new Option('--workers <count>', 'processes that share the ports; `auto`: one for each core')
  .env('TESSERA_WORKERS')
  .argParser(toWorkers)
  .default(1)

const withOptions = (command: Command): Command =>
  command.addOption(configOption).addOption(dataOption).addOption(devOption)

const program = new Command('tessera')
  .description('An OAuth 2.0 and OpenID Connect authorization server.')
  .version(version)
  .showHelpAfterError('(tessera --help tells more)')

const whats = ['all', 'client', 'consent', 'token', 'introspection', 'gateway'] as const

withOptions(
  program
    .command('serve')
    .description('Run the whole server or one of its services, in this process or in several workers.')
    .addArgument(new Argument('<what>', 'what to run').choices(whats))
    .addOption(workersOption),
)
  .addHelpText(
    'after',
    `
Examples:
  tessera serve all --dev                  everything, with an embedded database and a demo
  tessera serve all -c tessera.yml         everything, on a PostgreSQL of yours
  tessera serve all --workers auto         the same in as many processes as there are cores
  tessera serve token -c tessera.yml       one service of many
  TTL_ACCESS_TOKEN=5m tessera serve all -c tessera.yml

SIGTERM or Ctrl-C ends it in order within five seconds, a second one at once.`,
  )
  .action(serve)

withOptions(program.command('migrate').description('Bring the database (dsn) up to date.')).action(migrateDatabase)

withOptions(
  program
    .command('service-token')
    .description('Print the token that a service or an operator shows to the gRPC services.')
    .argument('<name>', `who it names: ${callers.join(', ')}`),
).action(printServiceToken)

program.command('config-keys').description('List every key of the configuration, as Markdown.').action(printKeys)
program
  .command('version')
  .description('Print the version.')
  .action(() => void process.stdout.write(`${version}\n`))

try {
  await program.parseAsync()
} catch (thrown) {
  const line = thrown instanceof StartupError ? thrown.message : String((thrown as Error).stack ?? thrown)
  process.stderr.write(`tessera: ${line}\n`)
  process.exit(1)
}
