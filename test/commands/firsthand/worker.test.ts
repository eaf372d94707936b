/** What a worker may do, and what it is owed. How it is forgotten: worker-forgotten.test.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type WorkerCommand, worker } from '../../../src/commands/firsthand/worker.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { WorkerEvent } from '../../../src/events/firsthand/worker.ts'
import { rejects, specify } from '../../support/given.ts'
import { at } from './story.ts'

const given = specify(worker)
const workerId = 'wkr_1'
const of = { workerId, occurredAt: at(5) }
const asked = { workerId, at: at(5) }

const register = { kind: 'register', name: 'Wilma', email: null, synthetic: false, ...asked } as const
const registered: WorkerEvent = {
  type: 'firsthand.WorkerRegistered.v1',
  data: { ...of, name: 'Wilma', email: null, synthetic: false },
}
const suspended: WorkerEvent = { type: 'firsthand.WorkerSuspended.v1', data: { ...of, reason: 'spam' } }
const tokenFacts = (n: number) => ({
  ...{ tokenId: `tok_${n}`, textId: `text${n}`, tokenHash: String(n % 10).repeat(63) + (n < 10 ? 'a' : 'b') },
  hint: 'abcd',
})
const issue = (n: number): WorkerCommand => ({ kind: 'issueToken', token: tokenFacts(n), ...asked })
const issued = (n: number): WorkerEvent => ({
  type: 'firsthand.WorkerTokenIssued.v1',
  data: { ...of, ...tokenFacts(n) },
})
const revoke: WorkerCommand = { kind: 'revokeToken', tokenId: 'tok_1', reason: null, ...asked }
const revoked: WorkerEvent = {
  type: 'firsthand.WorkerTokenRevoked.v1',
  data: { ...of, tokenId: 'tok_1', reason: null },
}
const credit = (n: number, cents = 20n): WorkerCommand => ({
  ...{ kind: 'credit', submissionId: `sub_${n}`, jobId: 'job_1', amountCents: cents, ...asked },
})
const credited = (n: number, balanceCents: string, approvedCount: number): WorkerEvent => ({
  type: 'firsthand.EarningCredited.v1',
  data: { ...of, submissionId: `sub_${n}`, jobId: 'job_1', amountCents: '20', balanceCents, approvedCount },
})
const pay = (reference: string, amountCents: bigint): WorkerCommand => ({
  kind: 'pay',
  reference,
  amountCents,
  ...asked,
})
const paid = (reference: string, amountCents: string, balanceCents: string): WorkerEvent => ({
  type: 'firsthand.EarningsPaid.v1',
  data: { ...of, reference, amountCents, balanceCents },
})

describe('a worker', () => {
  it('is registered once', () => {
    given([]).when(register).then([registered])
    given([registered]).when(register).then([])
  })
  it('who was never registered is refused everything', () => {
    for (const command of [issue(1), revoke, credit(1), pay('r', 1n)]) {
      given([]).when(command).then(rejects('worker_not_found'))
    }
  })
  it('is suspended and resumed, each once', () => {
    const suspend = { kind: 'suspend', reason: 'spam', ...asked } as const
    const resume = { kind: 'resume', reason: null, ...asked } as const
    given([registered]).when(suspend).then([suspended])
    given([registered, suspended]).when(suspend).then([])
    given([registered]).when(resume).then([])
    given([registered, suspended])
      .when(resume)
      .then([{ type: 'firsthand.WorkerResumed.v1', data: { ...of, reason: null } }])
  })
})

describe('a worker’s token', () => {
  it('is issued once, and revoked once', () => {
    given([registered])
      .when(issue(1))
      .then([issued(1)])
    given([registered, issued(1)])
      .when(issue(1))
      .then([])
    given([registered, issued(1)])
      .when(revoke)
      .then([revoked])
    given([registered, issued(1), revoked])
      .when(revoke)
      .then([])
    given([registered]).when(revoke).then([])
  })
  it('that was revoked does not come back', () =>
    given([registered, issued(1), revoked])
      .when(issue(1))
      .then([]))
  it('is one of ten that work; a revoked one leaves its place', () => {
    const ten = Array.from({ length: 10 }, (_, n) => issued(n + 1))
    given([registered, ...ten])
      .when(issue(11))
      .then(rejects('worker_token_limit_reached'))
    given([registered, ...ten, revoked])
      .when(issue(11))
      .then([issued(11)])
  })
})

describe('what a worker is owed', () => {
  it('grows by each approved submission, once', () => {
    given([registered])
      .when(credit(1))
      .then([credited(1, '20', 1)])
    given([registered, credited(1, '20', 1)])
      .when(credit(2))
      .then([credited(2, '40', 2)])
    given([registered, credited(1, '20', 1), credited(2, '40', 2)])
      .when(credit(1))
      .then([])
  })
  it('is earned while suspended too: the work was approved', () =>
    given([registered, suspended])
      .when(credit(1))
      .then([credited(1, '20', 1)]))
  it('is paid once for each reference, and never beyond', () => {
    const history = [registered, credited(1, '20', 1)]
    given(history).when(pay('transfer 1', 21n)).then(rejects('earnings_too_low'))
    given(history)
      .when(pay('transfer 1', 20n))
      .then([paid('transfer 1', '20', '0')])
    given([...history, paid('transfer 1', '15', '5')])
      .when(pay('transfer 1', 15n))
      .then([])
    given([...history, paid('transfer 1', '15', '5')])
      .when(pay('transfer 2', 6n))
      .then(rejects('earnings_too_low'))
  })
  it('is not paid two amounts under one reference', () => {
    const before = [registered, credited(1, '20', 1), paid('wire 7', '5', '15')]
    given(before).when(pay('wire 7', 5n)).then([])
    given(before).when(pay('wire 7', 6n)).then(rejects('idempotency_key_reused'))
  })

  it('is what was earned less what was paid, in whatever order and however often each is asked for', () => {
    const step: fc.Arbitrary<WorkerCommand> = fc.oneof(
      fc.integer({ min: 1, max: 8 }).map((n) => credit(n, BigInt(n))),
      fc
        .tuple(fc.integer({ min: 1, max: 6 }), fc.bigInt({ min: 1n, max: 12n }))
        .map(([n, cents]) => pay(`r${n}`, cents)),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const events: WorkerEvent[] = [registered]
        for (const command of steps) {
          try {
            events.push(...worker.decide(command, fold(worker, events)))
          } catch (error) {
            if (!(error instanceof Rejected)) throw error
          }
        }
        const of = (type: WorkerEvent['type']) => events.filter((event) => event.type === type).map(({ data }) => data)
        const earnings = of('firsthand.EarningCredited.v1') as { submissionId: string; amountCents: string }[]
        const payments = of('firsthand.EarningsPaid.v1') as { reference: string; amountCents: string }[]
        const sum = (all: { amountCents: string }[]) =>
          all.reduce((total, each) => total + BigInt(each.amountCents), 0n)
        const state = fold(worker, events)
        expect(state.status !== 'absent' && state.balance).toBe(sum(earnings) - sum(payments))
        expect(sum(earnings) - sum(payments)).toBeGreaterThanOrEqual(0n)
        expect(new Set(earnings.map(({ submissionId }) => submissionId)).size).toBe(earnings.length)
        expect(new Set(payments.map(({ reference }) => reference)).size).toBe(payments.length)
      }),
    )
  })
})
