import { describe, it } from 'vitest'
import { challengeSlots, type Holder, type ReserveSlot } from '../../../src/commands/noctant/challenge-slot.ts'
import type { ChallengeSlotEvent } from '../../../src/events/noctant/challenge.ts'
import { at } from '../../support/examples/noctant.ts'
import { ids, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(challengeSlots)
const scope = { operatorId: ids.operator, globalUserId: ids.user, productId: uuidOf('product') }
const [first, second] = [uuidOf('first'), uuidOf('second')]

const reserve = (instanceId: string, change: Partial<ReserveSlot> = {}): ReserveSlot => ({
  ...scope,
  instanceId,
  maxConcurrentPerUser: 1,
  cooldownHoursAfterBreach: 24,
  holders: [],
  at: at(10),
  ...change,
})
const reserved = (instanceId: string, when = at(1)): ChallengeSlotEvent => ({
  type: 'noctant.ChallengeSlotReserved.v1',
  data: { ...scope, instanceId, occurredAt: when },
})
const released = (instanceId: string, breachedAt: string | null, when = at(10)): ChallengeSlotEvent => ({
  type: 'noctant.ChallengeSlotReleased.v1',
  data: { ...scope, instanceId, breachedAt, occurredAt: when },
})
const over = (instanceId: string, breachedAt: string | null = null): Holder => ({
  instanceId,
  isOver: true,
  breachedAt,
})

describe('a place', () => {
  it('is taken where one is free', () => {
    given([])
      .when(reserve(first))
      .then([reserved(first, at(10))])
  })
  it('is not taken twice by the same challenge', () => {
    given([reserved(first)])
      .when(reserve(first))
      .then([])
  })
  it('is refused where all are taken', () => {
    const holders = [{ instanceId: first, isOver: false, breachedAt: null }]
    given([reserved(first)])
      .when(reserve(second, { holders }))
      .then(rejects('challenge_limit_reached'))
  })
  it('is given back by a challenge that has ended', () => {
    given([reserved(first)])
      .when(reserve(second, { holders: [over(first)] }))
      .then([released(first, null), reserved(second, at(10))])
  })
  it('is never refused without a limit', () => {
    given([reserved(first)])
      .when(reserve(second, { maxConcurrentPerUser: null }))
      .then([reserved(second, at(10))])
  })
  it('of somebody who holds none is nobody’s to give back', () => {
    given([])
      .when(reserve(second, { holders: [over(first)] }))
      .then([reserved(second, at(10))])
  })
})

describe('after a breach', () => {
  const breached = '2026-03-01T10:00:00.000Z'

  it('no place is given until the hours are over', () => {
    const holders = [over(first, breached)]
    const when = '2026-03-02T09:59:59.999Z'
    given([reserved(first)])
      .when(reserve(second, { holders, at: when }))
      .then(rejects('challenge_cooling_down'))
    const due = '2026-03-02T10:00:00.000Z'
    given([reserved(first)])
      .when(reserve(second, { holders, at: due }))
      .then([released(first, breached, due), reserved(second, due)])
  })
  it('the hours count after the place was given back, too', () => {
    given([reserved(first), released(first, at(0))])
      .when(reserve(second))
      .then(rejects('challenge_cooling_down'))
  })
  it('the latest breach counts', () => {
    const history = [reserved(first), released(first, at(5)), reserved(second)]
    given(history)
      .when(reserve(uuidOf('third'), { holders: [over(second, breached)] }))
      .then(rejects('challenge_cooling_down'))
  })
  it('a place is given at once where the product asks for no wait', () => {
    given([reserved(first), released(first, at(9))])
      .when(reserve(second, { cooldownHoursAfterBreach: null }))
      .then([reserved(second, at(10))])
  })
})
