/** A map in parts has what a map has, and earlier ones stay as they were. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PartedMap } from '../../src/runtime/parted-map.ts'

const change = fc.record({ key: fc.string({ minLength: 1, maxLength: 2 }), value: fc.option(fc.nat()) })

it('holds what a map holds after the same changes, and no change alters an earlier one', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const plain = new Map<string, number>()
      let parted = new PartedMap<number>()
      const earlier: { parted: PartedMap<number>; entries: Record<string, number> }[] = []
      for (const { key, value } of changes) {
        earlier.push({ parted, entries: Object.fromEntries(plain) })
        if (value === null) plain.delete(key)
        else plain.set(key, value)
        parted = value === null ? parted.without(key) : parted.with(key, value)
        expect([parted.has(key), parted.get(key)]).toStrictEqual([plain.has(key), plain.get(key)])
        expect(parted.size).toBe(plain.size)
      }
      expect(Object.fromEntries(parted)).toStrictEqual(Object.fromEntries(plain))
      expect([...parted.values()].toSorted()).toStrictEqual([...plain.values()].toSorted())
      for (const each of earlier) expect(Object.fromEntries(each.parted)).toStrictEqual(each.entries)
    }),
  )
})

it('copies a small part for a change of one among many', () => {
  let map = new PartedMap<number>()
  for (let n = 0; n < 16_000; n++) map = map.with(n.toString(16), n)
  const copied = Object.values((map as unknown as { parts: Record<string, Map<string, number>> }).parts)
  expect(Math.max(...copied.map(({ size }) => size))).toBeLessThanOrEqual(1_000)
})
