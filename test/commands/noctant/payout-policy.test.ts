import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Exact } from '../../../src/commands/noctant/money.ts'
import { evaluatePayout } from '../../../src/commands/noctant/payout-policy.ts'
import type { PayoutInput, PayoutSnapshot } from '../../../src/events/noctant/payout.ts'
import { example } from '../../support/examples.ts'

const { policySnapshot, policyInput } = example('noctant.PayoutRequested.v1').data
const policy: PayoutSnapshot['policy'] = {
  profitSplitPercent: '80',
  minimumProfit: '0',
  minimumDaysBetweenPayouts: 0,
  maximum: null,
  requiredRemainingBuffer: '0',
  maximumCount: null,
  kycRequired: false,
}
const snapshot = (of: Partial<PayoutSnapshot['policy']> = {}, rest: Partial<PayoutSnapshot> = {}): PayoutSnapshot => ({
  ...policySnapshot,
  kycRequired: false,
  ...rest,
  policy: { ...policy, ...of },
})
/** A profit of 1,000.00, of which 400.00 are asked for. */
const input = (of: Partial<PayoutInput> = {}): PayoutInput => ({ ...policyInput, ...of })
const failed = (of: PayoutSnapshot, with_: PayoutInput) =>
  evaluatePayout(of, with_)
    .checks.filter(({ passed }) => !passed)
    .map(({ rule }) => rule)

describe('a payout within the policy', () => {
  it('is granted, and split to the cent', () => {
    expect(evaluatePayout(snapshot(), input())).toMatchObject({
      outcome: 'accepted',
      profit: '1000.00',
      availableProfit: '1000.00',
      granted: { grossAmount: '400.00', traderAmount: '320.00', firmRetainedAmount: '80.00', ordinal: 1 },
    })
  })

  it('leaves the fraction of a cent with the firm', () => {
    const { granted } = evaluatePayout(snapshot({ profitSplitPercent: '66.67' }), input({ requestedAmount: '0.01' }))
    expect(granted).toMatchObject({ traderAmount: '0.00', firmRetainedAmount: '0.01' })
    const yen = snapshot({ profitSplitPercent: '33' }, { currency: 'JPY' })
    expect(evaluatePayout(yen, input({ requestedAmount: '100' })).granted).toMatchObject({
      traderAmount: '33',
      firmRetainedAmount: '67',
    })
  })

  it('is never split into more or less than it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 10_000 }), (cents, split) => {
        const requestedAmount = new Exact(cents).div(100).toFixed(2)
        const profitSplitPercent = new Exact(split).div(100).toFixed()
        const { granted } = evaluatePayout(snapshot({ profitSplitPercent }), input({ requestedAmount }))
        expect(new Exact(granted!.traderAmount).plus(granted!.firmRetainedAmount).toFixed(2)).toBe(requestedAmount)
        expect(new Exact(granted!.firmRetainedAmount).isNegative()).toBe(false)
      }),
    )
  })
})

describe('the rules', () => {
  it.each([
    ['all of the profit, and no cent more', {}, '1000.00', '1000.01', 'required_remaining_buffer'],
    ['the buffer stays', { requiredRemainingBuffer: '250' }, '750.00', '750.01', 'required_remaining_buffer'],
    ['at most an amount', { maximum: { kind: 'amount', value: '300' } }, '300.00', '300.01', 'maximum'],
    ['at most a share', { maximum: { kind: 'percent_of_profit', value: '33.3' } }, '333.00', '333.01', 'maximum'],
  ] as const)('%s', (_, of, most, more, rule) => {
    expect(failed(snapshot(of), input({ requestedAmount: most }))).toStrictEqual([])
    expect(failed(snapshot(of), input({ requestedAmount: more }))).toStrictEqual([rule])
  })

  it('a least profit', () => {
    expect(failed(snapshot({ minimumProfit: '1000' }), input())).toStrictEqual([])
    expect(failed(snapshot({ minimumProfit: '1000.01' }), input())).toStrictEqual(['minimum_profit'])
  })

  it('a number of payouts', () => {
    expect(failed(snapshot({ maximumCount: 2 }), input({ payoutsBefore: 1 }))).toStrictEqual([])
    expect(failed(snapshot({ maximumCount: 2 }), input({ payoutsBefore: 2 }))).toStrictEqual(['maximum_count'])
  })

  it('days from one request to the next, and before the first those that the template sets for it', () => {
    const fundedAt = '2026-03-01T10:00:00.000Z'
    const between = snapshot({ minimumDaysBetweenPayouts: 7 }, { fundedAt })
    const first = snapshot({ minimumDaysBeforeFirstPayout: 7 }, { fundedAt })
    const at = (days: PayoutSnapshot, evaluatedAt: string, lastRequestedAt: string | null = null) =>
      failed(days, input({ evaluatedAt, lastRequestedAt }))
    expect(at(between, '2026-03-01T10:00:00.000Z')).toStrictEqual([])
    expect(at(between, '2026-03-09T10:00:00.000Z', '2026-03-08T10:00:00.000Z')).toStrictEqual([
      'minimum_days_between_payouts',
    ])
    expect(at(between, '2026-03-15T10:00:00.000Z', '2026-03-08T10:00:00.000Z')).toStrictEqual([])
    expect(at(first, '2026-03-08T09:59:59.999Z')).toStrictEqual(['minimum_days_before_first_payout'])
    expect(at(first, '2026-03-08T10:00:00.000Z')).toStrictEqual([])
    expect(at(first, '2026-03-02T10:00:00.000Z', '2026-03-01T10:00:00.000Z')).toStrictEqual([])
  })

  it('KYC where it is required: reported, verified and not run out', () => {
    const gated = snapshot({}, { kycRequired: true })
    const kycOf = (kycStatus: PayoutInput['kycStatus'], kycVerified: boolean) =>
      evaluatePayout(gated, input({ kycStatus, kycVerified })).checks.find(({ rule }) => rule === 'kyc_verified')
    expect(kycOf(null, false)).toMatchObject({ passed: false, actual: 'unreported' })
    expect(kycOf('rejected', false)).toMatchObject({ passed: false, actual: 'rejected' })
    expect(kycOf('verified', false)).toMatchObject({ passed: false, actual: 'expired' })
    expect(kycOf('verified', true)).toMatchObject({ passed: true })
    expect(failed(snapshot(), input({ kycStatus: null, kycVerified: false }))).toStrictEqual([])
  })
})

describe('profit', () => {
  it.each([
    ['is what others have not asked for', { outstandingAmount: '600.01' }],
    ['counts open losses', { equity: '100399.99' }],
    ['does not count open gains', { balance: '100399.99', equity: '101000.00' }],
    ['does not count what a correction added', { corrections: '600.01' }],
  ])('%s', (_, of) => {
    expect(failed(snapshot(), input(of))).toStrictEqual(['required_remaining_buffer'])
  })

  it('is less by what a correction took', () => {
    const taken = input({ balance: '100500.00', equity: '100500.00', corrections: '-500.00' })
    expect(evaluatePayout(snapshot(), taken).profit).toBe('500.00')
  })
})
