/** About how much memory plain data holds. */
import { expect, it } from 'vitest'
import { approximateBytes } from '../../src/runtime/retained-size.ts'

const text = 'x'.repeat(10_000)

it('is most of all its texts and bytes, wherever they stand', () => {
  for (const value of [
    text,
    { a: { b: text } },
    [[text]],
    new Map([['a', text]]),
    new Map([[text, 1]]),
    new Set([text]),
    new Uint8Array(10_000),
  ]) {
    expect(approximateBytes(value)).toBeGreaterThanOrEqual(10_000)
    expect(approximateBytes(value)).toBeLessThan(10_300)
  }
})

it('is little for what is none of these, and finite for what holds itself', () => {
  for (const value of [undefined, null, 1, true, 10n, {}, new Date()]) {
    expect(approximateBytes(value)).toBeLessThan(100)
  }
  const ring: Record<string, unknown> = {}
  ring.own = ring
  expect(approximateBytes(ring)).toBeGreaterThan(100)
})

it('is estimated where there are more parts than are worth a look', () => {
  const many = Array.from({ length: 400_000 }, () => 'twelve bytes')
  expect(approximateBytes(many)).toBeGreaterThan(400_000 * 40)
  expect(approximateBytes(many)).toBeLessThan(400_000 * 50)
})
