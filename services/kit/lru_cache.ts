// Caches that forget what was used least recently.
import { LRUCache } from 'lru-cache'

/**
 * A cache of at most `max` entries, for `ttl` milliseconds each where that is said. It takes memory as it fills: the
 * library's own `max` sets aside room for all entries at once, 2 MB for 50,000, and most caches never fill.
 */
export const lruCache = <V extends object | string | true>(max: number, ttl?: number): LRUCache<string, V> =>
  new LRUCache({ maxSize: max, sizeCalculation: () => 1, ...(ttl === undefined ? {} : { ttl }) })
