// How the gateway begins, waits and ends.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../support/fake_services.js'
import '../support/quiet.js'

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
    const closed = server.close()
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

describe('listening', () => {
  it('a port that is taken is an error of listen()', async () => {
    const server = await startGateway()
    const { port } = new URL(server.publicUrl)
    await expect(startGateway({}, { serve: { public: { port: Number(port) } } })).rejects.toThrow(/EADDRINUSE/)
    await server.close()
  })
})
