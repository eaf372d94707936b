/** Tokens of prompts, counted on a thread of its own. */
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createTokenCounter } from '../../../src/adapters/llm/token-counter.ts'

/** For whom nothing is late, however busy the machine is. */
const patient = { bytesMax: 4_194_304, timeoutMs: 15_000, startMaxMs: 15_000 }
const counter = createTokenCounter({ ...patient, waitingMax: 2 })
afterAll(() => counter.close())

describe('a counter of tokens', () => {
  it('counts texts as the vocabulary does, and those without a space in no time', async () => {
    expect(await counter.count(['hello world'])).toBe(2)
    expect(await counter.count(['hello', ' world', ''])).toBe(2)
    expect(await counter.count(['a'.repeat(200_000)])).toBeGreaterThan(20_000)
    expect(await counter.count(['<|endoftext|>'])).toBeGreaterThan(1)
  })

  it('takes no more questions than may wait', async () => {
    const asked = await Promise.all(Array.from({ length: 5 }, () => counter.count(['hello world'])))
    expect(asked).toStrictEqual([2, 2, undefined, undefined, undefined])
  })

  it('gives up what takes too long, and counts the next one', async () => {
    const hasty = createTokenCounter({ ...patient, timeoutMs: 1, waitingMax: 8 })
    expect(await hasty.count(['hello world'])).toBe(2)
    expect(await hasty.count(['The quick brown fox jumps over it. '.repeat(100_000)])).toBeUndefined()
    expect(await hasty.count(['hello world'])).toBe(2)
    await hasty.close()
  })

  it('waits no longer than it may for a thread that starts, which serves those who ask later', async () => {
    const hasty = createTokenCounter({ ...patient, startMaxMs: 1, waitingMax: 8 })
    expect(await hasty.count(['hello world'])).toBeUndefined()
    await vi.waitFor(async () => expect(await hasty.count(['hello world'])).toBe(2), { interval: 10, timeout: 15_000 })
    await hasty.close()
  })
})
