// Work in batches: when it is done, and what ends it.
import { describe, expect, it } from 'vitest'
import { inBatches } from '../../services/kit/repeat.js'

const never = new AbortController().signal

/** Batches that find so many, one after the other; then none. */
const finding = (...counts: number[]) => {
  const batches = { done: 0, work: async () => counts[batches.done++] ?? 0 }
  return batches
}

describe('work in batches', () => {
  it.each([
    ['in the background', false],
    ['while a caller waits', true],
  ])('is done with the first that is not full: %s', async (_, isAwaited) => {
    const batches = finding(5, 5, 2, 5)
    expect(await inBatches({ size: 5, signal: never, isAwaited }, batches.work)).toEqual({ found: 12, isAll: true })
    expect(batches.done).toBe(3)
  })

  it('goes on while something is left that others held', async () => {
    const left = [true, true, false]
    const batches = finding(5, 2, 0, 1)
    const isAnyLeft = async () => left.shift() ?? false
    expect(await inBatches({ size: 5, signal: never, isAnyLeft }, batches.work)).toEqual({ found: 8, isAll: true })
    expect(batches.done).toBe(4)
  })

  it('ends after the batch in which it is told to, and says that some are left', async () => {
    const controller = new AbortController()
    const work = async () => {
      controller.abort()
      return 5
    }
    expect(await inBatches({ size: 5, signal: controller.signal }, work)).toEqual({ found: 5, isAll: false })
  })

  it('ends with the failure of a batch', async () => {
    const failing = inBatches({ size: 5, signal: never }, () => Promise.reject(new Error('no batch')))
    await expect(failing).rejects.toThrow('no batch')
  })
})
