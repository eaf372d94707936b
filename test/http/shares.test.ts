/** How what a process holds is shared among those whom it works for. */
import { expect, it } from 'vitest'
import { createShares, holding } from '../../src/http/shares.ts'

it('one owner has half of all at most, and all of them together have all', () => {
  const places = createShares(4)
  places.hold('a', 1)
  places.hold('a', 1)
  expect([places.fullFor('a', 1), places.fullFor('b', 1)]).toEqual(['owner', undefined])
  places.hold('b', 1)
  const last = places.hold('c', 1)
  expect(places.fullFor('d', 1)).toBe('all')
  last.release()
  expect([places.fullFor('d', 1), places.total()]).toEqual([undefined, 3])
})

it('a first amount is taken however large it is, and counts as what it turned out to be', () => {
  const bytes = createShares(100)
  expect(bytes.fullFor('a', 1_000)).toBeUndefined()
  const body = bytes.hold('a', 1_000)
  expect([bytes.fullFor('a', 1), bytes.fullFor('b', 1)]).toEqual(['all', 'all'])
  body.resize(10)
  expect([bytes.fullFor('a', 40), bytes.fullFor('a', 41), bytes.fullFor('b', 90)]).toEqual([
    undefined,
    'owner',
    undefined,
  ])
})

it('a place is given back when the work ends, however it ends', async () => {
  const places = createShares(2)
  await holding(places, 'a', async () => expect(places.fullFor('a', 1)).toBe('owner'))
  await expect(holding(places, 'a', async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect([places.total(), places.fullFor('a', 1)]).toEqual([0, undefined])
})
