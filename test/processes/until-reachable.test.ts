import { describe, expect, it } from 'vitest'
import { LogMismatch } from '../../src/events/log-identity.ts'
import { StoreUnavailable } from '../../src/events/unavailable.ts'
import { untilReachable } from '../../src/processes/until-reachable.ts'

const silent = { warn: () => undefined }
/** Fails with these, one after the other, and then succeeds. */
const failing = (...errors: Error[]) => {
  const work = async () => {
    work.tries += 1
    const error = errors.shift()
    if (error) throw error
    return 'done'
  }
  work.tries = 0
  return work
}

describe('a step of the start', () => {
  it('is done again while a service is away', async () => {
    const work = failing(new StoreUnavailable('the event store failed: 1 CANCELLED'), new StoreUnavailable('again'))
    expect(await untilReachable(work, { waitMaxMs: 60_000, log: silent, retryMs: 0 })).toBe('done')
    expect(work.tries).toBe(3)
  })

  it('ends with the last failure when the wait is over', async () => {
    const work = failing(new StoreUnavailable('away'), new StoreUnavailable('still away'))
    await expect(untilReachable(work, { waitMaxMs: 0, log: silent, retryMs: 0 })).rejects.toThrow('away')
  })

  it.each([new LogMismatch('another log'), new Error('a fault')])(
    'ends at once with $name, which does not pass',
    async (error) => {
      const work = failing(error)
      await expect(untilReachable(work, { waitMaxMs: 60_000, log: silent })).rejects.toBe(error)
      expect(work.tries).toBe(1)
    },
  )
})
