/** Whose request is next, by a clock and a loop that the test turns by hand. */
import { describe, expect, it } from 'vitest'
import { createTurns } from '../../src/http/turns.ts'

function loopOf(limits: Partial<Parameters<typeof createTurns>[0]> = {}) {
  let now = 0
  const deferred: (() => void)[] = []
  const turns = createTurns(
    { turnMaxMs: 2, perTurnMax: 3, waitingMax: 4, ...limits },
    () => now,
    (work) => deferred.push(work),
  )
  const done: string[] = []
  return {
    done,
    /** A request that takes as long. */
    take: (caller: string, ms = 1) =>
      turns.take(caller, () => {
        now += ms
        done.push(caller)
      }),
    /** The loop comes to what was deferred; answers what was done by it. */
    turn() {
      const before = done.length
      for (const work of deferred.splice(0)) work()
      return done.slice(before)
    },
    isIdle: () => deferred.length === 0,
  }
}

describe('requests', () => {
  it('are begun at once while a turn of the loop has time', () => {
    const { take, done, turn, isIdle } = loopOf()
    for (let n = 0; n < 2; n++) expect(take('acme')).toBe(true)
    expect(done).toHaveLength(2)
    expect([turn(), isIdle()]).toStrictEqual([[], true])
    take('acme')
    expect(done).toHaveLength(3)
  })

  it('takes one of each caller in turn, whatever the others have waiting', () => {
    const { take, turn, isIdle } = loopOf()
    take('flood', 5)
    for (let n = 0; n < 4; n++) take('flood', 0.1)
    take('one', 0.1)
    take('other', 0.1)
    // Nobody overtakes by coming where there is time again.
    expect(turn()).toStrictEqual(['flood', 'one', 'other'])
    take('one', 0.1)
    expect(turn()).toStrictEqual(['flood', 'one', 'flood'])
    expect(turn()).toStrictEqual(['flood'])
    turn()
    expect(isIdle()).toBe(true)
  })

  it('end a turn by their time too, of which one is always begun', () => {
    const { take, turn } = loopOf()
    take('flood', 5)
    for (let n = 0; n < 3; n++) take('flood', 2)
    expect([turn(), turn(), turn()]).toStrictEqual([['flood'], ['flood'], ['flood']])
  })

  it('refuses what one caller has waiting beyond its bound', () => {
    const { take, turn } = loopOf({ waitingMax: 2 })
    take('flood', 5)
    expect([take('flood'), take('flood'), take('flood'), take('other')]).toStrictEqual([true, true, false, true])
    turn()
    expect(take('flood')).toBe(true)
  })
})
