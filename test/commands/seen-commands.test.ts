/** What a cached stream knows of its commands: never a command too few, hardly ever one too many, and little memory. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSeenCommands } from '../../src/commands/seen-commands.ts'

describe('the known commands of a stream', () => {
  it('are all that were added, whatever their number', () => {
    const known = createSeenCommands()
    const ids = Array.from({ length: 10_000 }, () => randomUUID())
    for (const id of ids) {
      known.add(id)
      expect(known.mayHave(id)).toBe(true)
    }
    expect(ids.every((id) => known.mayHave(id))).toBe(true)
    expect(known.size).toBeGreaterThan(9_990)
  })

  it('are not others: of 10,000 at most a few look like one of 10,000', () => {
    const known = createSeenCommands()
    for (let n = 0; n < 10_000; n++) known.add(randomUUID())
    const mistaken = Array.from({ length: 10_000 }, () => known.mayHave(randomUUID())).filter(Boolean)
    expect(mistaken.length).toBeLessThan(5)
  })

  it('count once, however often they are added', () => {
    const known = createSeenCommands()
    const id = randomUUID()
    for (let n = 0; n < 100; n++) known.add(id)
    expect(known.size).toBe(1)
  })

  it('may be one that begins with zeros, or is no number at all', () => {
    const known = createSeenCommands()
    expect(known.mayHave('00000000-0000-4000-8000-000000000000')).toBe(false)
    for (const id of ['00000000-0000-4000-8000-000000000000', 'sunday']) {
      known.add(id)
      expect(known.mayHave(id)).toBe(true)
    }
  })

  it('are none at first', () => {
    expect(createSeenCommands()).toMatchObject({ size: 0 })
    expect(createSeenCommands().mayHave(randomUUID())).toBe(false)
  })
})
