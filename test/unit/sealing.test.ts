// Sealing: separate purposes, rotated secrets, exactly one spelling.
import { describe, expect, it } from 'vitest'
import { newTimedId, timeOfId, uuidFromBytes, uuidToBytes } from '../../services/kit/random.js'
import { decodeBase64url, Sealer } from '../../services/kit/sealing.js'

const secret = 'a secret of more than sixteen characters'
const text = Buffer.from('what nobody else may read')

describe('Sealer', () => {
  it('opens what it sealed, in another process too', () => {
    const sealed = new Sealer([secret]).seal('login challenge', text)
    expect(new Sealer([secret]).open('login challenge', sealed)).toEqual(text)
    expect(sealed.length).toBe(text.length + 38)
  })

  it('BR-06: nothing sealed for one purpose opens for another', () => {
    const sealer = new Sealer([secret])
    expect(sealer.open('login verifier', sealer.seal('login challenge', text))).toBeUndefined()
  })

  it('CO-07: every changed byte, every truncation is refused', () => {
    const sealer = new Sealer([secret])
    const sealed = sealer.seal('login challenge', text)
    for (let index = 0; index < sealed.length; index++) {
      const tampered = Buffer.from(sealed)
      tampered[index] = (tampered[index] ?? 0) ^ 1
      expect(sealer.open('login challenge', tampered)).toBeUndefined()
      expect(sealer.open('login challenge', sealed.subarray(0, index))).toBeUndefined()
    }
  })

  it('BF-09: after a rotation the old secret still opens and the new one seals', () => {
    const old = new Sealer([secret])
    const rotated = new Sealer(['the new secret of the system', secret])
    expect(rotated.open('x', old.seal('x', text))).toEqual(text)
    expect(old.open('x', rotated.seal('x', text))).toBeUndefined()
    expect(rotated.verifyMac('x', text, old.mac('x', text))).toBe(true)
    expect(old.verifyMac('x', text, rotated.mac('x', text))).toBe(false)
  })

  it('never uses a nonce twice', () => {
    const sealer = new Sealer([secret])
    const heads = new Set(Array.from({ length: 10_000 }, () => sealer.seal('x', text).subarray(0, 22).toString('hex')))
    expect(heads.size).toBe(10_000)
  })

  it('BF-09: takes up other secrets: the first seals, those that stay open, those that went do not', () => {
    const sealer = new Sealer([secret])
    const [sealed, mac] = [sealer.seal('x', text), sealer.mac('x', text)]
    expect(sealer.open('x', sealed)).toEqual(text)
    sealer.replaceSecrets([`${secret} again`, secret])
    expect(sealer.open('x', sealed)).toEqual(text)
    expect(sealer.verifyMac('x', text, mac)).toBe(true)
    const later = sealer.seal('x', text)
    expect(new Sealer([secret]).open('x', later)).toBeUndefined()
    sealer.replaceSecrets([`${secret} again`])
    expect(sealer.open('x', sealed)).toBeUndefined()
    expect(sealer.verifyMac('x', text, mac)).toBe(false)
    expect(sealer.open('x', later)).toEqual(text)
  })

  it('codes differ by purpose and data', () => {
    const sealer = new Sealer([secret])
    expect(sealer.mac('x', text)).not.toEqual(sealer.mac('y', text))
    expect(sealer.verifyMac('x', Buffer.from('other'), sealer.mac('x', text))).toBe(false)
    expect(sealer.verifyMac('x', text, Buffer.alloc(3))).toBe(false)
  })
})

describe('decodeBase64url', () => {
  it('JW-11: refuses padding, the standard alphabet, whitespace and spare bits', () => {
    expect(decodeBase64url('-_8')).toEqual(Buffer.from([0xfb, 0xff]))
    for (const other of ['-_8=', '+/8', '-_8 ', '-_9', '-_8\n', '-_8A=']) expect(decodeBase64url(other)).toBeUndefined()
  })
})

describe('ids', () => {
  it('RFC 9562 5.7: a timed id carries its time, its version and its variant', () => {
    const id = newTimedId(1_700_000_000_123)
    expect(timeOfId(id)).toBe(1_700_000_000_123)
    expect(uuidFromBytes(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(uuidToBytes(uuidFromBytes(id))).toEqual(id)
  })
})
