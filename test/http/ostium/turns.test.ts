/** The work of a connection: side by side where it stands alone, one at a time where it does not, and results in order. */
import { setImmediate as soon } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTurns } from '../../../src/http/ostium/sockets/turns.ts'

function turnsOf(atOnceMax: number) {
  const [begun, results] = [[] as string[], [] as string[]]
  const ends = new Map<string, () => void>()
  const turns = createTurns<string>(atOnceMax, (result) => results.push(result))
  const add = (standsAlone: boolean) => (name: string) =>
    turns.add({
      standsAlone,
      run() {
        begun.push(name)
        return new Promise((resolve) => ends.set(name, () => resolve(name)))
      },
    })
  async function end(...names: string[]) {
    for (const name of names) ends.get(name)?.()
    await soon()
  }
  return { turns, begun, results, end, alone: add(true), inTurn: add(false) }
}

it('begins what stands alone at once, and hands results out in the order of arrival', async () => {
  const { begun, results, end, alone } = turnsOf(10)
  for (const name of ['a', 'b', 'c']) alone(name)
  expect(begun).toEqual(['a', 'b', 'c'])
  await end('c', 'b')
  expect(results).toEqual([])
  await end('a')
  expect(results).toEqual(['a', 'b', 'c'])
})

it('begins the rest when everything before it has ended, and nothing until it has ended itself', async () => {
  const { begun, results, end, alone, inTurn } = turnsOf(10)
  alone('a')
  for (const name of ['b', 'c']) inTurn(name)
  alone('d')
  expect(begun).toEqual(['a'])
  await end('a')
  expect(begun).toEqual(['a', 'b'])
  await end('b')
  expect(begun).toEqual(['a', 'b', 'c'])
  await end('c')
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
  await end('d')
  expect(results).toEqual(['a', 'b', 'c', 'd'])
})

it('has so many under way, those included that wait for one before them to be handed out', async () => {
  const { turns, begun, end, alone } = turnsOf(2)
  for (const name of ['a', 'b', 'c']) alone(name)
  await end('b')
  expect([begun, turns.waiting()]).toEqual([['a', 'b'], 1])
  await end('a')
  expect([begun, turns.waiting()]).toEqual([['a', 'b', 'c'], 0])
})

it('begins nothing more and hands out nothing more once it is stopped', async () => {
  const { turns, begun, results, end, alone, inTurn } = turnsOf(2)
  alone('a')
  inTurn('b')
  turns.stop()
  alone('c')
  await end('a')
  expect([begun, results, turns.waiting()]).toEqual([['a'], [], 0])
})
