/** What calls hold of a process, and how it is shared among accounts. */
import { expect, it } from 'vitest'
import { createCallRoom } from '../../../src/http/rungate/proxy/call-room.ts'

const roomOf = (inFlightMax: number, bodiesMaxBytes: number) => {
  const figures = { inFlight: 0, bodyBytes: 0 }
  return { figures, room: createCallRoom({ inFlightMax, bodiesMaxBytes }, figures) }
}

it('an account has half of the places and half of the bytes; all of them together have all', () => {
  const { room, figures } = roomOf(6, 100)
  room.enter('a', 30)
  expect(room.lackFor('a', 20)).toBeUndefined()
  expect(room.lackFor('a', 21)).toContain('This account has too many bodies')
  room.enter('a', 20)
  room.enter('a', 0)
  expect(room.lackFor('a', 0)).toBe('This account has 3 calls under way in this process')
  room.enter('b', 40)
  expect(room.lackFor('b', 10)).toBeUndefined()
  expect(room.lackFor('c', 11)).toContain('This process has too many bodies')
  room.enter('b', 10)
  room.enter('c', 0)
  expect(room.lackFor('d', 0)).toBe('This process has 6 calls under way')
  expect(figures).toStrictEqual({ inFlight: 6, bodyBytes: 100 })
})

it('a body alone is taken however long it is', () => {
  const { room } = roomOf(4, 10)
  expect(room.lackFor('a', 11)).toBeUndefined()
  room.enter('a', 4)
  expect(room.lackFor('a', 2)).toContain('This account')
  expect(room.lackFor('b', 6)).toBeUndefined()
})

it('a body counts as what it turned out to be, and a call that has ended leaves nothing', () => {
  const { room, figures } = roomOf(4, 100)
  const calls = [room.enter('a', 50), room.enter('a', 0)]
  expect(room.lackFor('a', 0)).toBeDefined()
  calls[1]!.leave()
  expect(room.lackFor('a', 1)).toContain('bodies')
  calls[0]!.resize(3)
  expect(room.lackFor('a', 47)).toBeUndefined()
  expect(figures).toStrictEqual({ inFlight: 1, bodyBytes: 3 })
  calls[0]!.leave()
  expect(figures).toStrictEqual({ inFlight: 0, bodyBytes: 0 })
})
