// RU-21: whatever is changed in a registered redirect URI, it is another one; but for the port of the loopback.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesRedirectUri } from '../../services/consent/authorization_request/redirect_uri.js'

const registered = [
  'https://app.test/cb',
  'https://app.test:8443/path/cb?tenant=1&x=%2F',
  'com.example.app:/oauth2/cb',
  'http://127.0.0.1/cb',
  'http://127.0.0.1:9000/cb?x=1',
  'http://[::1]/cb',
  'http://localhost:3000/cb',
]

/** Said again, apart from the code: the loopback's registered URI with another port. */
function isOtherPort(own: string, requested: string): boolean {
  const bare = own.replace(/^(http:\/\/(?:127\.0\.0\.1|\[::1\])):\d+/, '$1')
  const [, host = '', rest = ''] = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(.*)$/s.exec(bare) ?? []
  if (host === '' || !requested.startsWith(`${host}:`)) return false
  const [port = '', ...tail] = requested.slice(host.length + 1).split(/(?=[/?])/)
  return /^[1-9]\d*$/.test(port) && Number(port) <= 65_535 && tail.join('') === rest
}

const hosts = [
  'evil.test',
  '127.0.0.2',
  'localhost',
  '127.1',
  '2130706433',
  '0x7f.1',
  '[::ffff:127.0.0.1]',
  '127.0.0.1.',
]
const inserted = [
  '/',
  '//',
  '?',
  '#',
  '%23x',
  '\\',
  ' ',
  '\t',
  '\r\n',
  '\0',
  '@evil.test',
  ':443',
  ':0',
  ':',
  '..',
  '/../evil',
  ';x',
  '%2e%2e',
  '%252e',
  '.',
  'user:pw@',
  '\ufeff',
  '\u202e',
  '\uff0e',
  '\u0430',
  '\u0301',
  '*',
  '%0d%0aSet-Cookie:x=1',
  '+',
  '%20',
]

const mutation = (own: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.nat(own.length), fc.constantFrom(...inserted))
      .map(([at, text]) => own.slice(0, at) + text + own.slice(at)),
    fc.nat(own.length - 1).map((at) => own.slice(0, at) + own.slice(at + 1)),
    fc
      .tuple(fc.nat(own.length - 1), fc.string({ minLength: 1, maxLength: 2, unit: 'binary' }))
      .map(([at, text]) => own.slice(0, at) + text + own.slice(at + 1)),
    fc.nat(own.length - 1).map((at) => own.slice(0, at) + encode(own[at] ?? '') + own.slice(at + 1)),
    fc.nat(own.length - 1).map((at) => own.slice(0, at) + swapCase(own[at] ?? '') + own.slice(at + 1)),
    fc.constantFrom(...hosts).map((host) => own.replace(/\/\/[^/?]*/, `//${host}`)),
    fc
      .integer({ min: -1, max: 70_000 })
      .map((port) => own.replace(/^(https?:\/\/(?:\[[^\]]*\]|[^:/?]*))(:\d+)?/, `$1:${port}`)),
    fc
      .constantFrom('http:', 'https:', 'HTTP:', 'javascript:', 'data:', '')
      .map((scheme) => own.replace(/^[^:]*:/, scheme)),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
  )

const encode = (character: string): string => `%${character.charCodeAt(0).toString(16)}`
const swapCase = (character: string): string =>
  character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase()

describe('RU-21: redirect URIs', () => {
  it.each(registered)('1,000 changes of %s', (own) => {
    let changed = 0
    fc.assert(
      fc.property(mutation(own), (requested) => {
        if (requested !== own) changed++
        expect(matchesRedirectUri(own, requested), requested).toBe(requested === own || isOtherPort(own, requested))
      }),
      { numRuns: 1_000 },
    )
    expect(changed).toBeGreaterThan(500)
  })

  it('RU-13: on the loopback any port will do', () => {
    for (const host of ['127.0.0.1', '[::1]'])
      for (const port of [1, 80, 443, 8080, 49_152, 65_535]) {
        expect(matchesRedirectUri(`http://${host}/cb`, `http://${host}:${port}/cb`)).toBe(true)
        expect(matchesRedirectUri(`http://${host}:1234/cb`, `http://${host}:${port}/cb`)).toBe(true)
        expect(matchesRedirectUri(`http://${host}`, `http://${host}:${port}`)).toBe(true)
      }
  })

  it.each([
    ['http://127.0.0.1/cb', 'http://127.0.0.1:0/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:080/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:/cb'],
    ['http://127.0.0.1:80/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80/cb/'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80/c%62'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80/cb?x'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80/cb#'],
    ['http://127.0.0.1/cb', 'http://127.0.0.2:80/cb'],
    ['http://127.0.0.1/cb', 'http://[::1]:80/cb'],
    ['http://127.0.0.1/cb', 'http://localhost:80/cb'],
    ['http://localhost/cb', 'http://localhost:80/cb'],
    ['http://127.0.0.1/cb', 'http://u@127.0.0.1:80/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.test/cb'],
    ['https://127.0.0.1/cb', 'http://127.0.0.1:80/cb'],
    ['https://127.0.0.1/cb', 'https://127.0.0.1:8443/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80/cb\n'],
  ])('RU-14, RU-15: for %s not %s', (own, requested) => {
    expect(matchesRedirectUri(own, requested)).toBe(false)
  })
})
