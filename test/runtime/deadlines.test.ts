import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDeadlines } from '../../src/runtime/deadlines.ts'

describe('what has a time limit', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** What was late, and at which time. */
  function ground(limitMs: number) {
    const deadlines = createDeadlines(limitMs)
    const startedMs = performance.now()
    const late: [name: string, atMs: number][] = []
    const start = (name: string) => deadlines.start(() => late.push([name, performance.now() - startedMs]))
    return { late, start }
  }

  it('is late once its time has passed, each by its own start', () => {
    const { late, start } = ground(100)
    start('first')
    vi.advanceTimersByTime(30)
    start('second')
    vi.advanceTimersByTime(1)
    start('third')
    vi.advanceTimersByTime(1_000)
    expect(late).toEqual([
      ['first', 100],
      ['second', 130],
      ['third', 131],
    ])
  })

  it('is not late where it ended before, and its end counts once', () => {
    const { late, start } = ground(100)
    const end = start('ended')
    start('other')
    end()
    end()
    vi.advanceTimersByTime(99)
    expect(late).toEqual([])
    vi.advanceTimersByTime(1)
    expect(late).toEqual([['other', 100]])
    start('afterwards')
    vi.advanceTimersByTime(100)
    expect(late).toEqual([
      ['other', 100],
      ['afterwards', 200],
    ])
  })

  it('may start anew at once when it was late', () => {
    const deadlines = createDeadlines(100)
    let late = 0
    const again = (): void => void deadlines.start(() => (++late < 3 ? again() : undefined))
    again()
    vi.advanceTimersByTime(299)
    expect(late).toBe(2)
    vi.advanceTimersByTime(1)
    expect(late).toBe(3)
  })

  it('of 0 is never late', () => {
    const { late, start } = ground(0)
    start('any')()
    start('another')
    vi.advanceTimersByTime(1_000_000)
    expect(late).toEqual([])
  })

  it('has one timer, however many there are, and none once all have ended', () => {
    const { start } = ground(100)
    const ends = Array.from({ length: 50 }, () => start('x'))
    expect(vi.getTimerCount()).toBe(1)
    for (const end of ends) end()
    vi.advanceTimersByTime(100)
    expect(vi.getTimerCount()).toBe(0)
  })
})
