#!/usr/bin/env node
// The `tessera` command.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { migrate } from '../prisma/migrate.js'
import { monotonicMs } from '../services/kit/clock.js'
import type { Role } from '../services/kit/config/check.js'
import type { Config } from '../services/kit/config/config.js'
import { loadConfig } from '../services/kit/config/load.js'
import { settings } from '../services/kit/config/schema.js'
import { callers, isCaller, serviceToken } from '../services/kit/identity.js'
import { log, setLogFormat, setLogLevel } from '../services/kit/log.js'
import { projectRoot } from '../services/kit/project_root.js'
import { StartupError } from '../services/kit/startup_error.js'
import { announce } from './announce.js'
import { waitForDatabase } from './database.js'
import { developmentSecrets } from './development.js'
import { type Server, startServer } from './serve.js'

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }

interface CommonOptions {
  readonly config?: string[]
  readonly data?: string
  readonly dev?: true
}

/** Signals that follow so closely are one: npm passes on what a terminal has sent already. */
const oneSignalMs = 700

function load(role: Role, options: CommonOptions): Config {
  const { config, warnings } = loadConfig({
    role,
    ...(options.config ? { files: options.config } : {}),
    ...(options.data ? { dataDir: options.data } : {}),
    ...(options.dev ? { dev: true } : {}),
    developmentSecrets,
  })
  setLogLevel(config.log.level)
  setLogFormat(config.log.format)
  for (const warning of warnings) log.warn(warning)
  return config
}

async function serve(what: Role, options: CommonOptions): Promise<void> {
  const startedAt = monotonicMs()
  const config = load(what, options)
  const stopping = new AbortController()
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
  onStopSignal(stopping)
  let server: Server
  try {
    server = await startServer(config, what, stopping.signal)
  } catch (thrown) {
    if (stopping.signal.aborted) process.exit(0)
    throw thrown
  }
  announce(server, version, what, startedAt)
  const failure = await Promise.race([stopped, server.failed])
  await server.close()
  if (failure) throw failure
  process.exit(0)
}

/** The first signal ends in order, a later one at once. */
function onStopSignal(stopping: AbortController): void {
  let firstAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = monotonicMs()
        stopping.abort()
      } else if (monotonicMs() - firstAt > oneSignalMs) process.exit(130)
    })
}

async function migrateDatabase(options: CommonOptions): Promise<void> {
  const { dsn } = load('migrate', options)
  await waitForDatabase(dsn, new AbortController().signal)
  const applied = await migrate(dsn)
  for (const name of applied) process.stdout.write(`applied ${name}\n`)
  process.stdout.write(applied.length ? `${applied.length} migrations applied\n` : 'the database is up to date\n')
}

function printServiceToken(name: string, options: CommonOptions): void {
  if (!isCaller(name)) throw new StartupError(`there is no service or caller ${name}: use one of ${callers.join(', ')}`)
  const { secrets } = load('service-token', options)
  process.stdout.write(`${serviceToken(secrets.system, name)}\n`)
}

function printKeys(): void {
  const cell = (value: unknown) => (value === undefined || value === '' ? '' : `\`${[value].flat().join(',')}\``)
  const rows = settings.map(
    ({ key, variable, schema }) => `| \`${key}\` | ${cell(schema.default)} | ${schema.description} | \`${variable}\` |`,
  )
  process.stdout.write(['| key | default | what it is | environment |', '|---|---|---|---|', ...rows, ''].join('\n'))
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
    .description('Run the whole server in this process, or one of its services.')
    .addArgument(new Argument('<what>', 'what to run').choices(whats)),
)
  .addHelpText(
    'after',
    `
Examples:
  tessera serve all --dev                  everything, with an embedded database and a demo
  tessera serve all -c tessera.yml         everything, on a PostgreSQL of yours
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
