// What user codes are made of, how they are shown and read (RFC 8628 section 6.1).
import { describe, expect, it } from 'vitest'
import { Sealer } from '../../services/kit/sealing.js'
import { tokenConfig } from '../../services/token/config.js'
import {
  hashUserCode,
  newUserCode,
  readUserCode,
  showUserCode,
  userCodeForm,
  userCodeHashes,
} from '../../services/token/user_code.js'
import { testConfig } from '../support/config.js'

const formOf = (user_code: { entropy_preset?: 'high' | 'medium' | 'low'; length?: number; character_set?: string }) =>
  userCodeForm(tokenConfig(testConfig({ oauth2: { device_authorization: { user_code } } })))

describe('RFC 8628 6.1: user codes', () => {
  it.each([
    ['high', /^[BCDFGHJKLMNPQRSTVWXZ]{5}-[BCDFGHJKLMNPQRSTVWXZ]{5}$/],
    ['medium', /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/],
    ['low', /^\d{3}-\d{3}-\d{3}$/],
  ] as const)('%s entropy', (entropy_preset, shape) => {
    const form = formOf({ entropy_preset })
    const codes = new Set(Array.from({ length: 500 }, () => newUserCode(form)))
    expect(codes.size).toBe(500)
    for (const code of codes) {
      const shown = showUserCode(code, form)
      expect(shown).toMatch(shape)
      expect(readUserCode(shown, form)).toBe(code)
      expect(readUserCode(` ${shown.toLowerCase().replaceAll('-', ' ')}`, form)).toBe(code)
    }
  })

  it('of a length and characters of their own', () => {
    const form = formOf({ length: 7, character_set: 'abcdefgh-' })
    const code = newUserCode(form)
    expect(code).toMatch(/^[a-h-]{7}$/)
    expect(showUserCode(code, form)).toBe(code)
    expect(readUserCode(code, form)).toBe(code)
    const cased = formOf({ length: 6, character_set: 'abcdefABCDEF' })
    expect(readUserCode('aBcDeF', cased)).toBe('aBcDeF')
  })

  it.each(['', 'BCDF', 'BCDFGHJKL', 'BCDF-GHJA', 'BCDF-GHJ0', 'x'.repeat(1_000)])('%s is none', (typed) => {
    expect(readUserCode(typed, formOf({}))).toBeUndefined()
  })

  it('are found after the secrets were changed', () => {
    const old = hashUserCode(new Sealer(['an old secret of the test']), 'BCDFGHJK')
    const hashes = userCodeHashes(new Sealer(['a new secret of the test', 'an old secret of the test']), 'BCDFGHJK')
    expect(hashes.some((hash) => hash.equals(old))).toBe(true)
  })
})
