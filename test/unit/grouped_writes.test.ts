// Writes travel grouped, in order for each key, and one bad item does not fail its neighbours.
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GroupedWrites } from '../../services/kit/grouped_writes.js'
import { OAuthError } from '../../services/kit/oauth_error.js'

/** A store whose statements end when the test says so. */
function heldStore() {
  const batches: number[][] = []
  const ends: ((failure?: unknown) => void)[] = []
  const write = (items: readonly number[]) =>
    new Promise<number[]>((resolve, reject) => {
      batches.push([...items])
      ends.push((failure) => (failure ? reject(failure) : resolve(items.map((item) => item * 10))))
    })
  return { batches, ends, write }
}

/** More turns of the event loop than a batch gathers for. */
async function settled(): Promise<void> {
  for (let count = 0; count < 20; count++) await turn()
}

describe('GroupedWrites', () => {
  it('writes together what arrives in one turn, and what arrives while that is in flight', async () => {
    const { batches, ends, write } = heldStore()
    const writes = new GroupedWrites({ write, keyOf: String, concurrency: 1 })
    const results = [1, 2].map((item) => writes.add(item))
    await settled()
    expect(batches).toEqual([[1, 2]])
    results.push(...[3, 4].map((item) => writes.add(item)))
    await settled()
    expect(batches).toEqual([[1, 2]])
    ends[0]?.()
    await settled()
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ])
    ends[1]?.()
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40])
  })

  it('writes together what arrives in the next turns', async () => {
    const { batches, ends, write } = heldStore()
    const writes = new GroupedWrites({ write, keyOf: String })
    const results = [writes.add(1)]
    await turn()
    await turn()
    results.push(writes.add(2))
    await settled()
    expect(batches).toEqual([[1, 2]])
    ends[0]?.()
    expect(await Promise.all(results)).toEqual([10, 20])
  })

  it('never has one key twice in flight', async () => {
    const { batches, ends, write } = heldStore()
    const writes = new GroupedWrites({ write, keyOf: () => 'the same row', concurrency: 4 })
    const results = [1, 2].map((item) => writes.add(item))
    await settled()
    expect(batches).toEqual([[1]])
    ends[0]?.()
    await settled()
    expect(batches).toEqual([[1], [2]])
    ends[1]?.()
    await Promise.all(results)
  })

  it('after an error of the statement, each item is written alone', async () => {
    const bad = new Error('23505')
    const write = async (items: readonly number[]) => {
      if (items.includes(2)) throw bad
      return items.map((item) => item * 10)
    }
    const writes = new GroupedWrites({ write, keyOf: String, concurrency: 1 })
    const results = await Promise.allSettled([1, 2, 3].map((item) => writes.add(item)))
    expect(results).toEqual([
      { status: 'fulfilled', value: 10 },
      { status: 'rejected', reason: bad },
      { status: 'fulfilled', value: 30 },
    ])
  })

  it('RL-04: after an outage nothing is written again, since it may have been', async () => {
    const { batches, ends, write } = heldStore()
    const writes = new GroupedWrites({ write, keyOf: String, concurrency: 1 })
    const first = writes.add(1)
    await settled()
    const results = Promise.allSettled([first, writes.add(2), writes.add(3)])
    ends[0]?.()
    await settled()
    ends[1]?.(new OAuthError('temporarily_unavailable'))
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(batches).toHaveLength(2)
  })
})
