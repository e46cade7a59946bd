// Requests to addresses that others name: SS-01 to SS-04 and SS-10 of the security cases.
import type { IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Outbound, OutboundError } from '../../services/kit/outbound.js'
import { type Answer, type Party, startParty } from '../support/party.js'

const guarded = new Outbound({ disallowPrivateIpRanges: true, privateIpExceptionUrls: [] })
setFlagsFromString('--expose_gc')
const collectGarbage: () => void = runInNewContext('gc')
let server: Party
let origin: string
let seen: IncomingMessage[] = []
let answer: Answer

beforeAll(async () => {
  server = await startParty((request, response) => {
    seen.push(request)
    return answer(request, response)
  })
  origin = server.origin
})
afterAll(() => server.close())

const excepted = () => new Outbound({ disallowPrivateIpRanges: true, privateIpExceptionUrls: [`${origin}/*`] })

describe('SS-01: addresses that are not public', () => {
  const hosts = [
    ...[
      '127.0.0.1',
      '127.1',
      '0x7f.1',
      '2130706433',
      '0177.0.0.1',
      'localhost',
      'a.localhost',
      '0.0.0.0',
      '[::1]',
      '[::]',
    ],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '10.0.0.1', '172.16.0.1', '192.168.0.1', '169.254.169.254'],
    ...['100.64.0.1', '100.100.100.200', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '[fc00::1]'],
    ...[
      '[fd00:ec2::254]',
      '[fe80::1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      'metadata.google.internal',
      '127.0.0.1.',
    ],
  ]
  it.each(hosts)('%s is refused before anything is sent', async (host) => {
    const { port } = new URL(origin)
    seen = []
    const url = `http://${host}:${port}/`
    expect(guarded.mayCall(url)).toBe(false)
    await expect(guarded.call(url)).rejects.toThrow('the address could not be called')
    expect(seen).toEqual([])
  })

  const others = ['ftp://a.example/', 'file:///etc/passwd', 'gopher://a.example', 'data:,x', 'https://u:p@a.example/']
  it.each([
    ...others,
    'not a url',
    'http://a.example/\r\nx: y',
    'http:\\\\a.example',
    `https://a.example/${'x'.repeat(3_000)}`,
  ])('%j is refused', (url) => {
    expect(guarded.mayCall(url)).toBe(false)
  })

  it('what is public may be called', () => {
    for (const url of ['https://keys.example.com/jwks.json', 'https://93.184.216.34/', 'https://[2606:4700::1111]/'])
      expect(guarded.mayCall(url)).toBe(true)
  })

  it('SS-02: a name that leads to a private address is refused by the very lookup that the connection uses', async () => {
    const { port } = new URL(origin)
    seen = []
    await expect(guarded.call(`http://${(await import('node:os')).hostname()}:${port}/`)).rejects.toThrow(OutboundError)
    expect(seen).toEqual([])
  })
})

describe('what comes back', () => {
  it('SS-10: the request carries nothing of this server', async () => {
    answer = (_, response) => response.end('{}')
    seen = []
    expect(await excepted().call(`${origin}/x`)).toMatchObject({ status: 200, body: Buffer.from('{}') })
    const names = Object.keys(seen[0]?.headers ?? {}).sort()
    expect(names).toEqual(['accept', 'connection', 'host', 'user-agent'])
    expect(seen[0]?.headers.accept).toBe('application/json')
  })

  it('SS-03: a redirect is an answer, and nothing more', async () => {
    answer = (_, response) => response.writeHead(302, { location: `${origin}/elsewhere` }).end()
    seen = []
    expect((await excepted().call(`${origin}/x`)).status).toBe(302)
    expect(seen).toHaveLength(1)
  })

  it('SS-04: too much, too slow, compressed', async () => {
    answer = (_, response) => response.end(Buffer.alloc(70_000))
    await expect(excepted().call(`${origin}/x`)).rejects.toThrow(OutboundError)
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
    await expect(excepted().call(`${origin}/x`)).rejects.toThrow(OutboundError)
    answer = (_, response) => response.write('{')
    await expect(excepted().call(`${origin}/x`, { timeoutMs: 100 })).rejects.toThrow(OutboundError)
    answer = () => undefined
    await expect(excepted().call(`${origin}/x`, { timeoutMs: 100 })).rejects.toThrow(OutboundError)
  })

  it('SS-04, RFC 9110 7.8: one that wants to switch protocols has not answered', async () => {
    answer = ({ socket }) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n')
    await expect(excepted().call(`${origin}/x`)).rejects.toThrow(OutboundError)
  })

  it('what takes too long is given up even where memory was collected meanwhile', async () => {
    answer = () => collectGarbage()
    const { signal } = new AbortController()
    await expect(excepted().call(`${origin}/x`, { timeoutMs: 100, signal })).rejects.toThrow(OutboundError)
  })

  it('what is given up by the caller ends at once', async () => {
    const caller = new AbortController()
    answer = () => caller.abort()
    await expect(excepted().call(`${origin}/x`, { signal: caller.signal })).rejects.toThrow(OutboundError)
    await expect(excepted().call(`${origin}/x`, { signal: caller.signal })).rejects.toThrow(OutboundError)
  })

  it('an exception is for the URLs that it names', () => {
    expect(excepted().mayCall(`${origin}/x`)).toBe(true)
    expect(excepted().mayCall(`${origin}.evil.example/x`)).toBe(false)
    expect(excepted().mayCall('http://127.0.0.1:1/x')).toBe(false)
  })
})
