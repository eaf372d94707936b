/** What a cached stream knows of its commands: never a command too few, hardly ever one too many, and little memory. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSeenCommands } from '../../src/commands/seen-commands.ts'

describe('the known commands of a stream', () => {
  it('are all that were added, whatever their number', () => {
    const known = createSeenCommands()
    const ids = Array.from({ length: 10_000 }, () => randomUUID())
    for (const [at, id] of ids.entries()) {
      known.add(id, BigInt(at))
      expect(known.find(id)).toBeTypeOf('bigint')
    }
    expect(ids.every((id) => known.find(id) !== undefined)).toBe(true)
    // Those whose ids begin alike stand where the first of them does.
    expect(ids.filter((id, at) => known.find(id) === BigInt(at)).length).toBe(known.size)
    expect(known.size).toBeGreaterThan(9_990)
  })

  it('are not others: of 10,000 at most a few look like one of 10,000', () => {
    const known = createSeenCommands()
    for (let n = 0; n < 10_000; n++) known.add(randomUUID(), 0n)
    const mistaken = Array.from({ length: 10_000 }, () => known.find(randomUUID())).filter((at) => at !== undefined)
    expect(mistaken.length).toBeLessThan(5)
  })

  it('count once, however often they are added', () => {
    const known = createSeenCommands()
    const id = randomUUID()
    for (let n = 0; n < 100; n++) known.add(id, BigInt(n))
    expect([known.size, known.find(id)]).toEqual([1, 0n])
  })

  it('may be one that begins with zeros, or is no number at all', () => {
    const known = createSeenCommands()
    expect(known.find('00000000-0000-4000-8000-000000000000')).toBeUndefined()
    for (const id of ['00000000-0000-4000-8000-000000000000', 'sunday']) {
      known.add(id, 7n)
      expect(known.find(id)).toBe(7n)
    }
  })

  it('are none at first', () => {
    expect(createSeenCommands()).toMatchObject({ size: 0 })
    expect(createSeenCommands().find(randomUUID())).toBeUndefined()
  })
})
