import { describe, expect, it } from 'vitest'
import { type Evidence, type PayoutCommand, type PayoutsState, payouts } from '../../../src/commands/noctant/payouts.ts'
import type { PayoutEvent, SettlementStatus } from '../../../src/events/noctant/payout.ts'
import { example, timeAt, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify<PayoutsState, PayoutCommand, PayoutEvent>(payouts)

const requested = example('noctant.PayoutRequested.v1')
const approved = example('noctant.PayoutApproved.v1')
const rejected = example('noctant.PayoutRejected.v1')
const executing = example('noctant.PayoutExecutionRequested.v1')
const executed = example('noctant.PayoutExecuted.v1')
const failed = example('noctant.PayoutExecutionFailed.v1')
const settled = example('noctant.PayoutSettlementUpdated.v1')
const { payoutRequestId, globalUserId, programAccountId } = requested.data
const { commandId } = executing.data

const { policySnapshot: snapshot, policyInput, policyDecision: _decision, occurredAt: _at, ...facts } = requested.data
const { balance, equity, engineSequence, corrections, kycStatus, kycVerified } = policyInput
const figures = { balance, equity, engineSequence, corrections, kycStatus, kycVerified }
const evidence: Evidence = { snapshot, figures, debited: new Set() }

const ask = (of: Partial<typeof facts> = {}, from: Evidence = evidence): PayoutCommand => ({
  kind: 'request',
  request: { ...facts, ...of },
  evidence: from,
  at: timeAt(400),
})
const decisionOf = (events: PayoutEvent[], command: PayoutCommand) => {
  const [decided] = payouts.decide(command, events.reduce(payouts.evolve, payouts.initialState))
  if (decided?.type !== 'noctant.PayoutRequested.v1' && decided?.type !== 'noctant.PayoutRequestRefused.v1') {
    throw new Error('a request is answered by its event')
  }
  return { type: decided.type.split('.')[1], ...decided.data.policyDecision, input: decided.data.policyInput }
}
const second = { payoutRequestId: uuidOf('second request') }
const head = { payoutRequestId, globalUserId, operatorReference: null, at: timeAt(400) }
const approve = (execute: boolean, from: Evidence | undefined = evidence): PayoutCommand => ({
  kind: 'approve',
  ...head,
  note: null,
  execute,
  commandId,
  evidence: from,
})
const reject: PayoutCommand = { kind: 'reject', ...head, reason: 'no' }
const execution: PayoutEvent = {
  ...executing,
  data: { ...executing.data, note: null, operatorReference: null, occurredAt: timeAt(400) },
}

describe('a request', () => {
  it('is recorded with what the policy was applied to, and its decision', () => {
    const decision = decisionOf([], ask())
    expect(decision).toMatchObject({ type: 'PayoutRequested', outcome: 'accepted', granted: { ordinal: 1 } })
    expect(decision.input).toMatchObject({
      ...figures,
      outstandingAmount: '0',
      payoutsBefore: 0,
      lastRequestedAt: null,
    })
  })

  it('against the policy is recorded as refused', () => {
    const unverified = { ...evidence, figures: { ...figures, kycVerified: false } }
    expect(decisionOf([], ask({}, unverified))).toMatchObject({
      type: 'PayoutRequestRefused',
      outcome: 'refused',
      granted: null,
    })
  })

  it.each([
    ['that waits', [requested], '400', 2],
    ['that is approved', [requested, approved], '400', 2],
    ['that is being executed', [requested, approved, executing], '400', 2],
    ['that was executed, until the balance shows it', [requested, approved, executing, executed], '400', 2],
    ['that was rejected', [requested, rejected], '0', 1],
    ['that failed', [requested, approved, executing, failed], '0', 1],
  ] as const)('after one %s leaves it what it may still take', (_name, events, outstandingAmount, ordinal) => {
    const { input, granted } = decisionOf([...events], ask(second))
    expect([input.outstandingAmount, input.payoutsBefore]).toStrictEqual([outstandingAmount, ordinal - 1])
    if (granted) expect(granted.ordinal).toBe(ordinal)
  })

  it('after one that the balance shows as debited leaves nothing for it', () => {
    const after = { ...evidence, debited: new Set([payoutRequestId]) }
    const { input } = decisionOf([requested, approved, executing, executed], ask(second, after))
    expect([input.outstandingAmount, input.payoutsBefore]).toStrictEqual(['0', 1])
  })
})

describe('the operator’s decision', () => {
  it('approves, and with it asks for the execution or not', () => {
    const [reserved, ...none] = payouts.decide(approve(false), given([requested]).state())
    expect([reserved?.type, none]).toStrictEqual(['noctant.PayoutApproved.v1', []])
    const both = payouts.decide(approve(true), given([requested]).state())
    expect(both.map(({ type }) => type)).toStrictEqual([
      'noctant.PayoutApproved.v1',
      'noctant.PayoutExecutionRequested.v1',
    ])
  })

  it('executes what was approved before, once', () => {
    given([requested, approved]).when(approve(true, undefined)).then([execution])
    given([requested, approved, executing]).when(approve(true, undefined)).then(rejects('payout_state_conflict'))
  })

  it('said again in the same words is no other decision, whatever has come of it since', () => {
    const again = (command: PayoutCommand, words: object) =>
      ({ ...command, evidence: undefined, ...words }) as PayoutCommand
    const [plain, both] = [approve(false), approve(true)]
    for (const events of [
      [requested, approved],
      [requested, approved, executing, executed],
      [requested, approved, executing, failed],
    ]) {
      given(events)
        .when(again(plain, { note: 'fine' }))
        .then([])
      given(events)
        .when(again(plain, { note: 'fine', operatorReference: 'case-9' }))
        .then(rejects('payout_state_conflict'))
    }
    const quicker = { ...executing, data: { ...executing.data, note: 'quickly', operatorReference: 'case-1' } }
    given([requested, approved, quicker, executed])
      .when(again(both, { note: 'quickly', operatorReference: 'case-1' }))
      .then([])
    given([requested, approved, quicker, executed])
      .when(again(both, { note: 'fine' }))
      .then(rejects('payout_state_conflict'))
    // An execution of the time before its words were recorded was asked for in the approval's.
    given([requested, approved, executing])
      .when(again(both, { note: 'fine' }))
      .then([])
    given([requested, rejected])
      .when({ ...reject, reason: 'not yet' } as PayoutCommand)
      .then([])
    given([requested, rejected]).when(reject).then(rejects('payout_state_conflict'))
  })

  it('takes back what is reserved, until the debit or the payment outside has begun', () => {
    const of = { payoutRequestId, programAccountId, operatorReference: null, occurredAt: timeAt(400) }
    const back: PayoutEvent = { type: 'noctant.PayoutRejected.v1', data: { ...of, reason: 'no' } }
    given([requested, approved]).when(reject).then([back])
    expect(given([requested, approved, back]).state().payouts.get(payoutRequestId)).toMatchObject({
      policy: 'rejected',
      effect: 'not_applicable',
    })
    const tracked = { ...settled, data: { ...settled.data, to: 'pending_operator_payment' as const } }
    given([requested, approved, tracked]).when(reject).then(rejects('payout_state_conflict'))
    given([requested, approved, executing]).when(reject).then(rejects('payout_state_conflict'))
    given([requested, approved, back]).when(approve(true)).then(rejects('payout_state_conflict'))
    expect(decisionOf([requested, approved, back], ask(second)).input.outstandingAmount).toBe('0')
  })

  it('does not execute what the operator will not pay, and sets nothing aside for it', () => {
    const cancelled = { ...settled, data: { ...settled.data, to: 'operator_cancelled_payment' as const } }
    given([requested, approved, cancelled]).when(approve(true)).then(rejects('payout_state_conflict'))
    expect(decisionOf([requested, approved, cancelled], ask(second)).input).toMatchObject({
      outstandingAmount: '0',
      payoutsBefore: 0,
    })
    const taken = decisionOf([requested, approved, executing, cancelled], ask(second)).input
    expect(taken).toMatchObject({ outstandingAmount: '400', payoutsBefore: 1 })
  })

  it('rejects what waits', () => {
    given([requested])
      .when(reject)
      .then([
        {
          type: 'noctant.PayoutRejected.v1',
          data: { payoutRequestId, programAccountId, reason: 'no', operatorReference: null, occurredAt: timeAt(400) },
        },
      ])
  })

  it.each([
    ['approve', approve(false)],
    ['execute', approve(true)],
    ['reject', reject],
  ])('does not %s what is over', (_name, command) => {
    for (const events of [
      [requested, rejected],
      [example('noctant.PayoutRequestRefused.v1', { payoutRequestId })],
      [requested, approved, executing, executed],
      [requested, approved, executing, failed],
    ]) {
      given(events).when(command).then(rejects('payout_state_conflict'))
    }
  })

  it('does not approve what the policy would refuse by now', () => {
    const poorer = { ...evidence, figures: { ...figures, balance: '100300.00' } }
    given([requested]).when(approve(true, poorer)).then(rejects('payout_not_eligible'))
  })

  it('leaves room for the requests before it, and not for those after it', () => {
    const later = example('noctant.PayoutRequested.v1', { ...second, requestedAmount: '500.00' })
    const [first] = payouts.decide(approve(false), given([requested, later]).state())
    expect(first?.data).toMatchObject({ policyInput: { outstandingAmount: '0' } })
  })

  it('needs the request, of that user', () => {
    given([]).when(reject).then(rejects('payout_request_not_found'))
    given([requested])
      .when({ ...reject, globalUserId: uuidOf('another user') })
      .then(rejects('payout_request_not_found'))
  })
})

describe('the engine’s word', () => {
  const debited = (amount: string, eventId = uuidOf('debit')): PayoutCommand => ({
    kind: 'debited',
    commandId,
    eventId,
    amount,
    executedAt: timeAt(329),
    at: timeAt(330),
  })
  const decided = (outcome: 'accepted' | 'rejected' | 'ignored', code: string | null = null): PayoutCommand => ({
    kind: 'decided',
    commandId,
    eventId: uuidOf('decision'),
    outcome,
    code,
    reason: null,
    decidedAt: timeAt(329),
    at: timeAt(331),
  })
  const undelivered: PayoutCommand = {
    kind: 'undelivered',
    commandId,
    code: 'dead_lettered',
    reason: null,
    at: timeAt(5),
  }
  const asked = [requested, approved, executing]
  const typesOf = (events: PayoutEvent[], command: PayoutCommand) =>
    payouts
      .decide(command, given(events).state())
      .map(({ type, data }) => [type.split('.')[1], 'code' in data ? data.code : null])

  it('of a debit executes the payout, once', () => {
    given(asked).when(debited('400.00')).then([executed])
    given([...asked, executed])
      .when(debited('400.00'))
      .then([])
    given([...asked, executed])
      .when(decided('accepted'))
      .then([])
  })

  it('of a refusal fails it, once', () => {
    expect(typesOf(asked, decided('rejected', 'insufficient_balance'))).toStrictEqual([
      ['PayoutExecutionFailed', 'insufficient_balance'],
    ])
    expect(typesOf(asked, decided('ignored'))).toStrictEqual([['PayoutExecutionFailed', 'ignored']])
    given([...asked, failed])
      .when(decided('rejected'))
      .then([])
  })

  it('that never came fails it; a debit that comes after all outweighs that', () => {
    expect(typesOf(asked, undelivered)).toStrictEqual([['PayoutExecutionFailed', 'dead_lettered']])
    given([...asked, failed])
      .when(undelivered)
      .then([])
    given([...asked, failed])
      .when(debited('400.00'))
      .then([executed])
    given([...asked, executed])
      .when(undelivered)
      .then([])
  })

  it('that contradicts itself or the request makes it invalid', () => {
    expect(typesOf(asked, debited('399.99'))).toStrictEqual([['PayoutExecutionInvalid', 'amount_differs']])
    expect(typesOf(asked, decided('accepted'))).toStrictEqual([['PayoutExecutionInvalid', 'nothing_debited']])
    const done = [...asked, executed]
    expect(typesOf(done, decided('rejected'))).toStrictEqual([['PayoutExecutionInvalid', 'debited_and_refused']])
    expect(typesOf(done, debited('400.00', uuidOf('again')))).toStrictEqual([
      ['PayoutExecutionInvalid', 'debited_twice'],
    ])
    given([...asked, example('noctant.PayoutExecutionInvalid.v1')])
      .when(debited('400.00'))
      .then([])
  })

  it('on a command that is none of these payouts’ changes nothing', () => {
    given([requested, approved]).when(debited('400.00')).then([])
  })
})

describe('the payment outside', () => {
  const settle = (to: SettlementStatus, reference: string | null = null): PayoutCommand => ({
    kind: 'settle',
    ...head,
    to,
    reference,
    note: null,
  })
  const at = (to: SettlementStatus, reference: string | null = null): PayoutEvent => ({
    ...settled,
    data: { ...settled.data, to, reference },
  })

  it.each([
    [
      'not_tracked',
      ['pending_operator_payment', 'operator_marked_paid', 'operator_rejected_payment', 'operator_cancelled_payment'],
    ],
    ['pending_operator_payment', ['operator_marked_paid', 'operator_rejected_payment', 'operator_cancelled_payment']],
    ['operator_rejected_payment', ['pending_operator_payment', 'operator_cancelled_payment']],
    ['operator_marked_paid', []],
    ['operator_cancelled_payment', []],
  ] as const)('goes on from %s as it may, and no other way', (from, allowed) => {
    const events = from === 'not_tracked' ? [requested, approved] : [requested, approved, at(from, 'wire-1')]
    const every = [
      'not_tracked',
      'pending_operator_payment',
      'operator_marked_paid',
      'operator_rejected_payment',
      'operator_cancelled_payment',
    ] as const
    for (const to of every.filter((each) => each !== from)) {
      const { payouts: known } = given(events).state()
      const attempt = () => payouts.decide(settle(to, 'wire-2'), { payouts: known })
      if ((allowed as readonly string[]).includes(to)) expect(attempt()).toHaveLength(1)
      else expect(attempt).toThrow('cannot become')
    }
  })

  it('said again the same changes nothing; with another reference it is refused', () => {
    const paid = [requested, approved, at('operator_marked_paid', 'wire-1')]
    given(paid).when(settle('operator_marked_paid', 'wire-1')).then([])
    given(paid).when(settle('operator_marked_paid', 'wire-2')).then(rejects('payout_state_conflict'))
  })

  it('is tracked of approved requests alone, and has a reference once it is paid', () => {
    given([requested]).when(settle('pending_operator_payment')).then(rejects('payout_state_conflict'))
    given([requested, rejected]).when(settle('pending_operator_payment')).then(rejects('payout_state_conflict'))
    given([requested, approved])
      .when(settle('operator_marked_paid'))
      .then(rejects('settlement_reference_missing', '/external_settlement_reference'))
  })
})
