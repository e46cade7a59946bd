// The memory of what was decided on flows: bounded, and yet the first decision stands and a verifier is taken once.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Decisions } from '../../services/consent/decisions.js'
import { newUuid } from '../../services/kit/random.js'
import { Recent } from '../../services/kit/recent.js'

const accept = Buffer.from('accept')
const reject = Buffer.from('reject')
const answering = (text: string) => async () => text

describe('decisions', () => {
  it('the first stands; the same one again is answered the same, also while it is under way', async () => {
    const decisions = new Decisions(60)
    const on = { id: newUuid(), stage: 'login' } as const
    let answer: (text: string) => void = () => undefined
    const first = decisions.make(on, accept, () => new Promise((resolve) => (answer = resolve)))
    const again = decisions.make(on, accept, answering('other'))
    await expect(decisions.make(on, reject, answering('other'))).rejects.toMatchObject({ code: 'conflict' })
    answer('answer')
    expect(await Promise.all([first, again])).toEqual(['answer', 'answer'])
    expect(await decisions.make(on, accept, answering('other'))).toBe('answer')
    await expect(decisions.make(on, reject, answering('other'))).rejects.toMatchObject({ code: 'conflict' })
    expect(await decisions.make({ ...on, stage: 'consent' }, reject, answering('consent'))).toBe('consent')
  })

  it('one that failed was not made', async () => {
    const decisions = new Decisions(60)
    const on = { id: newUuid(), stage: 'consent' } as const
    await expect(decisions.make(on, accept, () => Promise.reject(new Error('outage')))).rejects.toThrow('outage')
    expect(await decisions.make(on, reject, answering('answer'))).toBe('answer')
  })

  it('an answer that was forgotten is given anew, and the decision still stands', async () => {
    const decisions = new Decisions(60)
    const on = { id: newUuid(), stage: 'login' } as const
    await decisions.make(on, accept, answering('first'))
    for (let count = 0; count < 70; count++)
      await decisions.make({ ...on, id: newUuid() }, accept, answering('x'.repeat(64 * 1_024)))
    expect(await decisions.make(on, accept, answering('anew'))).toBe('anew')
    await expect(decisions.make(on, reject, answering('other'))).rejects.toMatchObject({ code: 'conflict' })
  })

  it('a verifier is taken once for each stage, unless it is given back, and stays taken when the flow has ended', () => {
    const decisions = new Decisions(60)
    const [id, url] = [newUuid(), () => 'https://login.example.com']
    expect(decisions.take({ id, stage: 'login' })).toBe(true)
    expect(decisions.take({ id, stage: 'login' })).toBe(false)
    expect(decisions.take({ id, stage: 'consent' })).toBe(true)
    decisions.giveBack({ id, stage: 'consent' })
    expect(decisions.take({ id, stage: 'consent' })).toBe(true)
    decisions.checkOpen(id, url)
    decisions.end(id)
    expect(() => decisions.checkOpen(id, url)).toThrow(expect.objectContaining({ code: 'gone' }))
    expect(decisions.take({ id, stage: 'consent' })).toBe(false)
  })
})

describe('what happened of late', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('the last entries are remembered, and never more than twice as many', () => {
    const recent = new Recent<number>(100, 60_000)
    for (let index = 0; index < 1_050; index++) {
      recent.set(`${index}`, index)
      expect(recent.size).toBeLessThanOrEqual(200)
      expect(recent.get(`${Math.max(0, index - 99)}`)).toBe(Math.max(0, index - 99))
    }
    expect(recent.get('1')).toBeUndefined()
  })

  it('what is set again is as new as if it had not been there', () => {
    const recent = new Recent<string>(2, 60_000)
    for (const key of ['a', 'b', 'c']) recent.set(key, 'first')
    recent.set('a', 'second')
    for (const key of ['d', 'e']) recent.set(key, 'first')
    expect(recent.get('a')).toBe('second')
    recent.delete('a')
    expect(recent.get('a')).toBeUndefined()
  })

  it('an entry is remembered for its lifespan, and not for twice that time and more', () => {
    const recent = new Recent<number>(100, 60_000)
    recent.set('a', 1)
    vi.advanceTimersByTime(60_000)
    recent.set('b', 2)
    expect(recent.get('a')).toBe(1)
    vi.advanceTimersByTime(60_000)
    recent.set('c', 3)
    expect([recent.get('a'), recent.get('b')]).toEqual([undefined, 2])
    vi.advanceTimersByTime(120_000)
    recent.set('d', 4)
    expect(recent.size).toBe(1)
  })
})
