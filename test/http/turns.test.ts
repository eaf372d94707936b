/** Whose request is next, by a clock and a loop that the test turns by hand. */
import { describe, expect, it } from 'vitest'
import { createTurns } from '../../src/http/turns.ts'

/** What is sent in a millisecond, as it is reckoned. */
const BYTES_PER_MS = 524_288

function loopOf(limits: Partial<Parameters<typeof createTurns>[0]> = {}) {
  let now = 10_000
  const deferred: (() => void)[] = []
  let timers: { work: () => void; atMs: number }[] = []
  const turns = createTurns(
    {
      ...{ turnMaxMs: 2, perTurnMax: 3, waitingMax: 4, unknownWaitingMax: 4 },
      ...{ unknownMaxPercent: 10, unknownSavedMs: 100, unknownRequestMs: 0, unknownConnectionMs: 0 },
      ...{ littlePercent: 5, muchPercent: 10, heldMaxMs: 10, ...limits },
    },
    {
      nowMs: () => now,
      usedMs: () => now,
      defer: (work) => deferred.push(work),
      later: (work, ms) => timers.push({ work, atMs: now + ms }),
    },
  )
  const done: string[] = []
  /** The loop comes to what was deferred; answers what was done by it. */
  const turn = () => {
    const before = done.length
    for (const work of deferred.splice(0)) {
      work()
      // What follows an await of what has just run comes before anything else.
      for (const ms of awaited.splice(0)) now += ms
    }
    return done.slice(before)
  }
  const awaited: number[] = []
  /** `afterMs`: behind its first await, in the same turn. `isCharged`: as who measures its own steps does. */
  const take = (name: string, ms = 1, { isKnown = true, afterMs = 0, isCharged = false } = {}) =>
    turns.take({ name, isKnown }, () => {
      now += ms
      if (isCharged) turns.charge(name, ms)
      awaited.push(afterMs)
      done.push(name)
    })
  return {
    ...{ done, take, turn },
    /** A request of nobody in particular. */
    knock: (address: string, ms = 1, afterMs = 0) => take(address, ms, { isKnown: false, afterMs }),
    connect: (name: string, isKnown = false) => turns.connect({ name, isKnown }),
    /** A request under way; answers what ends it. */
    enter: (name: string) => turns.enter({ name, isKnown: true }),
    /** Somebody is sent what takes so long to send, as it is reckoned. */
    send: (name: string, ms: number, isKnown = true) => turns.send({ name, isKnown }, ms * BYTES_PER_MS),
    /** Something is done for the tenant that took so long. */
    charge: (name: string, ms: number) => turns.charge(name, ms),
    mayWait: (name: string, isKnown = true) => turns.mayWait({ name, isKnown }),
    isIdle: () => deferred.length === 0,
    pass(ms: number) {
      now += ms
      const due = timers.filter(({ atMs }) => atMs <= now)
      timers = timers.filter(({ atMs }) => atMs > now)
      for (const { work } of due) work()
    },
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

describe('requests without a key', () => {
  it('are never begun beside what is read from a connection, and have a bound of their own', () => {
    const { knock, done, turn } = loopOf({ unknownWaitingMax: 2 })
    expect([knock('10.0.0.1'), knock('10.0.0.1'), knock('10.0.0.1')]).toStrictEqual([true, true, false])
    expect(done).toStrictEqual([])
    expect(turn()).toStrictEqual(['10.0.0.1', '10.0.0.1'])
  })

  it('wait once their address has taken its share while others ask, and are begun as it grows', () => {
    const { knock, take, turn, pass, isIdle } = loopOf()
    take('acme', 0)
    turn()
    // 10 of the 100 ms that it may have saved; what follows the first await counts too.
    knock('10.0.0.1', 1, 20)
    expect(turn()).toStrictEqual(['10.0.0.1'])
    knock('10.0.0.1')
    expect([turn(), turn(), isIdle()]).toStrictEqual([[], [], true])
    // Another address is not held up by it, nor is a tenant.
    knock('10.0.0.2')
    expect(turn()).toStrictEqual(['10.0.0.2'])
    take('acme', 0)
    turn()
    pass(108)
    take('acme', 0)
    expect(turn()).toStrictEqual([])
    pass(2)
    expect(turn()).toStrictEqual(['10.0.0.1'])
  })

  it('wait for what their address was sent, too', () => {
    const { knock, take, send, turn, pass } = loopOf()
    take('acme', 0)
    knock('10.0.0.1', 0)
    turn()
    send('10.0.0.1', 20, false)
    knock('10.0.0.1')
    knock('10.0.0.2')
    expect(turn()).toStrictEqual(['10.0.0.2'])
    // 20 ms are its share of 200, of which it had saved 100; one has gone by.
    pass(98)
    expect(turn()).toStrictEqual([])
    pass(1)
    expect(turn()).toStrictEqual(['10.0.0.1'])
  })

  it('are begun one in a turn of each address while others ask', () => {
    const { knock, take, turn } = loopOf({ turnMaxMs: 10, perTurnMax: 10 })
    take('acme', 0)
    turn()
    for (let n = 0; n < 2; n++) knock('10.0.0.1', 0.1)
    knock('10.0.0.2', 0.1)
    expect([turn(), turn()]).toStrictEqual([['10.0.0.1', '10.0.0.2'], ['10.0.0.1']])
  })

  it('wait for what is reckoned for each of them, and for each connection, too', () => {
    const { knock, take, connect, turn, pass } = loopOf({ unknownRequestMs: 5, unknownConnectionMs: 5 })
    take('acme', 0)
    turn()
    // Of the 10 ms of the loop that it may have saved, one request takes half; of those of a tenant nothing is reckoned.
    connect('acme', true)
    knock('10.0.0.1', 0)
    expect(turn()).toStrictEqual(['10.0.0.1'])
    connect('10.0.0.1')
    connect('10.0.0.1')
    knock('10.0.0.1', 0)
    knock('10.0.0.2', 0)
    expect(turn()).toStrictEqual(['10.0.0.2'])
    pass(49)
    expect(turn()).toStrictEqual([])
    pass(1)
    expect(turn()).toStrictEqual(['10.0.0.1'])
  })

  it('owe nothing afterwards for what they took while nobody else asked', () => {
    const { knock, take, turn } = loopOf()
    knock('10.0.0.1', 1, 60_000)
    turn()
    take('acme', 0)
    turn()
    knock('10.0.0.1')
    expect(turn()).toStrictEqual(['10.0.0.1'])
  })

  it('are begun whatever they take where nobody else asks', () => {
    const { knock, take, turn, pass } = loopOf()
    take('acme', 0)
    pass(1_001)
    for (let n = 0; n < 5; n++) {
      knock('10.0.0.1', 1, 200)
      expect(turn()).toStrictEqual(['10.0.0.1'])
    }
  })
})

describe('who takes much', () => {
  /** A loop of which the flood has just taken a fifth of a second. */
  function flooded() {
    const loop = loopOf()
    loop.take('other', 0)
    loop.take('flood', 200)
    loop.turn()
    return loop
  }

  it('has one request begun in a turn while others ask', () => {
    const { take, turn, isIdle } = flooded()
    for (let n = 0; n < 3; n++) take('flood', 0.1)
    take('one', 0.1)
    take('other', 0.1)
    expect([turn(), turn(), turn()]).toStrictEqual([['flood'], ['one', 'other', 'flood'], ['flood']])
    turn()
    expect(isIdle()).toBe(true)
  })

  it('takes it by what is sent, too', () => {
    const { take, turn, send } = loopOf()
    take('other', 0)
    take('reader', 0)
    turn()
    send('reader', 200)
    for (let n = 0; n < 2; n++) take('reader', 0.1)
    take('other', 0.1)
    expect([turn(), turn()]).toStrictEqual([['reader'], ['other', 'reader']])
  })

  it('waits while a request of somebody who takes little is under way, but not for long', () => {
    const { take, turn, enter, pass, isIdle } = flooded()
    const leave = enter('other')
    take('flood')
    expect([turn(), turn(), isIdle()]).toStrictEqual([[], [], true])
    leave?.()
    expect(turn()).toStrictEqual(['flood'])
    expect(enter('flood')).toBeUndefined()
    enter('other')
    take('flood')
    expect(turn()).toStrictEqual([])
    pass(9)
    // However many more there are.
    enter('other')
    pass(1)
    expect(turn()).toStrictEqual(['flood'])
  })

  it('is held up by nobody once no other has asked for a second, or its own use is past', () => {
    const { take, turn, enter, pass } = flooded()
    enter('other')
    pass(1_001)
    take('flood')
    expect(turn()).toStrictEqual([])
    expect(enter('other')).toBeUndefined()
    pass(5_000)
    take('other', 0)
    turn()
    enter('other')
    for (let n = 0; n < 2; n++) take('flood', 0.1)
    turn()
    expect(turn()).toStrictEqual([])
  })

  it('is not held up by a request that has been under way for long', () => {
    const { take, turn, enter, pass } = flooded()
    enter('other')
    pass(10)
    take('flood')
    expect(turn()).toStrictEqual(['flood'])
  })

  it('is not whoever takes neither little nor much', () => {
    const { take, turn, enter } = loopOf()
    take('other', 0)
    take('middling', 70)
    turn()
    enter('other')
    for (let n = 0; n < 2; n++) take('middling', 0.1)
    expect(turn()).toStrictEqual(['middling', 'middling'])
  })

  it('takes it by what is done for it later, too, which counts once', () => {
    const { take, turn, charge, mayWait } = loopOf()
    take('other', 0)
    // Where that is measured anyway: at once, and in a turn.
    take('ordinary', 15, { isCharged: true })
    take('ordinary', 15, { isCharged: true })
    take('flood', 0)
    turn()
    charge('flood', 200)
    for (let n = 0; n < 2; n++) take('flood', 0.1)
    expect(turn()).toStrictEqual(['flood'])
    expect([mayWait('flood'), mayWait('ordinary')]).toStrictEqual([true, false])
  })

  it('waits again before what may be dear, as do all who are not known', () => {
    const { mayWait } = flooded()
    expect([mayWait('flood'), mayWait('other'), mayWait('10.0.0.1', false)]).toStrictEqual([true, false, true])
  })
})
