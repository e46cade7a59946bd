// Authorization codes and refresh tokens as handles: what was made is read back, and nothing that was made up is.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newUuid } from '../../services/kit/random.js'
import { Sealer } from '../../services/kit/sealing.js'
import { type CodeBinding, issueCode, readCode } from '../../services/token/tokens/authorization_code.js'
import { decodeRefreshToken, encodeRefreshToken } from '../../services/token/tokens/refresh_token.js'

const sealer = new Sealer(['a secret of this test alone'])
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const binding: CodeBinding = {
  clientId: 'client',
  registrationId: newUuid(),
  redirectUri: 'https://app.test/cb',
  codeChallenge: Buffer.alloc(32, 1),
}

describe('authorization codes', () => {
  it('are read back as they were made, and are for what they are bound to', () => {
    fc.assert(
      fc.property(fc.uuid(), uint32, fc.string(), fc.string(), (grantId, expiresAt, clientId, redirectUri) => {
        const bound = { ...binding, clientId, redirectUri }
        const code = readCode(sealer, issueCode(sealer, grantId, expiresAt, bound))
        expect(code).toMatchObject({ grantId, expiresAt })
        expect(code?.isFor(bound)).toBe(true)
      }),
    )
  })

  it('CO-03, CO-06, PK-02: are for nothing else', () => {
    const code = readCode(sealer, issueCode(sealer, newUuid(), 1, binding))
    const others: Partial<CodeBinding>[] = [
      { clientId: 'client2' },
      { registrationId: newUuid() },
      { redirectUri: '' },
      { codeChallenge: Buffer.alloc(0) },
      { codeChallenge: Buffer.alloc(32, 2) },
      // What one part ends with cannot become what the next begins with.
      { clientId: `client${binding.registrationId.slice(0, 1)}`, registrationId: binding.registrationId.slice(1) },
    ]
    for (const other of others) expect(code?.isFor({ ...binding, ...other })).toBe(false)
  })

  it('hydra 4.12: stay good when a new secret is put before the old one, and end with it', () => {
    const code = issueCode(sealer, newUuid(), 1, binding)
    const rotated = new Sealer(['a new secret of this test', 'a secret of this test alone'])
    expect(readCode(rotated, code)?.isFor(binding)).toBe(true)
    expect(readCode(new Sealer(['a new secret of this test']), code)?.isFor(binding)).toBe(false)
  })

  it('hydra 1.5: have exactly one dot', () => {
    expect(issueCode(sealer, newUuid(), 1, binding).split('.')).toHaveLength(2)
  })
})

describe('refresh tokens', () => {
  it('are read back as they were made', () => {
    fc.assert(
      fc.property(fc.uuid(), uint32, uint32, (grantId, generation, clientRevision) => {
        const token = { grantId, generation, clientRevision }
        expect(decodeRefreshToken(sealer, encodeRefreshToken(sealer, token))).toEqual(token)
      }),
    )
  })

  it('CO-07: no change of a single character passes', () => {
    const token = encodeRefreshToken(sealer, { grantId: newUuid(), generation: 1, clientRevision: 1 })
    for (let index = 0; index < token.length; index++)
      for (const character of ['A', 'B', '.', '_', 'é'])
        if (token[index] !== character) {
          const changed = token.slice(0, index) + character + token.slice(index + 1)
          expect(decodeRefreshToken(sealer, changed), changed).toBeUndefined()
        }
  })

  it('CO-07: made-up texts are refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeRefreshToken(sealer, text)).toBeUndefined()
        expect(decodeRefreshToken(sealer, `tsr_rt_${text}`)).toBeUndefined()
        expect(readCode(sealer, `tsr_ac_${text}`)).toBeUndefined()
      }),
    )
  })

  it('one kind never passes for the other', () => {
    const token = encodeRefreshToken(sealer, { grantId: newUuid(), generation: 1, clientRevision: 1 })
    const code = issueCode(sealer, newUuid(), 1, binding)
    expect(readCode(sealer, token.replace('tsr_rt_', 'tsr_ac_'))).toBeUndefined()
    expect(decodeRefreshToken(sealer, code.replace('tsr_ac_', 'tsr_rt_'))).toBeUndefined()
  })
})
