// The PostgreSQL that runs beside the server in development: made, started and stopped here, its files under the data
// folder. It listens on the loopback alone and ends with its owner; one that was left over by a killed owner is ended first.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { monotonicMs } from '../services/kit/clock.js'
import { log } from '../services/kit/log.js'
import { newSecret } from '../services/kit/random.js'
import { StartupError } from '../services/kit/startup_error.js'
import { canEnter, findPostgres, type PostgresPrograms, type PostgresUser } from './postgres_binaries.js'

export interface EmbeddedPostgresOptions {
  /** Where its files lie; made if it is not there. */
  readonly folder: string
  /** False for databases that nobody needs after a crash of the machine. */
  readonly durable?: boolean
}

const startTimeoutMs = 60_000
const stopTimeoutMs = 4_000
const maxLogSize = 10 * 1024 * 1024
/** Held by the instance that uses the data folder, for as long as it lives. */
const ownerLock = 7_355_608

export class EmbeddedPostgres {
  /** The database of the server, for its superuser. */
  readonly dsn: string
  /** Resolves when PostgreSQL is no more, whoever ended it. */
  readonly ended: Promise<void>
  readonly #programs: PostgresPrograms
  readonly #cluster: string
  readonly #owner: pg.Client

  private constructor(
    dsn: string,
    server: ChildProcess,
    programs: PostgresPrograms,
    cluster: string,
    owner: pg.Client,
  ) {
    this.dsn = dsn
    this.ended = new Promise((resolve) => server.once('exit', () => resolve()))
    this.#programs = programs
    this.#cluster = cluster
    this.#owner = owner
  }

  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const programs = findPostgres()
    const folder = prepareFolder(options.folder, programs.user)
    const cluster = join(folder, 'cluster')
    if (!existsSync(cluster)) await createCluster(programs, folder, cluster, options.durable ?? true)
    const password = readFileSync(join(folder, 'password'), 'utf8')
    await endLeftOver(programs, cluster, password)
    const port = await freePort()
    const dsn = dsnOf(port, password)
    const server = launch(programs, folder, port, options.durable ?? true)
    endWithThisProcess(server)
    const owner = await connectWhenReady(server, dsn, join(folder, 'postgres.log'))
    await owner.query('SELECT pg_advisory_lock($1)', [ownerLock])
    return new EmbeddedPostgres(dsn, server, programs, cluster, owner)
  }

  /** Lets transactions under way break off and ends the server, in at most five seconds. */
  async stop(): Promise<void> {
    await this.#owner.end().catch(() => undefined)
    await endServer(this.#programs, this.#cluster)
    await this.ended
  }
}

const dsnOf = (port: number, password: string) => `postgres://tessera:${password}@127.0.0.1:${port}/postgres`

/** Makes the folder; where only root could enter it, the files lie elsewhere and a link stands for them. */
function prepareFolder(folder: string, user: PostgresUser | undefined): string {
  try {
    if (!existsSync(folder)) makeFolder(folder, user)
    return realpathSync(folder)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new StartupError(`${folder} cannot be made (${why}): choose a data folder that you can write to with --data`)
  }
}

function makeFolder(folder: string, user: PostgresUser | undefined): void {
  mkdirSync(join(folder, '..'), { recursive: true })
  if (!user) {
    mkdirSync(folder, { mode: 0o700 })
    return
  }
  if (canEnter(join(folder, '..'), user)) mkdirSync(folder, { mode: 0o700 })
  else {
    const parent = existsSync('/var/lib') ? '/var/lib' : tmpdir()
    const elsewhere = mkdtempSync(join(parent, 'tessera-'))
    symlinkSync(elsewhere, folder)
    log.info(`only root can enter ${folder}: the embedded database lies in ${elsewhere}`)
  }
  chownSync(folder, user.uid, user.gid)
}

/** Runs initdb beside its place and moves the result there, so that a cluster is either whole or not there. */
async function createCluster(
  programs: PostgresPrograms,
  folder: string,
  cluster: string,
  durable: boolean,
): Promise<void> {
  const password = newSecret(32).replace(/[^A-Za-z0-9]/g, 'x')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (programs.user) chownSync(passwordFile, programs.user.uid, programs.user.gid)
  const making = join(folder, 'cluster.new')
  rmSync(making, { recursive: true, force: true })
  const flags = ['--auth=scram-sha-256', '--username=tessera', '--encoding=UTF8', '--locale=C', '--lc-messages=C']
  if (!durable) flags.push('--no-sync')
  const { code, output } = await run(programs, programs.initdb, ['-D', making, `--pwfile=${passwordFile}`, ...flags])
  if (code !== 0) throw new StartupError(`the embedded PostgreSQL cannot be set up: ${lastLine(output)}`)
  renameSync(making, cluster)
}

function launch(programs: PostgresPrograms, folder: string, port: number, durable: boolean): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    shared_preload_libraries: 'pg_stat_statements',
    max_connections: 300,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const logFile = join(folder, 'postgres.log')
  if (existsSync(logFile) && statSync(logFile).size > maxLogSize) renameSync(logFile, `${logFile}.old`)
  const log = openSync(logFile, 'a', 0o600)
  chmodSync(logFile, 0o600)
  // A session of its own, so that Ctrl-C in a terminal reaches only the owner, who ends it last.
  const server = spawn(programs.postgres, ['-D', join(folder, 'cluster'), ...flags], {
    ...programs.user,
    cwd: folder,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return server
}

/** An owner that ends without order takes its server with it; the next start recovers what was committed. */
function endWithThisProcess(server: ChildProcess): void {
  const kill = () => server.kill('SIGQUIT')
  process.once('exit', kill)
  server.once('exit', () => process.off('exit', kill))
}

/** Resolves with a connection as soon as the server takes one; recovery after a crash may take its time. */
async function connectWhenReady(server: ChildProcess, dsn: string, logFile: string): Promise<pg.Client> {
  let failure: string | undefined
  server.once('error', (err) => {
    failure = err.message
  })
  server.once('exit', () => {
    failure ??= lastLine(readFileSync(logFile, 'utf8'))
  })
  const end = monotonicMs() + startTimeoutMs
  for (;;) {
    if (failure !== undefined)
      throw new StartupError(`the embedded PostgreSQL does not start: ${failure} (see ${logFile})`)
    const connection = await connect(dsn)
    if (connection) return connection
    if (monotonicMs() > end)
      throw new StartupError(`the embedded PostgreSQL is not ready after a minute (see ${logFile})`)
    await delay(20)
  }
}

async function connect(dsn: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: dsn,
    connectionTimeoutMillis: 2_000,
    application_name: 'tessera-owner',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch {
    await client.end().catch(() => undefined)
    return undefined
  }
}

/** Ends a server whose owner was killed. One whose owner lives is not ours to touch. */
async function endLeftOver(programs: PostgresPrograms, cluster: string, password: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid')
  if (!existsSync(pidFile)) return
  const lines = readFileSync(pidFile, 'utf8').split('\n')
  const connection = await connect(dsnOf(Number(lines[3]), password))
  if (connection) {
    const { rows } = await connection.query('SELECT pg_try_advisory_lock($1) AS free', [ownerLock])
    await connection.end()
    if (!rows[0]?.free) throw inUse(cluster)
  } else if (!isServerOf(Number(lines[0]), cluster)) {
    // The number belongs to nobody now, or to another program.
    rmSync(pidFile, { force: true })
    return
  }
  await endServer(programs, cluster)
}

const inUse = (cluster: string) =>
  new StartupError(
    `${join(cluster, '../..')} is in use by another running instance: stop it, or choose another folder with --data`,
  )

/** Whether the process is the server of this cluster; where that cannot be seen, a living process is taken for it. */
function isServerOf(pid: number, cluster: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const commandLine = `/proc/${pid}/cmdline`
  return (
    !existsSync('/proc/self/cmdline') ||
    (existsSync(commandLine) && readFileSync(commandLine, 'utf8').includes(cluster))
  )
}

/** A fast shutdown; one that does not come to its end in time is made to. */
async function endServer(programs: PostgresPrograms, cluster: string): Promise<void> {
  for (const [mode, seconds] of [
    ['fast', stopTimeoutMs / 1000],
    ['immediate', 1],
  ] as const) {
    if (!existsSync(join(cluster, 'postmaster.pid'))) return
    const { code } = await run(programs, programs.pgCtl, [
      'stop',
      '-D',
      cluster,
      '-m',
      mode,
      '-w',
      '-t',
      String(seconds),
    ])
    if (code === 0) return
  }
}

function run(
  programs: PostgresPrograms,
  program: string,
  args: string[],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...programs.user,
      cwd: '/',
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.once('error', (err) => reject(new StartupError(`${program} cannot be run: ${err.message}`)))
    child.once('close', (code) => resolve({ code, output }))
  })
}

const lastLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .findLast((line) => /error|fatal|panic|could not/i.test(line)) ??
  text.trim().split('\n').at(-1) ??
  ''

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
