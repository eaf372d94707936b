import { expect, test, vi } from 'vitest'
import { createGate } from '../../../src/http/audit/gate.ts'
import { Problem } from '../../../src/http/errors.ts'

test('a tenant that asks much takes neither every place nor every turn', async () => {
  const gate = createGate(2)
  const order: string[] = []
  const ask = (tenant: string) =>
    gate.enter(tenant).then((leave) => {
      order.push(tenant)
      return leave
    })
  const first = await ask('loud')
  const waiting = [ask('loud'), ask('loud'), ask('loud')]
  // The second place is not for the tenant that has the first.
  const quiet = await ask('quiet')
  const other = ask('other')
  expect(order).toEqual(['loud', 'quiet'])
  quiet()
  const leaveOther = await other
  first()
  const second = await waiting[0]!
  expect(order).toEqual(['loud', 'quiet', 'other', 'loud'])
  leaveOther()
  second()
  second()
  const third = await waiting[1]!
  third()
  await waiting[2]!
  expect(order).toEqual(['loud', 'quiet', 'other', 'loud', 'loud', 'loud'])
})

test('who waits too long, and who is one too many, is refused and takes no place later', async () => {
  vi.useFakeTimers()
  try {
    const gate = createGate(1)
    const leave = await gate.enter('a')
    const waiting = Array.from({ length: 4 }, () => gate.enter('a').catch((error: unknown) => error))
    await expect(gate.enter('a')).rejects.toThrow(Problem)
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await Promise.all(waiting)).every((error) => error instanceof Problem)).toBe(true)
    leave()
    await gate.enter('b')
  } finally {
    vi.useRealTimers()
  }
})
