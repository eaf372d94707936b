/** A wait for what becomes so in this process. */
import { expect, it, vi } from 'vitest'
import { untilSo } from '../../src/runtime/until-so.ts'

it('is over at once where it is so, as soon as it is, and when it has taken too long', async () => {
  expect(await untilSo(0, () => true)).toBe(true)
  let isSo = false
  const [waits, gives] = [untilSo(60_000, () => isSo), untilSo(5, () => false)]
  expect(await gives).toBe(false)
  isSo = true
  expect(await waits).toBe(true)
})

it('of hundreds takes one timer, and none once nobody waits', async () => {
  const [set, cleared] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearInterval')]
  let isSo = false
  const waiting = Array.from({ length: 500 }, () => untilSo(60_000, () => isSo))
  isSo = true
  await Promise.all(waiting)
  const timers = set.mock.results.filter((_, index) => set.mock.calls[index]?.[1] === 2).map(({ value }) => value)
  expect(timers).toHaveLength(1)
  await vi.waitFor(() => expect(cleared).toHaveBeenCalledWith(timers[0]))
  vi.restoreAllMocks()
})

it('rejects with what the question throws, and others go on', async () => {
  let looks = 0
  const throws = () => {
    looks += 1
    if (looks > 1) throw new Error('no')
    return false
  }
  const other = untilSo(20, () => false)
  await expect(untilSo(60_000, throws)).rejects.toThrow('no')
  expect(await other).toBe(false)
})
