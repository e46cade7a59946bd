// When a remembered login will do, and that what came of it is as fresh as was asked for (OpenID Connect Core 3.1.2).
import { describe, expect, it } from 'vitest'
import { Client } from '#proto/client/v1/client_service.js'
import { ClientSubjects } from '../../services/consent/client_subjects.js'
import { checkFreshness, reusableLogin } from '../../services/consent/login_requirement.js'

const now = 1_800_000_000
const session = { id: 's', subject: 'alice', authenticatedAtMs: (now - 100) * 1_000 + 999, acr: '', amr: [] }
const client = Client.create()
const subjects = new ClientSubjects('')
const request = { client, prompt: [] as string[], maxAge: undefined, idTokenHint: undefined }

describe('reusableLogin', () => {
  it.each([
    ['nothing is asked', {}, true],
    ['max_age is just kept', { maxAge: 100 }, true],
    ['max_age is just passed', { maxAge: 99 }, false],
    ['max_age=0', { maxAge: 0 }, false],
    ['prompt=none', { prompt: ['none'] }, true],
    ['prompt=consent', { prompt: ['consent'] }, true],
    ['prompt=login', { prompt: ['login'] }, false],
    ['prompt=select_account', { prompt: ['select_account'] }, false],
  ])('%s', (_, asked, isReused) => {
    expect(reusableLogin({ ...request, ...asked }, session, now, subjects)).toBe(isReused ? session : undefined)
  })

  it('max_age=0 holds within the same second', () => {
    const fresh = { ...session, authenticatedAtMs: now * 1_000 }
    expect(reusableLogin({ ...request, maxAge: 0 }, fresh, now, subjects)).toBeUndefined()
  })
})

describe('BR-19: checkFreshness', () => {
  const check = (asked: object, authenticatedAt: number) => () =>
    checkFreshness({ ...request, ...asked }, { authenticatedAtMs: authenticatedAt * 1_000 + 999 }, now)

  it.each([
    ['prompt=login', { prompt: ['login'] }, now, now - 1],
    ['prompt=select_account', { prompt: ['select_account'] }, now, now - 1],
    ['max_age=0', { maxAge: 0 }, now, now - 1],
    ['max_age=60', { maxAge: 60 }, now - 60, now - 61],
  ])('%s', (_, asked, good, bad) => {
    expect(check(asked, good)).not.toThrow()
    expect(check(asked, bad)).toThrow('login_required')
  })

  it('whatever its age, where nothing is asked', () => {
    expect(check({}, 0)).not.toThrow()
  })
})
