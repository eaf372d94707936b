/** Attempts to charge a card for a top-up. */
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { chargeKeyOf, type TopUpCommand, topUp } from '../../../src/commands/firsthand/top-up.ts'
import type { TopUpEvent } from '../../../src/events/firsthand/purchase.ts'
import { firsthandSettings } from '../../../src/processes/firsthand/settings.ts'
import { specify } from '../../support/given.ts'
import { at, live } from './story.ts'

const given = specify(topUp)
const { FIRSTHAND_TOP_UP_RETRY_WAITS_MS: waitsMs } = firsthandSettings.parse({})
const card = { customerId: 'cus_1', paymentMethodId: 'pm_1' }
const HOUR = 60

const start = (minute: number): TopUpCommand => ({
  ...{ kind: 'start', topUpId: 'tup_1', wallet: live, amountCents: '2500', ...card, at: at(minute) },
})
const started = (attempt: number, minute: number): TopUpEvent => ({
  type: 'firsthand.TopUpStarted.v1',
  data: { ...live, topUpId: 'tup_1', attempt, amountCents: '2500', ...card, occurredAt: at(minute) },
})
const decline = (minute: number): TopUpCommand => ({
  kind: 'decline',
  reason: 'card_declined',
  waitsMs,
  at: at(minute),
})
const declined = (attempt: number, minute: number, next: number | null): TopUpEvent => ({
  type: 'firsthand.TopUpDeclined.v1',
  data: {
    ...{ ...live, topUpId: 'tup_1', attempt, reason: 'card_declined', occurredAt: at(minute) },
    nextAttemptAt: next === null ? null : at(next),
  },
})
const pay = (minute: number): TopUpCommand => ({ kind: 'pay', paymentIntentId: 'pi_1', at: at(minute) })
const paid = (attempt: number, minute: number): TopUpEvent => ({
  type: 'firsthand.TopUpPaid.v1',
  data: { ...live, topUpId: 'tup_1', attempt, paymentIntentId: 'pi_1', occurredAt: at(minute) },
})

describe('a top-up', () => {
  it('is tried again after 1, 6 and 24 hours, not before, and then no more', () => {
    const story = [started(1, 0), declined(1, 0, HOUR)]
    given([started(1, 0)])
      .when(decline(0))
      .then(story.slice(1))
    given(story)
      .when(start(HOUR - 1))
      .then([])
    given(story)
      .when(start(HOUR))
      .then([started(2, HOUR)])
    const second = [...story, started(2, HOUR), declined(2, HOUR, 7 * HOUR)]
    given(second.slice(0, -1)).when(decline(HOUR)).then(second.slice(-1))
    const third = [...second, started(3, 7 * HOUR), declined(3, 7 * HOUR, 31 * HOUR)]
    given(third.slice(0, -1))
      .when(decline(7 * HOUR))
      .then(third.slice(-1))
    const fourth = [...third, started(4, 31 * HOUR), declined(4, 31 * HOUR, null)]
    given(fourth.slice(0, -1))
      .when(decline(31 * HOUR))
      .then(fourth.slice(-1))
    given(fourth)
      .when(start(1_000 * HOUR))
      .then([])
    expect(fold(topUp, fourth).status).toBe('failed')
  })

  it('is one charge: an attempt that is under way, or paid, is followed by none', () => {
    given([])
      .when(start(0))
      .then([started(1, 0)])
    given([started(1, 0)])
      .when(start(0))
      .then([])
    given([started(1, 0)])
      .when(pay(1))
      .then([paid(1, 1)])
    for (const later of [start(100), pay(100), decline(100)]) {
      given([started(1, 0), paid(1, 1)])
        .when(later)
        .then([])
    }
  })

  it('asks under a key for each attempt, the first one’s is its id', () =>
    expect([1, 2].map((attempt) => chargeKeyOf({ topUpId: 'tup_1', attempt }))).toStrictEqual(['tup_1', 'tup_1:2']))

  it('is reversed by what went back since, once', () => {
    const story = [started(1, 0), paid(1, 1)]
    const reverse = (cents: bigint): TopUpCommand => ({
      kind: 'reverse',
      cause: 'refund',
      refundedCents: cents,
      at: at(9),
    })
    const reversed = (amountCents: string, reversedCents: string): TopUpEvent => ({
      type: 'firsthand.TopUpReversed.v1',
      data: { ...live, topUpId: 'tup_1', cause: 'refund', amountCents, reversedCents, occurredAt: at(9) },
    })
    given(story)
      .when(reverse(1_000n))
      .then([reversed('1000', '1000')])
    given([...story, reversed('1000', '1000')])
      .when(reverse(1_000n))
      .then([])
    given([...story, reversed('1000', '1000')])
      .when(reverse(2_500n))
      .then([reversed('1500', '2500')])
  })
})
