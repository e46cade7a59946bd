// RL-26: certificates of each listener are taken up when their files change, without a request that fails.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { credentials } from '@grpc/grpc-js'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { WireChannel } from '../../services/kit/rpc/wire.js'
import { Authority, hasOpenssl } from '../support/certificates.js'
import { type ConfiguredProgram, startConfigured } from '../support/configured_program.js'

const urls = { login: 'http://127.0.0.1:3000/login' }

describe.skipIf(!hasOpenssl)('certificates', { timeout: 90_000, meta: { needs: 'openssl' } }, () => {
  const authority = hasOpenssl ? new Authority() : undefined
  afterAll(() => authority?.remove())
  let server: ConfiguredProgram | undefined
  afterEach(() => server?.stop())

  const ca = () => readFileSync(authority?.ca ?? '')
  const portOf = (url: string) => Number(new URL(url).port)

  const nameAt = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', ca: ca() }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      })
      socket.once('error', reject)
    })

  /** The status of an answer, or why there is none. */
  const statusOf = (port: number, agent: Agent): Promise<unknown> =>
    new Promise((resolve) => {
      const sent = get({ port, host: '127.0.0.1', path: '/health/ready', agent, ca: ca() }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode))
      })
      sent.once('error', resolve)
    })

  /** Asks all the time, over connections that stay, that do not, and over gRPC; `stop` tells what went wrong. */
  function traffic(ports: readonly number[], grpcAddress: string) {
    const kept = new Agent({ keepAlive: true })
    const channel = new WireChannel(grpcAddress, credentials.createSsl(ca()), '')
    const failures: unknown[] = []
    let isOn = true
    const repeat = async (ask: () => Promise<unknown>, good: unknown) => {
      while (isOn) {
        const answer = await ask()
        if (answer !== good) failures.push(answer)
      }
    }
    const workers = [
      ...ports.map((port) => repeat(() => statusOf(port, kept), 200)),
      ...ports.map((port) => repeat(() => statusOf(port, new Agent({ keepAlive: false })), 200)),
      repeat(() => channel.isServing(), true),
    ]
    return {
      stop: async () => {
        isOn = false
        await Promise.all(workers)
        kept.destroy()
        channel.close()
        return failures
      },
    }
  }

  it('RL-26: of the public, the admin and the gRPC port change without a failed request', async () => {
    const [first, second] = [authority?.issue('first'), authority?.issue('second')]
    if (!first || !second) throw new Error('no certificates')
    const base64 = (path: string) => readFileSync(path).toString('base64')
    const inline = { cert: { base64: base64(first.cert) }, key: { base64: base64(first.key) } }
    const running = await startConfigured({ urls, serve: { admin: { tls: inline } } })
    server = running
    expect(await nameAt(portOf(running.suite.adminUrl))).toBe('first')
    await running.stop()
    server = undefined

    const { folder, ...again } = await startWithFiles(first)
    const { publicUrl, adminUrl, grpcAddress } = again.suite
    const ports = [publicUrl, adminUrl].map(portOf)
    const grpcPort = Number(grpcAddress.split(':').at(-1))
    const names = () => Promise.all([...ports, grpcPort].map(nameAt))
    expect(await names()).toEqual(['first', 'first', 'first'])
    const load = traffic(ports, grpcAddress)

    copyFileSync(second.key, join(folder, 'key.pem'))
    copyFileSync(second.cert, join(folder, 'cert.pem'))
    await again.nextLog(/the certificates were read again/)
    expect(await names()).toEqual(['second', 'second', 'second'])

    writeFileSync(join(folder, 'cert.pem'), 'no certificate')
    await again.nextLog(/the certificates could not be read again, those before stay in use: /)
    expect(await names()).toEqual(['second', 'second', 'second'])
    // A key that does not belong to the certificate is no better.
    copyFileSync(first.cert, join(folder, 'cert.pem'))
    await again.nextLog(/the certificates could not be read again, those before stay in use: /)
    expect(await names()).toEqual(['second', 'second', 'second'])
    copyFileSync(first.key, join(folder, 'key.pem'))
    await again.nextLog(/the certificates were read again/)
    expect(await names()).toEqual(['first', 'first', 'first'])
    expect(await load.stop()).toEqual([])
  })

  /** All listeners with one certificate, whose files are the test's own. */
  async function startWithFiles(of: { cert: string; key: string }): Promise<ConfiguredProgram> {
    const folder = join(of.cert, '..', 'served')
    mkdirSync(folder, { recursive: true })
    copyFileSync(of.key, join(folder, 'key.pem'))
    copyFileSync(of.cert, join(folder, 'cert.pem'))
    const tls = { cert: { path: join(folder, 'cert.pem') }, key: { path: join(folder, 'key.pem') } }
    server = await startConfigured({ urls, serve: { tls, grpc: { tls } } })
    return { ...server, folder }
  }
})
