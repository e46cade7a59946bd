// The life of a server as its operator sees it: starts, ends, kills, and what is told when it cannot start.
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../services/kit/project_root.js'
import { freePorts } from '../support/ports.js'
import { freshDatabase } from '../support/postgres.js'
import { lives } from '../support/processes.js'
import { type Program, startProgram } from '../support/program.js'

const secret = 'Zr4u7x!A%D*G-KaPdSgVkYp3s6v9yB'
let folder: string
let running: Program[] = []
let count = 0

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-process-'))
  // Run as root, PostgreSQL is another user.
  chmodSync(folder, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

afterEach(async () => {
  for (const program of running) program.child.kill('SIGTERM')
  await Promise.all(running.map((program) => program.ended))
  running = []
})

const newFolder = () => join(folder, `data${count++}`)

async function start(args: readonly string[], environment: Record<string, string> = {}): Promise<Program> {
  const program = await startProgram(args, environment)
  running.push(program)
  return program
}

async function onFreePorts(): Promise<Record<string, string>> {
  const [publicPort, adminPort, grpc, demo] = await freePorts(4)
  return {
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    SERVE_GRPC_PORT: `${grpc}`,
    SERVE_DEMO_PORT: `${demo}`,
  }
}

const statusOf = async (environment: Record<string, string>, path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${environment.SERVE_PUBLIC_PORT}${path}`)).status

/** A machine that is busy may make a server take a breath that had said that it is ready. */
const isReady = (environment: Record<string, string>) =>
  expect.poll(() => statusOf(environment, '/health/ready')).toBe(200)

async function keyIdsOf(environment: Record<string, string>): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${environment.SERVE_PUBLIC_PORT}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

const postmasterOf = (data: string): number =>
  Number(readFileSync(join(data, 'postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0])

/** The one line that a start which cannot be ends with. */
async function refusalOf(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const program = await start(args, environment)
  expect(await program.ended).toBe(1)
  expect(program.stdout()).toBe('')
  const lines = program.stderr().trim().split('\n')
  expect(lines).toHaveLength(1)
  return lines[0] ?? ''
}

describe('development mode', { timeout: 120_000 }, () => {
  it('is ready when it says so, ends in order within five seconds, and goes on where it left off', async () => {
    const data = newFolder()
    const ports = await onFreePorts()
    const first = await start(['serve', 'all', '--dev', '--data', data], ports)
    const ready = await first.until(/^ready: .*$/m)
    expect(ready).toContain(`public http://127.0.0.1:${ports.SERVE_PUBLIC_PORT}, admin http://`)
    await isReady(ports)
    const keys = await keyIdsOf(ports)
    expect(keys.length).toBeGreaterThan(1)
    const postmaster = postmasterOf(data)

    const startedAt = performance.now()
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(lives(postmaster)).toBe(false)

    const second = await start(['serve', 'all', '--dev', '--data', data], ports)
    await second.until(/^ready: /m)
    expect((await keyIdsOf(ports)).toSorted()).toEqual(keys.toSorted())
  })

  it('starts again after everything was cut off by kill -9', async () => {
    const data = newFolder()
    const ports = await onFreePorts()
    const killed = await start(['serve', 'all', '--dev', '--data', data], ports)
    await killed.until(/^ready: /m)
    const keys = await keyIdsOf(ports)
    const orphan = postmasterOf(data)
    killed.child.kill('SIGKILL')
    expect(await killed.ended).toBe('SIGKILL')
    const next = await start(['serve', 'all', '--dev', '--data', data], ports)
    await next.until(/^ready: /m)
    expect(lives(orphan)).toBe(false)
    expect((await keyIdsOf(ports)).toSorted()).toEqual(keys.toSorted())
  })

  it('runs twice side by side, and not twice on one data folder or one port', async () => {
    const data = newFolder()
    const ports = await onFreePorts()
    const others = await onFreePorts()
    const [one, two] = await Promise.all([
      start(['serve', 'all', '--dev', '--data', data], ports),
      start(['serve', 'all', '--dev', '--data', newFolder()], others),
    ])
    await Promise.all([one.until(/^ready: /m), two.until(/^ready: /m)])
    for (const each of [ports, others]) await isReady(each)

    expect(await refusalOf(['serve', 'all', '--dev', '--data', data], await onFreePorts())).toBe(
      `tessera: ${realpathSync(data)} is in use by another running instance: stop it, or choose another folder with --data`,
    )
    const samePublic = { ...(await onFreePorts()), SERVE_PUBLIC_PORT: ports.SERVE_PUBLIC_PORT ?? '' }
    expect(await refusalOf(['serve', 'all', '--dev', '--data', newFolder()], samePublic)).toBe(
      `tessera: port ${ports.SERVE_PUBLIC_PORT} is taken: stop the program that listens there, or set serve.public.port (SERVE_PUBLIC_PORT) to another`,
    )
    const sameGrpc = { ...(await onFreePorts()), SERVE_GRPC_PORT: ports.SERVE_GRPC_PORT ?? '' }
    expect(await refusalOf(['serve', 'all', '--dev', '--data', newFolder()], sameGrpc)).toMatch(
      new RegExp(`^tessera: port ${ports.SERVE_GRPC_PORT} is taken: .*serve\\.grpc\\.port`),
    )
    await isReady(ports)
  })

  it('ends at once at a second signal', async () => {
    const data = newFolder()
    const ports = await onFreePorts()
    const program = await start(['serve', 'all', '--dev', '--data', data], ports)
    await program.until(/^ready: /m)
    const postmaster = postmasterOf(data)
    // A request that never ends keeps the first signal waiting.
    const hanging = await openSocket(Number(ports.SERVE_PUBLIC_PORT))
    const type = 'content-type: application/x-www-form-urlencoded'
    hanging.write(
      `POST /oauth2/token HTTP/1.1\r\nhost: a\r\n${type}\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n`,
    )
    expect(String((await once(hanging, 'data'))[0])).toMatch(/^HTTP\/1\.1 100/)
    program.child.kill('SIGINT')
    const again = setInterval(() => program.child.kill('SIGINT'), 100)
    const code = await program.ended
    clearInterval(again)
    hanging.destroy()
    expect(code).toBe(130)
    await expect.poll(() => lives(postmaster)).toBe(false)
  })

  it('needs a folder that it can write to', async () => {
    const notFolder = newFolder()
    writeFileSync(notFolder, '')
    expect(await refusalOf(['serve', 'all', '--dev', '--data', notFolder], await onFreePorts())).toMatch(
      /^tessera: .* cannot be (made|written) \(E[A-Z]+\): choose a data folder that you can write to with --data$/,
    )
  })

  it.runIf(process.getuid?.() === 0)('runs for root, in a folder that only root can enter', async () => {
    const locked = newFolder()
    mkdirSync(locked, { mode: 0o700 })
    const ports = await onFreePorts()
    const data = join(locked, 'data')
    const program = await start(['serve', 'all', '--dev', '--data', data], ports)
    await program.until(/^ready: /m)
    program.child.kill('SIGTERM')
    expect(await program.ended).toBe(0)
    rmSync(realpathSync(join(data, 'postgres')), { recursive: true })
  })
})

describe('production', { timeout: 120_000 }, () => {
  const production = (ports: Record<string, string>, dsn: string): Record<string, string> => ({
    ...ports,
    DSN: dsn,
    SECRETS_SYSTEM: secret,
    URLS_SELF_ISSUER: `http://127.0.0.1:${ports.SERVE_PUBLIC_PORT}`,
    URLS_LOGIN: 'https://app.example.com/login',
    URLS_CONSENT: 'https://app.example.com/consent',
  })

  it('waits for its database, alive and not ready, and says so', async () => {
    const database = await freshDatabase()
    const gate = await openGate(new URL(database.dsn))
    const dsn = new URL(database.dsn)
    dsn.port = `${gate.port}`
    const ports = await onFreePorts()
    gate.shut()
    const program = await start(['serve', 'all'], production(ports, dsn.href))
    await program.until(/the database at 127\.0\.0\.1:\d+ does not answer .*trying again/)
    expect(await statusOf(ports, '/health/alive')).toBe(200)
    expect(await statusOf(ports, '/health/ready')).toBe(503)
    expect(program.stdout()).toBe('')
    gate.open()
    await program.until(/^ready: /m)
    await isReady(ports)

    gate.shut()
    await expect.poll(() => statusOf(ports, '/health/ready'), { timeout: 10_000 }).toBe(503)
    expect(await statusOf(ports, '/health/alive')).toBe(200)
    gate.open()
    await isReady(ports)
    program.child.kill('SIGTERM')
    expect(await program.ended).toBe(0)
    gate.close()
    await database.drop()
  })

  it('can be stopped while it waits', async () => {
    const [nobody] = await freePorts(1)
    const dsn = `postgres://tessera:x@127.0.0.1:${nobody}/tessera`
    const program = await start(['serve', 'all'], production(await onFreePorts(), dsn))
    await program.until(/does not answer/)
    program.child.kill('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  it('does not start on a database that lacks migrations; `tessera migrate` brings them', async () => {
    const database = await freshDatabase()
    const empty = new URL(database.dsn)
    empty.pathname = '/postgres'
    const ports = await onFreePorts()
    expect(await refusalOf(['serve', 'all'], production(ports, empty.href))).toMatch(
      /^tessera: the database lacks \d+ migrations .*run `tessera migrate` first$/,
    )
    const migrating = await start(['migrate'], { DSN: database.dsn })
    expect(await migrating.ended).toBe(0)
    expect(migrating.stdout()).toBe('the database is up to date\n')
    await database.drop()
  })

  it('tells what is missing or wrong in one line', async () => {
    const ports = await onFreePorts()
    const { SECRETS_SYSTEM: _, ...without } = production(ports, 'postgres://u:p@127.0.0.1/n')
    expect(await refusalOf(['serve', 'all'], without)).toMatch(/^tessera: secrets\.system is not set: /)
    expect(await refusalOf(['serve', 'all', '-c', '/nowhere.yml'])).toMatch(
      /^tessera: the configuration file \/nowhere\.yml/,
    )
  })

  it('refuses wrong passwords and absent databases instead of waiting', async () => {
    const database = await freshDatabase()
    const wrong = new URL(database.dsn)
    wrong.password = 'wrong'
    expect(await refusalOf(['migrate'], { DSN: wrong.href })).toMatch(
      /^tessera: the database at .* refuses the password/,
    )
    const absent = new URL(database.dsn)
    absent.pathname = '/absent'
    expect(await refusalOf(['migrate'], { DSN: absent.href })).toMatch(
      /^tessera: the database at .* has no such database/,
    )
    await database.drop()
  })
})

describe('the command line', () => {
  it('Hydra: `version` prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
    const program = await start(['version'])
    expect(await program.ended).toBe(0)
    expect(program.stdout()).toBe(`${version}\n`)
  })
})

const openSocket = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket)).once('error', reject)
    socket.on('error', () => undefined)
  })

/** A way to the database that can be shut: then nobody listens, and who was connected is cut off. */
async function openGate(target: URL) {
  const sockets = new Set<Socket>()
  let server: Server
  const listen = (port: number) => {
    server = createServer((incoming) => {
      const outgoing = connect(Number(target.port), target.hostname)
      incoming.pipe(outgoing).pipe(incoming)
      for (const socket of [incoming, outgoing]) {
        sockets.add(socket)
        socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
      }
    }).listen(port, '127.0.0.1')
  }
  const [port = 0] = await freePorts(1)
  const shut = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  listen(port)
  return { port, shut, open: () => listen(port), close: shut }
}
