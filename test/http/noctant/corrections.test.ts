import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf } from '../../support/event-store.ts'
import { example } from '../../support/examples.ts'
import { type Api, startApi } from '../api.ts'
import { testSealer } from '../exchange.ts'
import { type Account, engineLog, newAccount } from './books.ts'
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

const correct = (of: Account, amount: unknown, body: object = {}, key = acme.key) =>
  api.call('POST', `/v1/users/${of.userId}/account-corrections`, {
    key,
    body: {
      external_account_id: of.externalAccountId,
      amount,
      reason: 'a fee was charged twice',
      idempotency_key: randomUUID(),
      ...body,
    },
  })
const read = (of: Account, below = '', key = acme.key, position?: bigint) =>
  api.call('GET', `/v1/users/${of.userId}/account-corrections${below}`, {
    key,
    ...(position === undefined ? {} : { headers: { 'x-opslog-position': testSealer.sealPosition(position) } }),
  })
const ordersOf = async (of: Account) =>
  (await eventsOf(api.store, `noctant.account-${of.programAccountId}`))
    .filter(({ type }) => type === 'noctant.EngineCommandRequested.v1')
    .map(({ data }) => data.order as { kind: string })
    .filter(({ kind }) => kind === 'adjust_balance')

describe('createAccountCorrection', () => {
  it('records the correction together with the order to the engine, and can be read at once', async () => {
    const account = await newAccount(api, acme)
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const answer = await api.call('POST', `/v1/users/${account.userId}/account-corrections`, {
      key: acme.key,
      headers: { traceparent },
      body: {
        external_account_id: account.externalAccountId,
        amount: -12.5,
        reason: 'fee',
        operator_reference: 'case-1',
        idempotency_key: 'c-1',
      },
    })
    expect([answer.status, answer.body.correction]).toMatchObject([
      200,
      {
        user_id: account.userId,
        account_id: account.accountId,
        correction_type: 'balance_adjustment',
        status: 'publishing',
        amount: '-12.50',
        reason: 'fee',
        operator_reference: 'case-1',
        idempotency_key: 'c-1',
        trace_id: 'a'.repeat(32),
        published_at: null,
      },
    ])
    const { correction_id, command_id, correlation_id } = answer.body.correction
    expect(correlation_id).toBe(correction_id)
    expect((await read(account, `/${correction_id}`)).body).toStrictEqual(answer.body)
    expect(await ordersOf(account)).toStrictEqual([
      { kind: 'adjust_balance', amount: '-12.50', reference: correction_id, reason: 'fee' },
    ])
    const status = await api.call(
      'GET',
      `/v1/accounts/by-external-id/commands/${command_id}?external_account_id=${account.externalAccountId}`,
      { key: acme.key },
    )
    expect(status.body.command).toMatchObject({ command_type: 'adjust_balance', status: 'outbox_pending' })
  })

  it('sent fifty times at once under one key is one correction, and other content is 409', async () => {
    const account = await newAccount(api, acme)
    const body = { idempotency_key: 'crowd' }
    const answers = await Promise.all(Array.from({ length: 50 }, () => correct(account, '10', body)))
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(49)
    expect(await ordersOf(account)).toHaveLength(1)
    expect((await correct(account, '10.00', body)).status).toBe(200)
    expect(await correct(account, '11', body)).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } })
  })

  it.each([
    ['zero', '0', '/amount'],
    ['zero with digits', '-0.00', '/amount'],
    ['a fraction of a cent', '0.001', '/amount'],
    ['no number', 'much', '/amount'],
    ['thirteen digits', '1000000000000', '/amount'],
  ])('refuses %s with 400 and asks the engine for nothing', async (_, amount, pointer) => {
    const account = await newAccount(api, acme)
    const answer = await correct(account, amount)
    expect([answer.status, answer.body.errors]).toMatchObject([400, [{ pointer }]])
    expect(await ordersOf(account)).toStrictEqual([])
  })

  it('needs a reason of 1 to 500 characters', async () => {
    const account = await newAccount(api, acme)
    const answers = [
      await correct(account, '1', { reason: '' }),
      await correct(account, '1', { reason: 'r'.repeat(501) }),
    ]
    expect(answers.map(({ status }) => status)).toStrictEqual([400, 400])
  })

  it('of another operator, user or account is 404', async () => {
    const account = await newAccount(api, acme)
    const foreign = await newAccount(api, acme)
    const { body } = await correct(account, '1')
    const id = body.correction.correction_id
    const answers = [
      await correct(account, '1', {}, other.key),
      await correct({ ...account, userId: foreign.userId }, '1'),
      await correct({ ...account, externalAccountId: 'nothing' }, '1'),
      await read(account, '', other.key),
      await read(account, `/${id}`, other.key),
      await read(foreign, `/${id}`),
      await read(account, `/${randomUUID()}`),
    ]
    expect(answers.map(({ status }) => status)).toStrictEqual(Array(7).fill(404))
  })
})

describe('a correction', () => {
  async function reported(
    of: Account,
    events: (id: string, commandId: string) => Parameters<ReturnType<typeof engineLog>['write']>[0][],
  ) {
    const { body } = await correct(of, '-25')
    const { correction_id: id, command_id: commandId } = body.correction
    const log = engineLog(api, of.accountId)
    const written = await log.write(example('noctant.EngineAccountOpened.v1'), ...events(id, commandId))
    return { written, correction: (await read(of, `/${id}`, acme.key, written.at(-1)?.position)).body.correction }
  }
  const changed = (reference: string, commandId: string, change: string) =>
    example('noctant.EngineBalanceChanged.v1', { cause: 'correction', reference, commandId, change })
  const decided = (commandId: string, of: object = {}) =>
    example('noctant.EngineCommandDecided.v1', { commandId, kind: 'adjust_balance', ...of })

  it('is executed when the engine has changed the balance by it', async () => {
    const { written, correction } = await reported(await newAccount(api, acme), (id, commandId) => [
      changed(id, commandId, '-25.00'),
      decided(commandId),
    ])
    expect(correction).toMatchObject({ status: 'executed', execution_event_id: written[1]?.id })
    expect(correction.executed_at).toBe(written[1]?.data.occurredAt)
  })

  it('that the engine refuses has failed, with its code', async () => {
    const { correction } = await reported(await newAccount(api, acme), (_, commandId) => [
      decided(commandId, { outcome: 'rejected', reasonCode: 'insufficient_balance', reason: 'Too little.' }),
    ])
    expect(correction).toMatchObject({
      status: 'execution_failed',
      execution_failure_code: 'insufficient_balance',
      execution_failure_reason: 'Too little.',
      executed_at: null,
    })
    expect(correction.execution_failed_at).not.toBeNull()
  })

  it.each([
    ['accepted without a change', [] as string[], 'accepted'],
    ['accepted with another amount', ['-24.99'], 'accepted'],
    ['refused after a change', ['-25.00'], 'rejected'],
  ])('%s is invalid', async (_, changes, outcome) => {
    const { correction } = await reported(await newAccount(api, acme), (id, commandId) => [
      ...changes.map((change) => changed(id, commandId, change)),
      decided(commandId, { outcome }),
    ])
    expect(correction.status).toBe('invalid_execution')
  })
})

describe('listAccountCorrections', () => {
  it('comes newest first, a page at a time', async () => {
    const account = await newAccount(api, acme)
    for (const amount of ['1', '-2', '3']) await correct(account, amount)
    const first = await read(account, '?limit=2')
    const { before_requested_at, before_correction_id } = first.body.next_cursor
    const cursor = `before_requested_at=${before_requested_at}&before_correction_id=${before_correction_id}`
    const second = await read(account, `?limit=2&${cursor}`)
    const amounts = [...first.body.corrections, ...second.body.corrections].map(({ amount }) => amount)
    expect(amounts).toStrictEqual(['3.00', '-2.00', '1.00'])
    expect([first.body.count, second.body.count, second.body.next_cursor]).toStrictEqual([2, 1, null])
    expect((await read(account, `?before_correction_id=${before_correction_id}`)).status).toBe(400)
  })
})
