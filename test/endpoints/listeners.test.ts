// What the ports can be besides plain TCP: Unix sockets, and ports whose TLS ends at a proxy.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { socketPathOf } from '../../services/kit/unix_socket.js'
import { startGateway } from '../support/fake_services.js'
import { getFromSocket } from '../support/socket_request.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-sockets-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('serve.*.host: unix:', () => {
  it('listens on a socket with the owner, group and mode that serve.*.socket says, and takes it away again', async () => {
    const [open, admin] = [join(folder, 'public.sock'), join(folder, 'admin.sock')]
    const { uid, gid } = userInfo()
    const server = await startGateway(
      {},
      {
        serve: {
          public: { host: `unix:${open}`, socket: { owner: String(uid), group: String(gid), mode: 0o700 } },
          admin: { host: `unix:${admin}` },
        },
      },
    )
    expect([server.publicUrl, server.adminUrl]).toEqual([`unix:${open}`, `unix:${admin}`])
    expect(await getFromSocket(open, '/health/alive')).toBe(200)
    expect(await getFromSocket(admin, '/health/ready')).toBe(200)
    expect([modeOf(open), modeOf(admin)]).toEqual([0o700, 0o755])
    expect(statSync(open)).toMatchObject({ uid, gid })
    await server.close()
    expect(existsSync(open)).toBe(false)
  })

  it.runIf(process.getuid?.() === 0)('finds owner and group by name', async () => {
    const path = join(folder, 'named.sock')
    const name = readFileSync('/etc/passwd', 'utf8').split('\n').at(1)?.split(':') ?? []
    const group = readFileSync('/etc/group', 'utf8').split('\n').at(1)?.split(':') ?? []
    const socket = { owner: name[0] ?? '', group: group[0] ?? '', mode: 0o660 }
    const server = await startGateway({}, { serve: { public: { host: `unix:${path}`, socket } } })
    expect(statSync(path)).toMatchObject({ uid: Number(name[2]), gid: Number(group[2]) })
    await server.close()
  })

  it('names an owner that there is not', async () => {
    const host = `unix:${join(folder, 'nobody.sock')}`
    const socket = { owner: 'no-such-user', group: '', mode: 0o755 }
    await expect(startGateway({}, { serve: { public: { host, socket } } })).rejects.toThrow(
      'serve.public.socket.owner: no-such-user is not in /etc/passwd',
    )
  })

  it('takes the place of a socket that a killed process left, never of a live one or of another file', async () => {
    const stale = join(folder, 'stale.sock')
    const left = createServer()
    await new Promise<void>((resolve) => left.listen(stale, resolve))
    const alive = startGateway({}, { serve: { public: { host: `unix:${stale}` } } })
    await expect(alive).rejects.toThrow(/EADDRINUSE/)
    // Ends without removing its file, as a killed process does.
    const { renameSync } = await import('node:fs')
    renameSync(stale, `${stale}.kept`)
    await new Promise<void>((resolve) => left.close(() => resolve()))
    renameSync(`${stale}.kept`, stale)
    const server = await startGateway({}, { serve: { public: { host: `unix:${stale}` } } })
    expect(await getFromSocket(socketPathOf(server.publicUrl) ?? '', '/health/alive')).toBe(200)
    await server.close()

    const file = join(folder, 'a-file')
    writeFileSync(file, 'kept')
    await expect(startGateway({}, { serve: { public: { host: `unix:${file}` } } })).rejects.toThrow(/EADDRINUSE/)
    expect(readFileSync(file, 'utf8')).toBe('kept')
  })
})

describe('serve.*.write_listen_file', () => {
  it('holds the address once it is listened on', async () => {
    const path = join(folder, 'address')
    const server = await startGateway({}, { serve: { public: { write_listen_file: path } } })
    expect(readFileSync(path, 'utf8')).toBe(server.publicUrl)
    await server.close()
  })
})

describe('serve.*.tls.allow_termination_from', () => {
  const statusOf = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/version`, { headers })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('takes what came over TLS by way of its proxies, and health checks', async () => {
    const server = await startGateway({}, { serve: { public: { terminationFrom: ['127.0.0.0/8'] } } })
    expect(await statusOf(server.publicUrl, { 'x-forwarded-proto': 'https' })).toMatchObject({ status: 200 })
    expect(await statusOf(server.publicUrl, { 'x-forwarded-proto': 'http' })).toMatchObject({
      status: 403,
      body: { error: 'request_forbidden' },
    })
    expect(await statusOf(server.publicUrl)).toMatchObject({ status: 403 })
    expect((await fetch(`${server.publicUrl}/health/ready`)).status).toBe(200)
    expect(await statusOf(server.adminUrl)).toMatchObject({ status: 200 })
    await server.close()
  })

  it('takes nothing from elsewhere, whatever it says of itself', async () => {
    const server = await startGateway({}, { serve: { public: { terminationFrom: ['10.0.0.0/8', 'fd00::/8'] } } })
    const claims = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.1.2.3' }
    expect(await statusOf(server.publicUrl, claims)).toMatchObject({ status: 403 })
    expect((await fetch(`${server.publicUrl}/health/alive`)).status).toBe(200)
    await server.close()
  })
})
