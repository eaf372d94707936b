/** A cache of the least recently used that takes memory as it fills. */
import { expect, it } from 'vitest'
import { createLru } from '../../src/runtime/lru.ts'

it('what was used least recently makes room', () => {
  const cache = createLru<string, number>(2)
  cache.set('a', 1).set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  expect([cache.size, cache.has('a'), cache.has('b'), cache.has('c')]).toEqual([2, true, false, true])
})

it('keeps what it has for so long at most', () => {
  const cache = createLru<string, number>(2, { ttlMs: 1_000 })
  cache.set('a', 1)
  expect(cache.getRemainingTTL('a')).toBeGreaterThan(0)
  expect(cache.getRemainingTTL('a')).toBeLessThanOrEqual(1_000)
})

it('sets no memory aside for what it may hold', () => {
  const before = process.memoryUsage()
  const caches = Array.from({ length: 20 }, () => createLru<string, number>(1_000_000))
  const after = process.memoryUsage()
  const taken = (kind: 'heapUsed' | 'arrayBuffers') => after[kind] - before[kind]
  expect(caches.every(({ size }) => size === 0)).toBe(true)
  // Two lists and two tables of places would be 24 bytes for each entry.
  expect(taken('heapUsed') + taken('arrayBuffers')).toBeLessThan(20 * 1_000_000)
})
