/** What one tenant may take of a process, by a clock that the test sets. */
import { describe, expect, it } from 'vitest'
import type { Problem } from '../../src/http/errors.ts'
import { createTenants } from '../../src/http/tenant-use.ts'
import { exchangeOf } from './exchange.ts'

function tenantsAt({
  tenantInFlightMax = 2,
  tenantLoopMaxPercent = 50,
  tenantLoopWindowMs = 10_000,
  tenantListsMax = 2,
} = {}) {
  let now = 0
  const tenants = createTenants(
    { tenantInFlightMax, tenantLoopMaxPercent, tenantLoopWindowMs, tenantListsMax },
    () => now,
  )
  const enter = (tenantId: string) => {
    const exchange = exchangeOf(tenantId)
    tenants.enter(exchange, tenantId)
    return exchange
  }
  /** The seconds of Retry-After; undefined: it comes in. */
  const refusal = (tenantId: string): number | undefined => {
    try {
      tenants.leave(enter(tenantId))
      return undefined
    } catch (error) {
      return Number((error as Problem).headers['retry-after'])
    }
  }
  const spend = (tenantId: string, ms: number) => {
    const exchange = enter(tenantId)
    tenants.begin(exchange)
    now += ms
    tenants.end(exchange)
    tenants.leave(exchange)
  }
  return { tenants, enter, refusal, spend, pass: (ms: number) => (now += ms) }
}

describe('requests in flight', () => {
  it('are bounded for each tenant, and give their places back once each', () => {
    const { tenants, enter, refusal } = tenantsAt()
    const [first] = [enter('acme'), enter('acme')]
    expect([refusal('acme'), refusal('other')]).toStrictEqual([1, undefined])
    for (let twice = 0; twice < 2; twice++) tenants.leave(first)
    enter('acme')
    expect(refusal('acme')).toBe(1)
  })
})

describe('time of the event loop', () => {
  it('is a share of a window that slides, and Retry-After says when it is free again', () => {
    const { spend, refusal, pass } = tenantsAt()
    spend('acme', 5_000)
    expect(refusal('acme')).toBeUndefined()
    spend('acme', 1_000)
    expect(refusal('other')).toBeUndefined()
    // 6 s of the first 10 s: in the next window 5 s of them are left after a sixth of it.
    expect([refusal('acme'), refusal('other')]).toStrictEqual([Math.ceil(4 + 10 / 6), undefined])
    pass(4_000 + 10_000 / 6 - 1)
    expect([refusal('other'), refusal('acme')]).toStrictEqual([undefined, 1])
    pass(2)
    expect(refusal('acme')).toBeUndefined()
    spend('acme', 1_000)
    expect(refusal('other')).toBeUndefined()
    expect(refusal('acme')).toBeGreaterThan(0)
    pass(30_000)
    expect(refusal('acme')).toBeUndefined()
  })

  it('is all that there is for a tenant beside whom nobody asked within the window', () => {
    const { spend, refusal, pass } = tenantsAt()
    for (let step = 0; step < 30; step++) spend('acme', 1_000)
    expect(refusal('acme')).toBeUndefined()
    expect([refusal('other'), refusal('acme')]).toStrictEqual([undefined, expect.any(Number)])
    pass(10_000)
    for (let step = 0; step < 10; step++) spend('acme', 1_000)
    expect(refusal('acme')).toBeUndefined()
  })

  it('is counted for what runs, and not for what is awaited', () => {
    const { tenants, enter, pass, refusal } = tenantsAt({ tenantInFlightMax: 100 })
    const exchange = enter('acme')
    tenants.begin(exchange)
    pass(100)
    tenants.end(exchange)
    pass(9_000)
    tenants.end(exchange)
    expect(refusal('acme')).toBeUndefined()
  })
})

describe('lists', () => {
  it('are read a few at a time while others ask, and the rest in turn', async () => {
    const { tenants, enter, pass } = tenantsAt({ tenantInFlightMax: 100 })
    // Alone, nobody is kept waiting.
    expect(tenants.place(enter('acme'))).toBeUndefined()
    enter('other')
    const [first, second] = [tenants.place(enter('acme')), tenants.place(enter('acme'))]
    const waiting = ['third', 'fourth'].map(async (name) => {
      const leave = await tenants.place(enter('acme'))
      order.push(name)
      leave?.()
    })
    const order: string[] = []
    const leaveOther = tenants.place(enter('other'))
    expect([first, second, leaveOther].map((leave) => typeof leave)).toStrictEqual(Array(3).fill('function'))
    expect(order).toStrictEqual([])
    if (typeof first === 'function') first()
    await Promise.all(waiting)
    expect(order).toStrictEqual(['third', 'fourth'])
    pass(10_000)
    expect(tenants.place(enter('acme'))).toBeUndefined()
  })
})

describe('a tenant whose step was long', () => {
  it('goes on one request a turn of the event loop, and others do not wait', async () => {
    const { tenants, enter, pass } = tenantsAt({ tenantInFlightMax: 100 })
    const [first, second, third] = [enter('acme'), enter('acme'), enter('acme')]
    expect(tenants.turn(first)).toBeUndefined()
    tenants.begin(first)
    pass(1)
    tenants.end(first)
    let turns = 0
    const count = () => {
      turns += 1
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    const waits = [second, third].map(async (exchange) => {
      await tenants.turn(exchange)
      return turns
    })
    expect(tenants.turn(enter('other'))).toBeUndefined()
    const [ofSecond = 0, ofThird = 0] = await Promise.all(waits)
    clearImmediate(counting)
    expect(ofThird).toBeGreaterThan(ofSecond)
    // Once nobody waits, the next one goes on at once.
    await expect.poll(() => tenants.turn(enter('acme'))).toBeUndefined()
  })
})
