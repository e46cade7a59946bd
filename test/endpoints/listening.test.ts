// How the gateway begins, waits and ends.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect, type Socket } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import type { TlsConfig } from '../../services/kit/config/config.js'
import { Authority, hasOpenssl } from '../support/certificates.js'
import { startGateway } from '../support/fake_services.js'

const issued = { accessToken: 'a', tokenType: 'bearer', expiresIn: 1, scope: '', refreshToken: '', idToken: '' }

/** A promise that the test resolves when it likes. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

const read = async (socket: Socket): Promise<string> => {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

describe('RL-11: ending', () => {
  it('finishes what is under way, says that the connection ends, and takes no more', async () => {
    const answered = gate()
    const arrived = gate()
    const server = await startGateway({
      tokens: {
        issueToken: async () => {
          arrived.open()
          await answered.opened
          return issued
        },
      },
    })
    const { port, hostname } = new URL(server.publicUrl)
    const idle = connect(Number(port), hostname)
    await once(idle, 'connect')
    const underWay = fetch(`${server.publicUrl}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'x' }),
    })
    await arrived.opened
    const closed = server.gateway.close(60_000)
    expect(server.gateway.ready).toBe(false)
    await expect(fetch(`${server.publicUrl}/health/alive`)).rejects.toThrow()
    answered.open()
    const finished = await underWay
    expect(finished.status).toBe(200)
    expect(finished.headers.get('connection')).toBe('close')
    await closed
    idle.destroy()
  })

  it('cuts what is not done in time', async () => {
    const arrived = gate()
    const server = await startGateway({
      tokens: {
        issueToken: () => {
          arrived.open()
          return new Promise(() => undefined)
        },
      },
    })
    const underWay = fetch(`${server.publicUrl}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'x' }),
    }).catch((error: Error) => error)
    await arrived.opened
    await server.gateway.close(20)
    expect(await underWay).toBeInstanceOf(Error)
  })

  it('ending twice is no error', async () => {
    const server = await startGateway()
    await Promise.all([server.close(), server.close()])
  })
})

describe('HT-05: pipelined requests', () => {
  it('are answered one after another, in order', async () => {
    const server = await startGateway()
    const { port, hostname } = new URL(server.publicUrl)
    const socket = connect(Number(port), hostname)
    const request = 'GET /health/alive HTTP/1.1\r\nHost: a\r\n'
    socket.write(`${`${request}\r\n`.repeat(999)}${request}Connection: close\r\n\r\n`)
    expect((await read(socket)).match(/HTTP\/1\.1 200/g)).toHaveLength(1_000)
    await server.close()
  })
})

describe.skipIf(!hasOpenssl)('TLS', { meta: { needs: 'openssl' } }, () => {
  const authority = hasOpenssl ? new Authority() : undefined
  afterAll(() => authority?.remove())

  /** The status of an answer, or why there is none. */
  const status = (url: string, files: Partial<TlsConfig>) =>
    new Promise<number | string>((resolve) => {
      const read = (path?: string) => (path ? readFileSync(path) : undefined)
      const options = { ca: read(authority?.ca), cert: read(files.cert), key: read(files.key), agent: false }
      const request = get(`${url}/health/alive`, options, (answer) => resolve(answer.resume().statusCode ?? 0))
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })

  it('the public port shows its certificate; the admin port asks for one where an authority is configured', async () => {
    const own = authority?.issue('server')
    const server = await startGateway(
      {},
      { serve: { public: { tls: own && { ...own, ca: '' } }, admin: { tls: own } } },
    )
    expect(server.publicUrl).toMatch(/^https:/)
    expect(await status(server.publicUrl, {})).toBe(200)
    expect(await status(server.adminUrl, {})).not.toBe(200)
    const stranger = new Authority()
    expect(await status(server.adminUrl, stranger.issue('operator'))).not.toBe(200)
    stranger.remove()
    expect(await status(server.adminUrl, authority?.issue('operator') ?? {})).toBe(200)
    await server.close()
  })
})

describe('listening', () => {
  it('a port that is taken is an error of listen()', async () => {
    const server = await startGateway()
    const { port } = new URL(server.publicUrl)
    await expect(startGateway({}, { serve: { public: { port: Number(port) } } })).rejects.toThrow(/EADDRINUSE/)
    await server.close()
  })
})
