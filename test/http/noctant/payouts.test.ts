import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { account as accountAggregate } from '../../../src/commands/noctant/account.ts'
import { executionCommandIdOf } from '../../../src/commands/noctant/payout-requests.ts'
import type { Recorded } from '../../../src/events/event.ts'
import { follow } from '../../../src/processes/noctant/payout-execution.ts'
import { eventsOf } from '../../support/event-store.ts'
import { createRecorder, example } from '../../support/examples.ts'
import { type Answer, type Api, startApi } from '../api.ts'
import { testSealer } from '../exchange.ts'
import { type Account, fundedAccount, fundedTerms, newAccount } from './books.ts'
import type { TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  other = await api.addOperator()
})
afterAll(() => api.stop())

type Funded = Awaited<ReturnType<typeof fundedAccount>>
const funded = (options?: Parameters<typeof fundedAccount>[2]) => fundedAccount(api, acme, options)

const ask = (of: Account, amount: string, body: object = {}, key = acme.key) =>
  api.call('POST', `/v1/users/${of.userId}/payout-requests`, {
    key,
    body: { external_account_id: of.externalAccountId, amount, idempotency_key: randomUUID(), ...body },
  })
type Step = 'approve' | 'approve-and-execute' | 'reject'
const review = (of: Account, id: string, step: Step, body: object = {}, key = acme.key) =>
  api.call('POST', `/v1/users/${of.userId}/payout-requests/${id}/${step}`, {
    key,
    body: step === 'reject' ? { reason: 'not now', ...body } : body,
  })
const settle = (of: Account, id: string, body: object, key = acme.key) =>
  api.call('PATCH', `/v1/users/${of.userId}/payout-requests/${id}/external-settlement`, { key, body })
const read = (of: Account, path: string, key = acme.key) => api.call('GET', `/v1/users/${of.userId}/${path}`, { key })
const statement = async (of: Account, id: string) => (await read(of, `payout-statements/${id}`)).body.statement
const asked = async (of: Account, amount: string): Promise<string> =>
  (await ask(of, amount)).body.statement.payout_request_id
const payoutEvents = (of: Account) => eventsOf(api.store, `noctant.payouts-${of.programAccountId}`)
const failedRules = ({ body }: Answer) =>
  body.statement.policy_decision.checks
    .filter(({ passed }: { passed: boolean }) => !passed)
    .map(({ rule }: { rule: string }) => rule)

/** What the process does with these events, twice, as after a crash. */
async function process(...events: Recorded[]): Promise<void> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  for (const event of [...events, ...events]) await follow({ bus: api.bus, log }, event)
}

/** Approved, executed, and asked of the engine; answers with the engine command's id. */
async function executing(of: Account, amount: string): Promise<{ id: string; commandId: string }> {
  const id = await asked(of, amount)
  await review(of, id, 'approve-and-execute')
  await process(...(await payoutEvents(of)).filter(({ type }) => type === 'noctant.PayoutExecutionRequested.v1'))
  return { id, commandId: executionCommandIdOf(id) }
}

const debit = (of: Funded, id: string, change: string, balance: string) =>
  of.log.balance(balance, { cause: 'payout', reference: id, change, commandId: executionCommandIdOf(id) })

describe('createPayoutRequest', () => {
  it('applies the frozen policy and keeps what it said', async () => {
    const account = await funded({ terms: fundedTerms({ requiredRemainingBuffer: '100' }) })
    const answer = await ask(account, '400', { note: 'first', operator_reference: 'case-1' })
    expect(answer.status).toBe(200)
    expect(answer.body.statement).toMatchObject({
      user_id: account.userId,
      account_id: account.accountId,
      challenge_instance_id: account.instanceId,
      policy_status: 'pending_review',
      account_effect_status: 'not_applicable',
      external_settlement_status: 'not_tracked',
      requested_amount: '400.00',
      accepted_gross_amount: '400.00',
      trader_amount: '320.00',
      firm_retained_amount: '80.00',
      required_remaining_buffer: '100',
      ordinal_payout_number: 1,
      policy_snapshot: { policy: { profitSplitPercent: '80' }, initialBalance: '100000.00' },
      policy_input: { balance: '101000.00', requestedAmount: '400.00' },
      policy_decision: { outcome: 'accepted', profit: '1000.00', review: null },
      operator_reference: 'case-1',
    })
    const { payout_request_id: id } = answer.body.statement
    expect(await statement(account, id)).toStrictEqual(answer.body.statement)
    const [event] = await payoutEvents(account)
    expect(event?.data.policyInput).toStrictEqual(answer.body.statement.policy_input)
  })

  it('answers a repeated key as it did first, whatever has become of the request and the account', async () => {
    const account = await funded()
    const body = { idempotency_key: 'once' }
    const first = await ask(account, '300.00', body)
    await review(account, first.body.statement.payout_request_id, 'reject')
    await account.log.balance('90000.00')
    const second = await ask(account, '300', body)
    expect([second.status, second.body]).toStrictEqual([200, first.body])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await ask(account, '301', body)).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } })
    expect(await payoutEvents(account)).toHaveLength(2)
  })

  it('records a request against the policy as rejected, with the rule that it breaks', async () => {
    const account = await funded()
    const answer = await ask(account, '1000.01')
    expect(answer.body.statement).toMatchObject({
      policy_status: 'rejected',
      account_effect_status: 'not_applicable',
      accepted_gross_amount: null,
      ordinal_payout_number: null,
      rejected_at: expect.any(String),
    })
    expect(failedRules(answer)).toStrictEqual(['required_remaining_buffer'])
    expect((await review(account, answer.body.statement.payout_request_id, 'approve')).status).toBe(409)
  })

  it('of two at once lets only as much through as the policy allows, over two processes as well', async () => {
    const account = await funded()
    const bodies = Array.from({ length: 20 }, () => ({
      external_account_id: account.externalAccountId,
      amount: '300',
      idempotency_key: randomUUID(),
    }))
    const answers = await Promise.all(
      bodies.map((body, index) =>
        (index % 2 === 0 ? api.call : api.callSecond)('POST', `/v1/users/${account.userId}/payout-requests`, {
          key: acme.key,
          body,
        }),
      ),
    )
    const accepted = answers.filter(({ body }) => body.statement?.policy_status === 'pending_review')
    expect(accepted).toHaveLength(3)
    expect(accepted.map(({ body }) => body.statement.ordinal_payout_number).sort()).toStrictEqual([1, 2, 3])
    expect(answers.filter(({ status }) => ![200, 409].includes(status))).toStrictEqual([])
  })

  it('does not pay out what a correction added, nor what floats away in open positions', async () => {
    const account = await funded()
    await account.log.balance(
      '101500.00',
      { cause: 'correction', change: '500.00', reference: randomUUID() },
      '101400.00',
    )
    expect(failedRules(await ask(account, '900.01'))).toStrictEqual(['required_remaining_buffer'])
    expect((await ask(account, '900.00')).body.statement.policy_status).toBe('pending_review')
  })

  it.each([
    ['the policy', { terms: fundedTerms({ kycRequired: true }) }],
    ['the product', { kycGate: 'payout_only' }],
  ] as const)('holds the gate of KYC that %s sets: refused without a report, granted with one', async (_, options) => {
    const account = await funded(options)
    const before = await ask(account, '100')
    expect(failedRules(before)).toStrictEqual(['kyc_verified'])
    const reported_at = new Date().toISOString()
    await api.call('POST', `/v1/users/${account.userId}/kyc-status`, {
      key: acme.key,
      body: { status: 'verified', reported_at, verified_at: reported_at },
    })
    const after = await ask(account, '100')
    expect(after.body.statement).toMatchObject({
      policy_status: 'pending_review',
      policy_input: { kycStatus: 'verified', kycVerified: true },
    })
  })

  it('needs a funded challenge', async () => {
    const account = await newAccount(api, acme)
    expect(await ask(account, '100')).toMatchObject({ status: 409, body: { code: 'payout_not_eligible' } })
  })

  it('refuses amounts that cannot be paid with 400: zero, negative, below a cent, no number', async () => {
    const account = await funded()
    for (const amount of ['0', '-1', '0.001', 'much']) {
      const answer = await ask(account, amount)
      expect([answer.status, answer.body.errors]).toMatchObject([400, [{ pointer: '/amount' }]])
    }
    expect(await payoutEvents(account)).toStrictEqual([])
  })

  it('of another operator, user or account is 404', async () => {
    const account = await funded()
    const foreign = await newAccount(api, acme)
    const answers = [
      await ask(account, '1', {}, other.key),
      await ask({ ...account, userId: foreign.userId }, '1'),
      await ask({ ...account, externalAccountId: 'nothing' }, '1'),
    ]
    expect(answers.map(({ status }) => status)).toStrictEqual([404, 404, 404])
  })
})

describe('a payout request', () => {
  it('is approved, which reserves it, and then executed once', async () => {
    const account = await funded()
    const id = await asked(account, '400')
    const approved = await review(account, id, 'approve', { note: 'fine', operator_reference: 'case-2' })
    expect(approved.body.statement).toMatchObject({
      policy_status: 'approved',
      account_effect_status: 'reserved',
      policy_decision: { review: { decision: 'approved', note: 'fine', operator_reference: 'case-2' } },
    })
    expect(await statement(account, id)).toStrictEqual(approved.body.statement)
    expect(failedRules(await ask(account, '700'))).toStrictEqual(['required_remaining_buffer'])
    const executed = await review(account, id, 'approve-and-execute')
    expect(executed.body.statement).toMatchObject({ policy_status: 'approved', account_effect_status: 'executing' })
    const again = await review(account, id, 'approve-and-execute')
    expect([again.status, again.headers.get('idempotency-replayed')]).toStrictEqual([200, 'true'])
    expect(again.body).toStrictEqual(executed.body)
    expect(await review(account, id, 'approve-and-execute', { note: 'again' })).toMatchObject({
      status: 409,
      body: { code: 'payout_state_conflict' },
    })
    expect(await payoutEvents(account)).toHaveLength(4)
  })

  it('is decided once: the same decision in the same words is replayed, any other is 409', async () => {
    const account = await funded()
    const [first, second] = [await asked(account, '100'), await asked(account, '100')]
    const replayed = ({ status, headers }: Answer) => [status, headers.get('idempotency-replayed')]
    const words = { note: 'fine', operator_reference: 'case-3' }
    const approved = await review(account, first, 'approve', words)
    expect(replayed(approved)).toStrictEqual([200, null])
    const again = await review(account, first, 'approve', words)
    expect([replayed(again), again.body]).toStrictEqual([[200, 'true'], approved.body])
    expect((await review(account, first, 'approve', { note: 'fine' })).status).toBe(409)
    await review(account, second, 'reject', { reason: 'no' })
    expect(replayed(await review(account, second, 'reject', { reason: 'no' }))).toStrictEqual([200, 'true'])
    expect((await review(account, second, 'reject', { reason: 'never' })).status).toBe(409)
    expect((await review(account, second, 'approve')).status).toBe(409)
  })

  it('can be taken back while it is only reserved, and frees what it held', async () => {
    const account = await funded()
    const id = await asked(account, '900')
    await review(account, id, 'approve')
    const back = await review(account, id, 'reject', { reason: 'a mistake' })
    expect(back.body.statement).toMatchObject({
      policy_status: 'rejected',
      account_effect_status: 'not_applicable',
      policy_decision: { review: { decision: 'rejected', note: 'a mistake' } },
    })
    expect(await statement(account, id)).toStrictEqual(back.body.statement)
    expect((await review(account, id, 'approve-and-execute')).status).toBe(409)
    expect((await ask(account, '1000')).body.statement.policy_status).toBe('pending_review')
  })

  it('is debited once by the engine, and is a cash event then', async () => {
    const account = await funded()
    const { id, commandId } = await executing(account, '400')
    const requested = (await eventsOf(api.store, `noctant.account-${account.programAccountId}`)).filter(
      ({ data }) => data.commandId === commandId,
    )
    expect(requested.map(({ data }) => data.order)).toStrictEqual([
      { kind: 'execute_payout', amount: '400.00', reference: id },
    ])
    const debited = await debit(account, id, '-400.00', '100600.00')
    await process(...debited, ...(await account.log.decided(commandId, { kind: 'execute_payout' })))
    const done = await statementOnceProjected(account, id, 'executed')
    expect(done).toMatchObject({
      execution_event_id: debited[0]?.id,
      executed_at: expect.any(String),
      account_effect_executed_at: done.executed_at,
    })
    const { body } = await read(account, 'payouts')
    expect(body).toMatchObject({
      count: 1,
      next_cursor: null,
      payouts: [
        {
          amount: '320.00',
          currency: 'USD',
          instance_id: account.instanceId,
          source_event_id: debited[0]?.id,
          correlation_id: id,
        },
      ],
    })
    // What has been debited is neither there nor outstanding any more.
    expect(failedRules(await ask(account, '600.01'))).toStrictEqual(['required_remaining_buffer'])
    expect((await ask(account, '600.00')).body.statement).toMatchObject({
      policy_status: 'pending_review',
      ordinal_payout_number: 2,
    })
  })

  it('ends its challenge where it is the last that the policy has', async () => {
    const account = await funded({ terms: fundedTerms({ maximumCount: 2 }) })
    const instance = async () => {
      await api.waiter.waitFor((await api.store.head())!.position, 5_000)
      return (await api.call('GET', `/v1/challenges/${account.instanceId}`, { key: acme.key })).body
    }
    for (const [status, balance] of [
      ['active', '100900.00'],
      ['completed', '100800.00'],
    ] as const) {
      const { id } = await executing(account, '100')
      await process(...(await debit(account, id, '-100.00', balance)))
      expect((await instance()).status).toBe(status)
    }
    expect((await instance()).ended_at).not.toBeNull()
    const ends = (await eventsOf(api.store, `noctant.challenge-${account.instanceId}`)).filter(
      ({ type }) => type === 'noctant.ChallengeCompleted.v1',
    )
    expect(ends.map(({ data }) => data.payouts)).toStrictEqual([2])
    expect(await ask(account, '1')).toMatchObject({ status: 409, body: { code: 'payout_not_eligible' } })
  })

  it('that the engine refuses has failed, with the reason, and its reservation is released', async () => {
    const account = await funded()
    const { id, commandId } = await executing(account, '900')
    const refused = {
      kind: 'execute_payout',
      outcome: 'rejected',
      reasonCode: 'insufficient_balance',
      reason: 'Too little.',
    }
    await process(...(await account.log.decided(commandId, refused as never)))
    const failed = await statementOnceProjected(account, id, 'failed')
    expect(failed.policy_decision.execution_failure).toStrictEqual({
      code: 'insufficient_balance',
      reason: 'Too little.',
    })
    expect((await read(account, 'payouts')).body.count).toBe(0)
    expect((await ask(account, '1000')).body.statement).toMatchObject({
      policy_status: 'pending_review',
      ordinal_payout_number: 1,
    })
  })

  it('of an account that was closed meanwhile has failed', async () => {
    const account = await funded()
    const id = await asked(account, '400')
    await review(account, id, 'approve-and-execute')
    const stream = `noctant.account-${account.programAccountId}`
    const last = (await eventsOf(api.store, stream)).at(-1)
    const { programAccountId, accountId } = account
    const closed = example('noctant.AccountStatusChanged.v1', { programAccountId, accountId, to: 'closed' })
    const cause = {
      $correlationId: 'c',
      $causationId: 'c',
      actor: { kind: 'admin', id: 'test' },
      commandId: 'c',
    } as const
    await api.store.append(stream, last?.revision, last?.metadata.hash ?? '', [
      { id: randomUUID(), event: closed, cause },
    ])
    await api.bus.current(accountAggregate, programAccountId)
    await process(...(await payoutEvents(account)).filter(({ type }) => type === 'noctant.PayoutExecutionRequested.v1'))
    const failed = await statementOnceProjected(account, id, 'failed')
    expect(failed.policy_decision.execution_failure.code).toBe('account_closed')
  })

  it('that never reached the engine has failed', async () => {
    const account = await funded()
    const { id, commandId } = await executing(account, '400')
    const data = { commandId, accountId: account.accountId }
    const { record } = createRecorder()
    await process(record(example('noctant.EngineCommandDeadLettered.v1', data)) as Recorded)
    const failed = await statementOnceProjected(account, id, 'failed')
    expect(failed.policy_decision.execution_failure.code).toBe('dead_lettered')
  })

  it('that the engine debits by another amount is invalid, and no cash event', async () => {
    const account = await funded()
    const { id } = await executing(account, '400')
    await process(...(await debit(account, id, '-40.00', '100960.00')))
    const invalid = await statementOnceProjected(account, id, 'invalid_execution')
    expect(invalid.policy_decision.execution_failure.code).toBe('amount_differs')
    expect((await read(account, 'payouts')).body.count).toBe(0)
  })

  it('is not approved once the challenge’s profit is gone', async () => {
    const account = await funded()
    const id = await asked(account, '400')
    await account.log.balance('100300.00')
    expect(await review(account, id, 'approve')).toMatchObject({ status: 409, body: { code: 'payout_not_eligible' } })
    expect((await statement(account, id)).policy_status).toBe('pending_review')
  })

  it('approved, rejected and executed by thirty at once takes one legal way, and the rest get 409', async () => {
    const account = await funded()
    const id = await asked(account, '400')
    const steps = ['approve', 'reject', 'approve-and-execute'] as const
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => review(account, id, steps[n % 3] ?? 'reject')),
    )
    const refused = answers.filter(({ status }) => status === 409)
    const { policy_status, account_effect_status } = await statement(account, id)
    const types = (await payoutEvents(account)).slice(1).map(({ type }) => type.split('.')[1])
    const isRejected = types.at(-1) === 'PayoutRejected'
    expect([policy_status, account_effect_status]).toStrictEqual(
      isRejected ? ['rejected', 'not_applicable'] : ['approved', 'executing'],
    )
    expect([
      ['PayoutRejected'],
      ['PayoutApproved', 'PayoutRejected'],
      ['PayoutApproved', 'PayoutExecutionRequested'],
    ]).toContainEqual(types)
    // What is rejected is never executed, and the other way round; what was decided already is answered as a repeat.
    const losers = answers.filter((_, n) => steps[n % 3] === (isRejected ? 'approve-and-execute' : 'reject'))
    expect(losers.map(({ status }) => status)).toStrictEqual(Array(10).fill(409))
    expect(refused.every(({ body }) => ['payout_state_conflict', 'concurrent_change'].includes(body.code))).toBe(true)
  })

  it('of another operator or user is 404, whatever is done with it', async () => {
    const account = await funded()
    const foreign = await newAccount(api, acme)
    const id = await asked(account, '100')
    const answers = await Promise.all([
      review(account, id, 'approve', {}, other.key),
      review(account, id, 'approve-and-execute', {}, other.key),
      review(account, id, 'reject', {}, other.key),
      settle(account, id, { status: 'pending_operator_payment' }, other.key),
      read(account, `payout-statements/${id}`, other.key),
      read(account, 'payout-statements', other.key),
      read(account, 'payouts', other.key),
      review(foreign, id, 'approve'),
      review(foreign, id, 'reject'),
      settle(foreign, id, { status: 'pending_operator_payment' }),
      read(foreign, `payout-statements/${id}`),
      review(account, randomUUID(), 'approve'),
    ])
    expect(answers.map(({ status }) => status)).toStrictEqual(Array(12).fill(404))
  })
})

/** The projector follows the process at its own pace. */
async function statementOnceProjected(of: Account, id: string, effect: string) {
  const position = (await payoutEvents(of)).at(-1)?.position
  const { body } = await api.call('GET', `/v1/users/${of.userId}/payout-statements/${id}`, {
    key: acme.key,
    headers: { 'x-opslog-position': testSealer.sealPosition(position!) },
  })
  expect(body.statement.account_effect_status).toBe(effect)
  return body.statement
}

describe('updatePayoutSettlement', () => {
  it('tracks the payment of an approved request, and a payment has a reference', async () => {
    const account = await funded()
    const id = await asked(account, '100')
    const early = await settle(account, id, { status: 'pending_operator_payment' })
    expect([early.status, early.body.code]).toStrictEqual([409, 'payout_state_conflict'])
    await review(account, id, 'approve')
    const pending = await settle(account, id, { status: 'pending_operator_payment', note: 'sent to the bank' })
    expect(pending.body.statement).toMatchObject({
      external_settlement_status: 'pending_operator_payment',
      externally_settled_at: null,
    })
    const bare = await settle(account, id, { status: 'operator_marked_paid' })
    expect([bare.status, bare.body.errors]).toMatchObject([400, [{ pointer: '/external_settlement_reference' }]])
    const body = { status: 'operator_marked_paid', external_settlement_reference: 'wire-7' }
    const paid = await settle(account, id, body)
    expect(paid.body.statement).toMatchObject({
      external_settlement_status: 'operator_marked_paid',
      external_settlement_reference: 'wire-7',
      externally_settled_at: expect.any(String),
    })
    expect(await statement(account, id)).toStrictEqual(paid.body.statement)
    const again = await settle(account, id, body)
    expect([again.body, again.headers.get('idempotency-replayed')]).toStrictEqual([paid.body, 'true'])
    expect((await settle(account, id, { status: 'operator_cancelled_payment' })).status).toBe(409)
    expect(await payoutEvents(account)).toHaveLength(4)
  })

  it('releases what was reserved when the payment is called off, and nothing is executed then', async () => {
    const account = await funded()
    const id = await asked(account, '900')
    await review(account, id, 'approve')
    const called = await settle(account, id, { status: 'operator_cancelled_payment' })
    expect(called.body.statement).toMatchObject({ policy_status: 'approved', account_effect_status: 'not_applicable' })
    expect(await statement(account, id)).toStrictEqual(called.body.statement)
    expect((await ask(account, '1000')).body.statement.policy_status).toBe('pending_review')
    const execution = await review(account, id, 'approve-and-execute')
    expect([execution.status, execution.body.code]).toStrictEqual([409, 'payout_state_conflict'])
    expect((await review(account, id, 'reject')).status).toBe(409)
  })
})

describe('lists', () => {
  it('come newest first, a page at a time, with both halves of a cursor or none', async () => {
    const account = await funded()
    for (const amount of ['10', '20', '30']) await ask(account, amount)
    const first = await read(account, 'payout-statements?limit=2')
    const { before_requested_at, before_payout_request_id } = first.body.next_cursor
    const cursor = `before_requested_at=${before_requested_at}&before_payout_request_id=${before_payout_request_id}`
    const second = await read(account, `payout-statements?limit=2&${cursor}`)
    const amounts = [...first.body.statements, ...second.body.statements].map((each) => each.requested_amount)
    expect(amounts).toStrictEqual(['30.00', '20.00', '10.00'])
    expect(second.body.next_cursor).toBeNull()
    expect((await read(account, `payout-statements?before_requested_at=${before_requested_at}`)).status).toBe(400)
    expect((await read(account, 'payouts')).body).toStrictEqual({ payouts: [], count: 0, next_cursor: null })
    expect((await read(account, `payouts?before_event_id=${randomUUID()}`)).status).toBe(400)
  })
})
