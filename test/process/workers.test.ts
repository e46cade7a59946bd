// Several workers on one port: they answer as one server, know within a moment what one of them was told, and live and end
// with their primary.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Authority, hasOpenssl } from '../support/certificates.js'
import { type ConfiguredProgram, type Settings, startConfigured } from '../support/configured_program.js'
import { eventually } from '../support/eventually.js'
import { basicOf, isActive, logIn, refresh } from '../support/oauth.js'
import { lives } from '../support/processes.js'
import { startProgram } from '../support/program.js'
import { adminJson, createClient } from '../support/user_agent.js'
import { connectToWorkers, type WorkerConnection } from '../support/worker_connections.js'

const urls = { login: 'http://127.0.0.1:3000/login' }
const machine = { grant_types: ['client_credentials'], scope: 'read write' }
const count = 2

const start = (settings: Settings = { urls }): Promise<ConfiguredProgram> =>
  startConfigured(settings, { TESSERA_WORKERS: `${count}` })

type Client = Awaited<ReturnType<typeof createClient>>

const issueAt = (worker: WorkerConnection, client: Client, scope = 'read') =>
  worker.send('POST', '/oauth2/token', {
    headers: basicOf(client),
    form: { grant_type: 'client_credentials', scope },
  })

describe('several workers', { timeout: 90_000 }, () => {
  let server: ConfiguredProgram
  let workers: WorkerConnection[]
  let admins: WorkerConnection[]
  beforeAll(async () => {
    server = await start()
    workers = await connectToWorkers(server, server.suite.publicUrl, count)
    admins = await connectToWorkers(server, server.suite.adminUrl, count)
  }, 60_000)
  afterAll(() => server.stop())

  const first = () => workers[0] as WorkerConnection
  const everywhere = (holds: (worker: WorkerConnection) => Promise<boolean>, at = workers) =>
    eventually(async () => (await Promise.all(at.map(holds))).every(Boolean))
  const isActiveAt = async (admin: WorkerConnection, token: string) =>
    (await admin.send('POST', '/admin/oauth2/introspect', { form: { token } })).body.active

  it('answer at one port, and it is said once that all are ready', () => {
    expect(workers.map(({ pid }) => pid).toSorted()).toEqual(admins.map(({ pid }) => pid).toSorted())
    expect(workers.map(({ pid }) => pid)).not.toContain(server.program.child.pid)
    expect(server.program.stdout().match(/^ready: .*$/gm)).toHaveLength(1)
    expect(server.program.stdout()).toMatch(/^ready: public .*, admin .*, grpc .*, workers 2$/m)
  })

  it('serve one flow together, whichever of them is asked', async () => {
    const client = await createClient(server.suite)
    const { refresh_token, access_token } = await logIn(server.suite, client)
    expect(await isActive(server.suite, access_token)).toBe(true)
    expect((await refresh(server.suite, client, refresh_token)).status).toBe(200)
  })

  it('IN-03: a token revoked at one is refused by all', async () => {
    const client = await createClient(server.suite, machine)
    const token = String((await issueAt(first(), client)).body.access_token)
    for (const admin of admins) expect(await isActiveAt(admin, token)).toBe(true)
    await first().send('POST', '/oauth2/revoke', { headers: basicOf(client), form: { token } })
    await everywhere(async (admin) => (await isActiveAt(admin, token)) === false, admins)
  })

  it('a client that is changed at one is so for all: its secret, its scope, its end', async () => {
    const { suite } = server
    const old = await createClient(suite, machine)
    await everywhere(async (worker) => (await issueAt(worker, old)).status === 200)
    const path = `/clients/${old.client_id}`
    const rotated = (await (await adminJson(suite, 'POST', `${path}/secrets/rotate`)).json()) as Client
    await adminJson(suite, 'DELETE', `${path}/secrets/rotate`)
    await everywhere(async (worker) => (await issueAt(worker, rotated)).status === 200)
    await everywhere(async (worker) => (await issueAt(worker, old)).body.error === 'invalid_client')
    await adminJson(suite, 'PUT', path, { ...machine, scope: 'read more', client_secret: rotated.client_secret })
    await everywhere(async (worker) => (await issueAt(worker, rotated, 'more')).status === 200)
    await adminJson(suite, 'DELETE', path)
    await everywhere(async (worker) => (await issueAt(worker, rotated)).body.error === 'invalid_client')
  })

  it('a signing key that is added at one is published by all', async () => {
    const created = await adminJson(server.suite, 'POST', '/keys/hydra.jwt.access-token', { alg: 'ES256', use: 'sig' })
    const { keys } = (await created.json()) as { keys: { kid: string }[] }
    const kid = keys[0]?.kid
    expect(kid).toBeDefined()
    await everywhere(async (worker) => {
      const { body } = await worker.send('GET', '/.well-known/jwks.json')
      return (body.keys as { kid: string }[]).some((key) => key.kid === kid)
    })
  })

  it('RL-25: a file that changes reaches all, and is told once', async () => {
    const client = await createClient(server.suite, machine)
    server.write({ urls, ttl: { access_token: '7m' } })
    const told = /read again: changed ttl\.access_token"/
    await server.nextLog(told)
    await everywhere(async (worker) => (await issueAt(worker, client)).body.expires_in === 420)
    expect(server.program.stderr().match(new RegExp(told, 'g'))).toHaveLength(1)
  })

  it('one that is killed is replaced, and whoever asks again is answered', async () => {
    const killed = first().pid
    process.kill(killed, 'SIGKILL')
    await server.nextLog(/a worker ended \(SIGKILL\): another takes its place/)
    const isAnswered = async () => (await fetch(`${server.suite.publicUrl}/health/ready`)).status === 200
    await eventually(() => isAnswered().catch(() => false))
    await server.nextLog(/the worker in its place is ready/)
    workers = await connectToWorkers(server, server.suite.publicUrl, count)
    expect(workers.map(({ pid }) => pid)).not.toContain(killed)
    // It has what was said since the server started.
    const client = await createClient(server.suite, machine)
    await everywhere(async (worker) => (await issueAt(worker, client)).body.expires_in === 420)
  })
})

describe('the end of several workers', { timeout: 90_000 }, () => {
  let server: ConfiguredProgram | undefined
  afterEach(async () => {
    await server?.stop()
    server = undefined
  })

  it('RL-11: SIGTERM finishes what is under way and leaves no process', async () => {
    server = await start()
    const { suite, program } = server
    const client = await createClient(suite, machine)
    const workers = await connectToWorkers(server, suite.publicUrl, count)
    const body = 'grant_type=client_credentials'
    const port = Number(new URL(suite.publicUrl).port)
    const [idle, socket] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    idle.on('error', () => undefined)
    const fields = [
      'POST /oauth2/token HTTP/1.1',
      'host: a',
      `authorization: ${basicOf(client).authorization}`,
      'content-type: application/x-www-form-urlencoded',
      `content-length: ${body.length}`,
      'expect: 100-continue',
    ]
    socket.setEncoding('utf8').write(`${fields.join('\r\n')}\r\n\r\n`)
    expect((await once(socket, 'data'))[0]).toMatch(/^HTTP\/1\.1 100/)
    program.child.kill('SIGTERM')
    // A terminal tells all of them.
    for (const { pid } of workers) process.kill(pid, 'SIGINT')
    // It has begun when connections that nothing is asked on are closed.
    await once(idle.resume(), 'close')
    socket.write(body)
    const [answer] = await Promise.race([once(socket, 'data'), once(socket, 'close')])
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    socket.destroy()
    expect(await program.ended).toBe(0)
    expect(workers.map(({ pid }) => lives(pid))).toEqual([false, false])
    expect(program.stderr()).not.toMatch(/a worker ended/)
  })

  it('a primary that is killed leaves no process', async () => {
    server = await start()
    const workers = await connectToWorkers(server, server.suite.publicUrl, count)
    server.program.child.kill('SIGKILL')
    await eventually(() => workers.every(({ pid }) => !lives(pid)))
  })

  it('a port that is taken is told once', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const program = await startProgram(['serve', 'all', '--dev', '--workers', '3'], {
      DSN: 'postgres://nobody:x@127.0.0.1:1/none',
      SECRETS_SYSTEM: 'a-Secret-that-nobody-has-2-know',
      SERVE_PUBLIC_PORT: `${port}`,
      SERVE_ADMIN_PORT: '0',
      SERVE_GRPC_PORT: '0',
      URLS_LOGIN: urls.login,
    })
    expect(await program.ended).toBe(1)
    taken.close()
    expect(program.stdout()).toBe('')
    expect(program.stderr()).toBe(
      `tessera: port ${port} is taken: stop the program that listens there, or set serve.public.port (SERVE_PUBLIC_PORT) to another\n`,
    )
  })

  it.skipIf(!hasOpenssl)('workers that end again and again end the server, with the reason', async () => {
    const authority = new Authority()
    const { cert, key } = authority.issue('one')
    server = await start({ urls, serve: { admin: { tls: { cert: { path: cert }, key: { path: key } } } } })
    const { program } = server
    const workers = await connectToWorkers(server, server.suite.publicUrl, count)
    writeFileSync(cert, 'no certificate')
    await server.nextLog(/the certificates could not be read again, those before stay in use/)
    for (const { pid } of workers) process.kill(pid, 'SIGKILL')
    expect(await program.ended).toBe(1)
    expect(program.stderr()).toMatch(/\ntessera: the workers end again and again: .*PEM.*\n$/)
    authority.remove()
  })
})
