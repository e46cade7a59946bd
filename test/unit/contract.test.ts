// The check that every HTTP answer of the tests goes through finds what is not as Hydra's documents say.
import { describe, expect, it } from 'vitest'
import { type Answer, checkAnswer } from '../support/contract/check.js'
import { additions, corrections, unseen } from '../support/contract/deviations.js'
import { operations } from '../support/contract/documents.js'

const session: Answer = {
  port: 'admin',
  method: 'GET',
  path: '/admin/oauth2/auth/requests/logout',
  status: 200,
  contentType: 'application/json; charset=utf-8',
  body: '{"challenge":"c","rp_initiated":true,"requested_at":"2026-01-02T03:04:05Z"}',
}

const violationsOf = (changes: Partial<Answer>) => checkAnswer({ ...session, ...changes }).violations.join('\n')

describe('an answer', () => {
  it('as documented is none', () => {
    expect(checkAnswer(session)).toEqual({ seen: ['v26.2 getOAuth2LogoutRequest 200'], violations: [] })
  })

  it('of an operation that both documents have is held against both', () => {
    const { seen } = checkAnswer({ ...session, port: 'public', path: '/.well-known/jwks.json', body: '{"keys":[]}' })
    expect(seen).toEqual(['v26.2 discoverJsonWebKeys 200', 'v1.10.7 wellKnown 200'])
  })

  it.each([
    ['a member of another type', { body: '{"rp_initiated":"yes"}' }, '/rp_initiated must be boolean'],
    ['a time that is none', { body: '{"requested_at":"yesterday"}' }, '/requested_at must match format "date-time"'],
    ['no JSON', { body: '{' }, 'the body must be object'],
    ['another content type', { contentType: 'text/html' }, "documents application/json, not 'text/html'"],
    ['no body', { contentType: '', body: '' }, "documents application/json, not ''"],
    ['a body where there is none', { method: 'DELETE', path: '/admin/clients/a', status: 204 }, 'documents no body'],
    ['an error of another form', { status: 404, body: '{"error":{"code":404}}' }, '/error must be string'],
    ['a required member that is missing', { path: '/admin/oauth2/auth/requests/login', body: '{}' }, 'challenge'],
    ['a status that v1 does not have', { path: '/oauth2/auth/requests/logout', status: 202 }, 'no such status'],
    ['a 410 that leads nowhere', { path: '/oauth2/auth/requests/login', status: 410, body: '{}' }, 'redirect_to'],
  ])('%s is found', (_name, changes, expected) => {
    expect(violationsOf(changes)).toContain(expected)
  })

  it('at an address that is not documented is nobody’s', () => {
    expect(checkAnswer({ ...session, port: 'public' })).toEqual({ seen: [], violations: [] })
  })
})

describe('the table of deviations', () => {
  it('names operations that there are, and has a reason for each', () => {
    const ids = new Set(operations.map(({ id }) => id))
    for (const { operations: named = [] } of additions) for (const id of named) expect(ids, id).toContain(id)
    for (const { reason } of [...additions, ...corrections]) expect(reason).not.toBe('')
    for (const [document, reasons] of Object.entries(unseen))
      for (const [place, reason] of Object.entries(reasons)) {
        expect(reason).not.toBe('')
        const own = operations.filter((operation) => operation.document === document)
        const [id = '', status = id] = place.split(' ')
        const isThere = own.some(
          (each) => each.id === id || (/^\d/.test(id) && each.answers.some((answer) => answer.status === status)),
        )
        expect(isThere, place).toBe(true)
      }
  })
})
