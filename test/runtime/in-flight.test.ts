import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createInFlightList } from '../../src/runtime/in-flight.ts'

it('a bag holds what was put in and not taken out, however often it is taken out', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40)), (steps) => {
      const bag = createInFlightList<number>()
      const inside = new Map<number, () => void>()
      for (const step of steps) {
        const takeOut = inside.get(step)
        if (takeOut) {
          takeOut()
          takeOut()
          inside.delete(step)
        } else {
          inside.set(step, bag.add(step))
        }
        expect(bag.items().sort()).toEqual([...inside.keys()].sort())
      }
    }),
  )
})
