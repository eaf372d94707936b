/** What a buyer asks to pay, the session that comes of it, and what becomes of that. */
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type CheckoutCommand, checkout } from '../../../src/commands/firsthand/checkout.ts'
import { type PurchaseCommand, purchase } from '../../../src/commands/firsthand/purchase.ts'
import type { CheckoutEvent, PurchaseEvent } from '../../../src/events/firsthand/purchase.ts'
import { specify } from '../../support/given.ts'
import { at, live } from './story.ts'

type Named<E extends { type: string }, T extends E['type']> = Extract<E, { type: T }>

describe('a checkout', () => {
  const given = specify(checkout)
  const facts = {
    ...{ ...live, purchaseId: 'pur_1', amountCents: '5000', occurredAt: at(0) },
    successUrl: 'https://opslog.example/firsthand/checkout/done',
  }
  const requested: CheckoutEvent = { type: 'firsthand.CheckoutRequested.v1', data: facts }
  const open = (n: number): CheckoutCommand => ({
    ...{ kind: 'open', sessionId: `cs_${n}`, checkoutUrl: `https://pay.example/${n}`, at: at(n) },
  })
  const opened: Named<CheckoutEvent, 'firsthand.CheckoutOpened.v1'> = {
    type: 'firsthand.CheckoutOpened.v1',
    data: { ...live, purchaseId: 'pur_1', sessionId: 'cs_1', checkoutUrl: 'https://pay.example/1', occurredAt: at(1) },
  }

  it('is asked for once, and keeps what was asked for first', () => {
    given([]).when({ kind: 'request', facts }).then([requested])
    for (const again of [facts, { ...facts, amountCents: '25000' }]) {
      given([requested]).when({ kind: 'request', facts: again }).then([])
    }
    expect(fold(checkout, [requested])).toStrictEqual({ status: 'requested', facts, session: null })
  })

  it('has one session: the first that was opened', () => {
    given([requested]).when(open(1)).then([opened])
    given([requested, opened]).when(open(1)).then([])
    given([requested, opened]).when(open(2)).then([])
    expect(fold(checkout, [requested, opened])).toMatchObject({
      session: { sessionId: 'cs_1', checkoutUrl: 'https://pay.example/1' },
    })
  })

  it('is in the log before its session: the other way round is a fault of ours', () =>
    expect(() => checkout.decide(open(1), { status: 'absent' })).toThrow('nobody asked for'))
})

describe('a purchase', () => {
  const given = specify(purchase)
  const of = { ...live, sessionId: 'cs_1' }
  const facts = {
    ...{ ...of, purchaseId: 'pur_1', customerId: 'cus_1', amountCents: '5000', currency: 'usd', occurredAt: at(0) },
  }
  const started: PurchaseEvent = { type: 'firsthand.PurchaseStarted.v1', data: facts }
  const pay = (amountCents = 5_000n, currency = 'usd'): PurchaseCommand => ({
    ...{ kind: 'pay', amountCents, currency, paymentIntentId: 'pi_1', at: at(5) },
  })
  const paid: PurchaseEvent = {
    type: 'firsthand.PurchasePaid.v1',
    data: { ...of, amountCents: '5000', paymentIntentId: 'pi_1', occurredAt: at(5) },
  }
  const quarantined = (amountCents: string, currency: string): PurchaseEvent => ({
    type: 'firsthand.PurchaseQuarantined.v1',
    data: { ...of, amountCents, currency, occurredAt: at(5) },
  })
  const fail: PurchaseCommand = { kind: 'fail', reason: 'card_declined', at: at(6) }
  const failed: PurchaseEvent = {
    type: 'firsthand.PurchaseFailed.v1',
    data: { ...of, reason: 'card_declined', occurredAt: at(6) },
  }
  const expire: PurchaseCommand = { kind: 'expire', at: at(7) }
  const expired: PurchaseEvent = { type: 'firsthand.PurchaseExpired.v1', data: { ...of, occurredAt: at(7) } }
  const reverse = (refundedCents: bigint): PurchaseCommand => ({
    ...{ kind: 'reverse', cause: 'refund', refundedCents, at: at(8) },
  })
  const dispute = (disputedCents: bigint): PurchaseCommand => ({
    ...{ kind: 'reverse', cause: 'dispute', disputedCents, at: at(8) },
  })
  const reversed = (
    amountCents: string,
    reversedCents: string,
    cause: 'refund' | 'dispute' = 'refund',
  ): PurchaseEvent => ({
    type: 'firsthand.PurchaseReversed.v1',
    data: { ...of, cause, amountCents, reversedCents, occurredAt: at(8) },
  })
  const everyEnd = [pay(), pay(1n), fail, expire, reverse(1n)]

  it('is started once', () => {
    given([]).when({ kind: 'start', facts }).then([started])
    given([started])
      .when({ kind: 'start', facts: { ...facts, amountCents: '1' } })
      .then([])
    given([started, paid]).when({ kind: 'start', facts }).then([])
  })

  it('is none where the session is somebody else’s', () => {
    for (const command of everyEnd) given([]).when(command).then([])
  })

  it('is paid once, however often the provider says so', () => {
    given([started]).when(pay()).then([paid])
    given([started, paid]).when(pay()).then([])
    given([started, paid]).when(pay(1n)).then([])
  })

  it.each([
    ['a cent less', 4_999n, 'usd'],
    ['a cent more', 5_001n, 'usd'],
    ['another currency', 5_000n, 'eur'],
  ])('is set apart and credits nothing where what was paid is %s', (_, amountCents, currency) => {
    const apart = quarantined(amountCents.toString(), currency)
    given([started]).when(pay(amountCents, currency)).then([apart])
    // Not even the right amount takes it out of there; people do.
    for (const command of everyEnd) given([started, apart]).when(command).then([])
  })

  it('that failed or came to its end can still be paid: the money came in', () => {
    given([started]).when(fail).then([failed])
    given([started]).when(expire).then([expired])
    for (const end of [failed, expired]) {
      given([started, end]).when(fail).then([])
      given([started, end]).when(expire).then([])
      given([started, end]).when(reverse(1n)).then([])
      given([started, end]).when(pay()).then([paid])
      expect(fold(purchase, [started, end, paid]).status).toBe('paid')
    }
  })

  it('that is paid neither fails nor comes to its end', () => {
    given([started, paid]).when(fail).then([])
    given([started, paid]).when(expire).then([])
  })

  it('is reversed by what went back since, once', () => {
    const once = [started, paid, reversed('1000', '1000')]
    given([started, paid])
      .when(reverse(1_000n))
      .then([reversed('1000', '1000')])
    given(once).when(reverse(1_000n)).then([])
    given(once).when(reverse(900n)).then([])
    given(once)
      .when(dispute(5_000n))
      .then([reversed('4000', '5000', 'dispute')])
    given(once).when(pay()).then([])
  })

  it('is reversed by refunds and disputes, each of a part, in any order, and by no more than was paid', () => {
    const disputed = [started, paid, reversed('2000', '2000', 'dispute')]
    given(disputed)
      .when(reverse(2_500n))
      .then([reversed('2500', '4500')])
    const both = [...disputed, reversed('2500', '4500')]
    given(both).when(reverse(2_500n)).then([])
    given(both)
      .when(reverse(2_600n))
      .then([reversed('100', '4600')])
    given(both)
      .when(dispute(2_000n))
      .then([reversed('500', '5000', 'dispute')])
    given([...both, reversed('500', '5000', 'dispute')])
      .when(dispute(1n))
      .then([])
  })
})
