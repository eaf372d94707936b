/** A bound on reads at which nothing comes. */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { withReadTimeout } from '../../src/eventstore/read-timeout.ts'

const SILENCE_MAX_MS = 50
const fault = () => new Error('nothing was said')

/** A read as db-client's: a stream of objects that can be cancelled. */
function read() {
  const stream = new PassThrough({ objectMode: true })
  let cancelled = 0
  const cancel = async () => {
    cancelled += 1
  }
  return Object.assign(stream, { cancel, timesCancelled: () => cancelled })
}

describe('a read', () => {
  it('at which nothing comes ends with the fault, and the call is ended too', async () => {
    const silent = read()
    await expect(Array.fromAsync(withReadTimeout(silent, SILENCE_MAX_MS, fault))).rejects.toThrow('nothing was said')
    expect(silent.timesCancelled()).toBe(1)
  })

  it('that falls silent half-way ends with the fault after what had come', async () => {
    const halting = read()
    halting.write('one')
    const seen: unknown[] = []
    const reading = async () => {
      for await (const event of withReadTimeout(halting, SILENCE_MAX_MS, fault)) seen.push(event)
    }
    await expect(reading()).rejects.toThrow('nothing was said')
    expect(seen).toEqual(['one'])
  })

  it('whose reader takes longer than the bound between two events is not ended', async () => {
    const whole = read()
    for (const event of ['one', 'two', 'three']) whole.write(event)
    whole.end()
    const seen: unknown[] = []
    for await (const event of withReadTimeout(whole, SILENCE_MAX_MS, fault)) {
      seen.push(event)
      const timer = setTimeout(() => whole.emit('rested'), SILENCE_MAX_MS * 3)
      await once(whole, 'rested')
      clearTimeout(timer)
    }
    expect(seen).toEqual(['one', 'two', 'three'])
  })

  it('that is left early is ended without a fault', async () => {
    const left = read()
    left.write('one')
    for await (const event of withReadTimeout(left, SILENCE_MAX_MS, fault)) {
      expect(event).toBe('one')
      break
    }
    expect(left.destroyed).toBe(true)
    expect(left.timesCancelled()).toBe(0)
  })
})
