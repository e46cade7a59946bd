// Caches that a feed keeps true: nothing stale is answered, nothing loaded across a change is kept.
import { describe, expect, it } from 'vitest'
import { FollowedCache } from '../../services/kit/feed.js'
import { OAuthError } from '../../services/kit/oauth_error.js'

interface Message {
  keys: string[]
  position: number
  ageMs?: number
  sentAtMs?: number
}

/** A feed that the test writes into. */
function feedOf() {
  const opened: (number | undefined)[] = []
  let push: (message: Message | Error) => void = () => undefined
  async function* open(position: number | undefined, signal: AbortSignal): AsyncGenerator<Message> {
    opened.push(position)
    const queue: (Message | Error)[] = []
    let wake: () => void = () => undefined
    push = (message) => {
      queue.push(message)
      wake()
    }
    signal.addEventListener('abort', () => wake())
    while (!signal.aborted) {
      const next = queue.shift()
      if (next instanceof Error) throw next
      if (next) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { opened, open, push: (message: Message | Error) => push(message) }
}

function cacheOn(feed: ReturnType<typeof feedOf>, load: (key: string) => Promise<{ value: number }>) {
  return new FollowedCache<{ value: number }, number, Message>({
    name: 'test',
    max: 10,
    maxStalenessMs: 10_000,
    load,
    open: feed.open,
    read: ({ keys, position, ageMs = 0, sentAtMs = 0 }) => ({ keys, position, ageMs, sentAtMs }),
  })
}

describe('FollowedCache', () => {
  it('counts the time that a message spent on its way as staleness', async () => {
    const feed = feedOf()
    const cache = cacheOn(feed, async () => ({ value: 1 }))
    cache.start()
    feed.push({ keys: [], position: 1, ageMs: 60_000, sentAtMs: 10_000 })
    await expect.poll(() => cache.stalenessMs()).toBeLessThan(61_000)
    feed.push({ keys: [], position: 2, ageMs: 0, sentAtMs: 5_000 })
    await expect.poll(() => cache.stalenessMs()).toBeLessThan(6_000)
    expect(cache.stalenessMs()).toBeGreaterThanOrEqual(4_999)
    await cache.stop()
  })

  it('RL-14: opens a feed anew that has gone silent, from where it was', async () => {
    const feed = feedOf()
    const cache = cacheOn(feed, async () => ({ value: 1 }))
    cache.start()
    feed.push({ keys: [], position: 7 })
    await expect.poll(() => feed.opened, { timeout: 10_000 }).toEqual([undefined, 7])
    await cache.stop()
  })

  it('loads once, and again after a change', async () => {
    const feed = feedOf()
    let loads = 0
    const cache = cacheOn(feed, async () => ({ value: ++loads }))
    cache.start()
    feed.push({ keys: [], position: 1 })
    await expect.poll(() => cache.stalenessMs()).toBeLessThan(10_000)
    expect((await cache.get('a')).value).toBe(1)
    expect((await cache.get('a')).value).toBe(1)
    feed.push({ keys: ['a'], position: 2 })
    await expect.poll(() => cache.peek('a')).toBeUndefined()
    expect((await cache.get('a')).value).toBe(2)
    await cache.stop()
  })

  it('answers nothing from memory before the feed has spoken', async () => {
    const feed = feedOf()
    let loads = 0
    const cache = cacheOn(feed, async () => ({ value: ++loads }))
    await cache.get('a')
    await cache.get('a')
    expect(loads).toBe(2)
  })

  it('does not keep what was being loaded while it changed', async () => {
    const feed = feedOf()
    let release: (value: { value: number }) => void = () => undefined
    let loads = 0
    const cache = cacheOn(feed, () =>
      ++loads === 1 ? new Promise((resolve) => (release = resolve)) : Promise.resolve({ value: 2 }),
    )
    cache.start()
    feed.push({ keys: [], position: 1 })
    await expect.poll(() => cache.stalenessMs()).toBeLessThan(10_000)
    const old = cache.get('a')
    await expect.poll(() => loads).toBe(1)
    cache.drop('a')
    release({ value: 1 })
    expect((await old).value).toBe(1)
    expect((await cache.get('a')).value).toBe(2)
    await cache.stop()
  })

  it('goes on from its position after a break, and begins anew when the position is lost', async () => {
    const feed = feedOf()
    const cache = cacheOn(feed, async () => ({ value: 1 }))
    cache.start()
    feed.push({ keys: [], position: 7 })
    await expect.poll(() => cache.stalenessMs()).toBeLessThan(10_000)
    feed.push(new OAuthError('temporarily_unavailable'))
    await expect.poll(() => feed.opened).toEqual([undefined, 7])
    feed.push(new OAuthError('position_lost'))
    await expect.poll(() => feed.opened).toEqual([undefined, 7, undefined])
    await cache.stop()
  })

  it('an error of the owner is thrown and not kept', async () => {
    const feed = feedOf()
    let loads = 0
    const cache = cacheOn(feed, async () => {
      if (++loads === 1) throw new OAuthError('not_found')
      return { value: 2 }
    })
    await expect(cache.get('a')).rejects.toMatchObject({ code: 'not_found' })
    expect((await cache.get('a')).value).toBe(2)
  })
})
