import { expect, test, vi } from 'vitest'
import { createGate } from '../../../src/http/audit/gate.ts'
import { Problem } from '../../../src/http/errors.ts'

const waiting = { waitingMax: 4, waitMaxMs: 5_000 }

test('a tenant that asks much takes neither every place nor every turn', async () => {
  const gate = createGate({ ...waiting, concurrencyMax: 2 })
  const order: string[] = []
  const ask = (tenant: string) =>
    gate.enter(tenant).then((leave) => {
      order.push(tenant)
      return leave
    })
  const first = await ask('loud')
  const queued = [ask('loud'), ask('loud'), ask('loud')]
  // The second place is not for the tenant that has the first.
  const quiet = await ask('quiet')
  const other = ask('other')
  expect(order).toEqual(['loud', 'quiet'])
  quiet()
  const leaveOther = await other
  first()
  const second = await queued[0]!
  expect(order).toEqual(['loud', 'quiet', 'other', 'loud'])
  leaveOther()
  second()
  second()
  const third = await queued[1]!
  third()
  await queued[2]!
  expect(order).toEqual(['loud', 'quiet', 'other', 'loud', 'loud', 'loud'])
})

test('who waits too long, and who is one too many, is refused and takes no place later', async () => {
  vi.useFakeTimers()
  try {
    const gate = createGate({ ...waiting, concurrencyMax: 1 })
    const leave = await gate.enter('a')
    const queued = Array.from({ length: 4 }, () => gate.enter('a').catch((error: unknown) => error))
    await expect(gate.enter('a')).rejects.toThrow(Problem)
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await Promise.all(queued)).every((error) => error instanceof Problem)).toBe(true)
    leave()
    await gate.enter('b')
  } finally {
    vi.useRealTimers()
  }
})
