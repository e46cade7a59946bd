// The revocations in memory: what each kind of entry ends, and that what has expired is forgotten.
import { describe, expect, it } from 'vitest'
import { type Revocation, RevocationKind } from '#proto/token/v1/revocation_service.js'
import { compactUuid, type ReceivedToken } from '../../services/introspection/received_token.js'
import { RevocationIndex } from '../../services/introspection/revocation_index.js'
import { nowMs, nowSeconds } from '../../services/kit/clock.js'
import { newTimedId, newUuid, uuidFromBytes } from '../../services/kit/random.js'

const later = nowSeconds() + 600

const entry = (kind: RevocationKind, key: string, rest: Partial<Revocation> = {}): Revocation => ({
  kind,
  key,
  notBeforeMs: 0,
  expiresAt: later,
  clientId: '',
  ...rest,
})

const tokenId = uuidFromBytes(newTimedId())
const grantId = newUuid()
const registrationId = newUuid()
const issuedAtMs = nowMs()

const token = (rest: Partial<ReceivedToken> = {}): ReceivedToken => ({
  id: compactUuid(tokenId),
  grantId: compactUuid(grantId),
  clientId: 'app',
  registrationId: compactUuid(registrationId),
  subject: 'alice',
  obfuscatedSubject: '',
  scope: '',
  audience: [],
  issuedAt: Math.floor(issuedAtMs / 1_000),
  issuedAtMs,
  notBefore: 0,
  expiresAt: later,
  extJson: Buffer.alloc(0),
  extByReference: false,
  ...rest,
})

function indexOf(...entries: Revocation[]): RevocationIndex {
  const index = new RevocationIndex()
  for (const revocation of entries) index.add(revocation)
  return index
}

describe('RevocationIndex', () => {
  it('knows a token, a grant and a registration, whenever issued, and nothing that was not named', () => {
    expect(indexOf(entry(RevocationKind.TOKEN, tokenId)).has(token())).toBe(true)
    expect(indexOf(entry(RevocationKind.GRANT, grantId)).has(token())).toBe(true)
    expect(indexOf(entry(RevocationKind.REGISTRATION, registrationId)).has(token())).toBe(true)
    const others = indexOf(entry(RevocationKind.TOKEN, newUuid()), entry(RevocationKind.GRANT, newUuid()))
    expect(others.has(token())).toBe(false)
    expect(others.has(token({ grantId: '' }))).toBe(false)
  })

  it.each([
    ['client', RevocationKind.CLIENT, 'app'],
    ['subject', RevocationKind.SUBJECT, 'alice'],
  ] as const)('takes of a %s what was issued until the moment', (_, kind, key) => {
    const index = indexOf(entry(kind, key, { notBeforeMs: issuedAtMs }))
    expect(index.has(token())).toBe(true)
    expect(index.has(token({ issuedAtMs: issuedAtMs + 1 }))).toBe(false)
    expect(index.has(token({ clientId: 'other', subject: 'bob' }))).toBe(false)
    index.add(entry(kind, key, { notBeforeMs: issuedAtMs - 1_000 }))
    expect(index.has(token()), 'an older entry takes nothing back').toBe(true)
  })

  it('AD-10: takes of a subject what one client has, and nothing that no grant of the subject gave', () => {
    const index = indexOf(entry(RevocationKind.SUBJECT, 'alice', { notBeforeMs: issuedAtMs, clientId: 'app' }))
    expect(index.has(token())).toBe(true)
    expect(index.has(token({ clientId: 'other' }))).toBe(false)
    expect(index.has(token({ subject: 'bob' }))).toBe(false)
    index.add(entry(RevocationKind.SUBJECT, 'alice', { notBeforeMs: issuedAtMs }))
    expect(index.has(token({ clientId: 'other' }))).toBe(true)
    expect(index.has(token({ grantId: '' }))).toBe(false)
  })

  it('TK-21: a client whose id is the subject of somebody is another thing', () => {
    const index = indexOf(entry(RevocationKind.CLIENT, 'alice', { notBeforeMs: issuedAtMs }))
    expect(index.has(token())).toBe(false)
  })

  it('RL-17: forgets what has expired, a little with each message', () => {
    const index = new RevocationIndex()
    const past = { expiresAt: nowSeconds() - 1 }
    for (let count = 0; count < 10_000; count++) index.add(entry(RevocationKind.TOKEN, newUuid(), past))
    index.add(entry(RevocationKind.TOKEN, tokenId))
    index.add(entry(RevocationKind.CLIENT, 'gone', past))
    index.add(entry(RevocationKind.SUBJECT, 'gone', past))
    for (let messages = 0; messages < 10; messages++) index.sweep()
    expect(index.size).toBe(1)
    expect(index.has(token())).toBe(true)
  })
})
