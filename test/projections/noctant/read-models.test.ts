import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorded } from '../../../src/events/event.ts'
import { findAccount, findAttempt, listAccounts } from '../../../src/projections/noctant/account.ts'
import { listApiKeys } from '../../../src/projections/noctant/api-key.ts'
import { findOperator, listOperators } from '../../../src/projections/noctant/operator.ts'
import { listOrders } from '../../../src/projections/noctant/order.ts'
import { listPositions } from '../../../src/projections/noctant/position.ts'
import { findSummary } from '../../../src/projections/noctant/summary.ts'
import { noctantTables } from '../../../src/projections/noctant/tables.ts'
import { listTrades } from '../../../src/projections/noctant/trade.ts'
import { findUser, findUserByExternalId } from '../../../src/projections/noctant/user.ts'
import { createRecorder, example, ids, timeAt, uuidOf } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'
import { empty, writerOn } from './tables.ts'

let database: Prepared
let record: ReturnType<typeof createRecorder>['record']
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())
beforeEach(async () => {
  record = createRecorder().record
  await empty(database.db)
})

const given = (...events: Recorded[]) => writerOn(database.db).write(events)
const opened = (overrides: Parameters<typeof example<'noctant.AccountOpened.v1'>>[1] = {}) =>
  record(example('noctant.AccountOpened.v1', overrides))

describe('operators and their keys', () => {
  test('an operator is active, suspended, and active again', async () => {
    await given(record(example('noctant.OperatorCreated.v1')))
    expect(await findOperator(database.db, ids.operator)).toEqual({
      operator_id: ids.operator,
      org_id: ids.org,
      name: 'Example Prop',
      slug: 'example-prop',
      status: 'active',
      environment: 'sandbox',
      rate_limit_tier: 'standard',
      operator_api_access: 'allowlisted_beta',
      allowed_origins: ['https://example.com'],
      activated_at: timeAt(1),
      created_at: timeAt(1),
      updated_at: timeAt(1),
    })
    await given(record(example('noctant.OperatorSuspended.v1')))
    expect(await findOperator(database.db, ids.operator)).toMatchObject({ status: 'suspended', updated_at: timeAt(3) })
    await given(record(example('noctant.OperatorResumed.v1')))
    expect(await listOperators(database.db)).toMatchObject([{ status: 'active', activated_at: timeAt(1) }])
  })

  test('a revoked key stays in the list, with the time', async () => {
    await given(record(example('noctant.ApiKeyIssued.v1')), record(example('noctant.ApiKeyRevoked.v1')))
    expect(await listApiKeys(database.db, ids.operator)).toEqual([
      {
        key_id: 'key1',
        operator_id: ids.operator,
        label: 'first key',
        environment: 'sandbox',
        scopes: ['users:create', 'users:read', 'accounts:read'],
        key_hash: 'ab'.repeat(32),
        revoked_at: timeAt(5),
        valid_until: null,
        created_at: timeAt(2),
      },
    ])
    expect(await listApiKeys(database.db, uuidOf('another operator'))).toEqual([])
  })
})

describe('users', () => {
  test('are found by either id, by their own operator alone, and byte for byte', async () => {
    await given(record(example('noctant.UserProvisioned.v1')), record(example('noctant.UserProfileRefreshed.v1')))
    const shown = {
      global_user_id: ids.user,
      external_id: 'user-1',
      email: 'ada@example.com',
      display_name: 'Ada Lovelace',
      created_at: timeAt(10),
      updated_at: timeAt(11),
    }
    expect(await findUser(database.db, ids.operator, ids.user)).toEqual(shown)
    expect(await findUserByExternalId(database.db, ids.operator, 'user-1')).toEqual(shown)
    expect(await findUserByExternalId(database.db, ids.operator, 'User-1')).toBeUndefined()
    expect(await findUser(database.db, uuidOf('another operator'), ids.user)).toBeUndefined()
    expect(await findUserByExternalId(database.db, uuidOf('another operator'), 'user-1')).toBeUndefined()
  })
})

describe('accounts', () => {
  test('carry what the contract shows, and their status as it changes', async () => {
    await given(opened(), record(example('noctant.AccountStatusChanged.v1')))
    expect(await findAccount(database.db, ids.operator, 'account-1')).toEqual({
      org_id: ids.org,
      global_user_id: ids.user,
      program_account_id: ids.programAccount,
      current_program_account_attempt_id: ids.attempt,
      account_id: ids.account,
      external_account_id: 'account-1',
      account_number: 'NCT-0000-0000-0001',
      account_name: 'Example account',
      product_id: null,
      challenge_instance_id: null,
      currency: 'USD',
      execution_profile_key: 'default',
      execution_mode: 'simulated',
      market_mode: 'live_market',
      program_type: 'standard',
      program_origin: 'firm',
      provisioning_source: 'operator_api',
      provider_type: 'prop_firm',
      rules_owner: 'partner',
      feed_source: 'noctant',
      branding_policy: 'co_brand',
      visibility_policy: 'same_sponsor_only',
      claim_allowed: false,
      marketing_allowed: false,
      sponsorship_status: 'disabled',
      created_at: timeAt(20),
      updated_at: timeAt(30),
    })
    expect(await findAccount(database.db, uuidOf('another operator'), 'account-1')).toBeUndefined()
    expect(await findAttempt(database.db, ids.programAccount, ids.attempt)).toMatchObject({ account_id: ids.account })
    expect(await findAttempt(database.db, uuidOf('another account'), ids.attempt)).toBeUndefined()
  })

  test('come newest first, page by page, each once, also where many were made in one millisecond', async () => {
    const made = Array.from({ length: 23 }, (_, index) =>
      opened({
        programAccountId: uuidOf(`program account ${index}`),
        attemptId: uuidOf(`attempt ${index}`),
        accountId: uuidOf(`account ${index}`),
        externalAccountId: `account-${index}`,
        // Three groups of one time each.
        occurredAt: timeAt(20 + Math.floor(index / 8) / 1_000),
      }),
    )
    await given(...made)
    const pages: string[][] = []
    let before: { createdAt: string; programAccountId: string } | undefined
    for (;;) {
      const page = await listAccounts(database.db, ids.operator, { before, limit: 5 })
      if (page.length === 0) break
      pages.push(page.map(({ external_account_id }) => external_account_id))
      const last = page.at(-1)!
      before = { createdAt: last.created_at, programAccountId: last.program_account_id }
    }
    const expected = made
      .map(({ data }) => data)
      .toSorted((a, b) => {
        const [x, y] = [a, b].map((each) => each.occurredAt + each.programAccountId)
        return x! < y! ? 1 : -1
      })
      .map(({ externalAccountId }) => externalAccountId)
    expect(pages.flat()).toEqual(expected)
    expect(pages.map((page) => page.length)).toEqual([5, 5, 5, 5, 3])
    expect(await listAccounts(database.db, uuidOf('another operator'), { limit: 5 })).toEqual([])
  })
})

describe('the summary', () => {
  test('says so where the engine would not open the account', async () => {
    const refused = { kind: 'open_account', outcome: 'rejected', reasonCode: 'unsupported_currency' } as const
    await given(opened(), record(example('noctant.EngineCommandDecided.v1', refused)))
    expect(await findSummary(database.db, ids.account)).toMatchObject({ trading_status: 'rejected' })
  })

  test('starts pending with the opening balance, and follows the engine', async () => {
    await given(opened())
    const start = {
      account_id: ids.account,
      org_id: ids.org,
      global_user_id: ids.user,
      external_account_id: 'account-1',
      currency: 'USD',
      balance: '100000.00',
      equity: '100000.00',
      margin_used: '0.00',
      free_margin: '100000.00',
      margin_level: null,
      trading_status: 'pending',
      updated_at: timeAt(20),
      version: '0',
    }
    expect(await findSummary(database.db, ids.account)).toEqual(start)

    await given(record(example('noctant.EngineAccountOpened.v1')))
    const active = { ...start, trading_status: 'active', version: '1', updated_at: timeAt(101) }
    expect(await findSummary(database.db, ids.account)).toEqual(active)

    await given(record(example('noctant.EngineAccountMarked.v1')))
    const marked = {
      ...active,
      equity: '100002.50',
      margin_used: '108.25',
      free_margin: '99894.25',
      margin_level: '92380.60',
      version: '12',
      updated_at: timeAt(112),
    }
    expect(await findSummary(database.db, ids.account)).toEqual(marked)

    await given(record(example('noctant.EngineTradingStatusChanged.v1', { sequence: 13 })))
    expect(await findSummary(database.db, ids.account)).toMatchObject({ trading_status: 'disabled', version: '13' })
  })

  test('keeps decimals that a double would round', async () => {
    await given(
      opened(),
      record(
        example('noctant.EngineAccountMarked.v1', {
          balance: '9007199254740993.10',
          equity: '0.000000000000000001',
          marginLevel: null,
        }),
      ),
    )
    expect(await findSummary(database.db, ids.account)).toMatchObject({
      balance: '9007199254740993.10',
      equity: '0.000000000000000001',
      margin_level: null,
    })
  })
})

describe('positions', () => {
  test('are opened, marked and closed', async () => {
    await given(opened(), record(example('noctant.EnginePositionChanged.v1')))
    const position = {
      position_id: ids.position,
      account_id: ids.account,
      org_id: ids.org,
      symbol: 'EURUSD',
      side: 'long',
      quantity: '10000',
      avg_entry_price: '1.08250',
      take_profit: '1.1',
      stop_loss: null,
      unrealized_pnl: '-1.00',
      opened_at: timeAt(106),
      updated_at: timeAt(108),
    }
    expect(await listPositions(database.db, ids.account)).toEqual([position])
    await given(record(example('noctant.EngineAccountMarked.v1')))
    const marked = { ...position, unrealized_pnl: '2.50', updated_at: timeAt(112) }
    expect(await listPositions(database.db, ids.account)).toEqual([marked])
    await given(record(example('noctant.EnginePositionClosed.v1')))
    expect(await listPositions(database.db, ids.account)).toEqual([])
  })
})

describe('orders', () => {
  const placed = (name: string, seconds: number, accountId: string = ids.account) =>
    record(example('noctant.EngineOrderPlaced.v1', { orderId: uuidOf(name), accountId, occurredAt: timeAt(seconds) }))
  const current = { programAccountId: ids.programAccount, attemptId: ids.attempt, limit: 50 }

  test('work, are filled in parts, filled, cancelled or rejected', async () => {
    const orderId = ids.order
    const statusOf = async () => (await listOrders(database.db, current)).find(({ order_id }) => order_id === orderId)
    await given(opened(), record(example('noctant.EngineOrderPlaced.v1')))
    expect(await statusOf()).toEqual({
      order_id: orderId,
      account_id: ids.account,
      org_id: ids.org,
      program_account_attempt_id: ids.attempt,
      symbol: 'EURUSD',
      side: 'buy',
      order_type: 'market',
      quantity: '10000',
      limit_price: null,
      stop_price: null,
      take_profit: '1.1',
      stop_loss: null,
      time_in_force: 'gtc',
      source: 'trader',
      status: 'working',
      filled_quantity: '0',
      remaining_quantity: '10000',
      average_fill_price: null,
      created_at: timeAt(104),
      updated_at: timeAt(104),
    })
    const part = { filledQuantity: '4000', remainingQuantity: '6000', status: 'partially_filled' } as const
    await given(record(example('noctant.EngineOrderFilled.v1', part)))
    expect(await statusOf()).toMatchObject({ status: 'partially_filled', filled_quantity: '4000' })
    await given(record(example('noctant.EngineOrderFilled.v1')))
    expect(await statusOf()).toMatchObject({
      status: 'filled',
      remaining_quantity: '0',
      average_fill_price: '1.08250',
      created_at: timeAt(104),
      updated_at: timeAt(106),
    })
    await given(record(example('noctant.EngineOrderRejected.v1')))
    expect(await listOrders(database.db, { ...current, status: 'rejected' })).toMatchObject([
      { order_id: uuidOf('rejected order'), filled_quantity: '0', remaining_quantity: '10000' },
    ])
  })

  test('are those of one attempt or of all, never of another account', async () => {
    const second = { attempt_id: uuidOf('attempt 2'), account_id: uuidOf('execution account 2') }
    await given(
      opened(),
      placed('mine', 1),
      placed('of attempt 2', 2, second.account_id),
      placed('strange', 3, uuidOf('x')),
    )
    await noctantTables(database.db)
      .insertInto('noctant_attempts')
      .values({
        ...second,
        program_account_id: ids.programAccount,
        operator_id: ids.operator,
        org_id: ids.org,
        started_at: timeAt(2),
      })
      .execute()
    const found = async (attemptId: string | undefined) =>
      (await listOrders(database.db, { ...current, attemptId })).map((row) => [
        row.order_id,
        row.program_account_attempt_id,
      ])
    expect(await found(ids.attempt)).toEqual([[uuidOf('mine'), ids.attempt]])
    expect(await found(second.attempt_id)).toEqual([[uuidOf('of attempt 2'), second.attempt_id]])
    expect(await found(undefined)).toEqual([
      [uuidOf('of attempt 2'), second.attempt_id],
      [uuidOf('mine'), ids.attempt],
    ])
    expect(await found(uuidOf('no attempt'))).toEqual([])
    expect(await listOrders(database.db, { ...current, programAccountId: uuidOf('x') })).toEqual([])
  })

  test('come page by page, and a new order meanwhile neither repeats nor hides one', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `order ${index}`)
    await given(opened(), ...names.map((name, index) => placed(name, 50 + Math.floor(index / 5) / 1_000)))
    const first = await listOrders(database.db, { ...current, limit: 7 })
    await given(placed('late', 60))
    const last = first.at(-1)!
    const before = { createdAt: last.created_at, orderId: last.order_id }
    const second = await listOrders(database.db, { ...current, limit: 7, before })
    const seen = [...first, ...second].map(({ order_id }) => order_id)
    expect(seen.toSorted()).toEqual(names.map(uuidOf).toSorted())
  })
})

describe('trades', () => {
  const page = { programAccountId: ids.programAccount, attemptId: ids.attempt, limit: 50 }

  test('say how long they took and whether they paid', async () => {
    await given(opened(), record(example('noctant.EngineTradeClosed.v1')))
    expect(await listTrades(database.db, page)).toEqual([
      {
        trade_id: ids.trade,
        account_id: ids.account,
        org_id: ids.org,
        program_account_attempt_id: ids.attempt,
        position_id: ids.position,
        symbol: 'EURUSD',
        side: 'long',
        quantity: '10000',
        entry_price: '1.08250',
        exit_price: '1.08350',
        entry_order_id: ids.order,
        exit_order_id: ids.exitOrder,
        entry_fill_id: ids.fill,
        exit_fill_id: ids.exitFill,
        entry_time: timeAt(106),
        closed_at: timeAt(110),
        duration_seconds: 4,
        gross_pnl: '10.00',
        commission: '0.70',
        swap: '0.00',
        net_pnl: '9.30',
        pnl_currency: 'USD',
        is_profitable: true,
        close_reason: 'trader',
        correlation_id: uuidOf('correlation'),
      },
    ])
  })

  test.each([
    ['0.00', false],
    ['-0.01', false],
    ['0.000000000000000001', true],
  ])('a net result of %s is profitable: %s', async (netPnl, isProfitable) => {
    await given(opened(), record(example('noctant.EngineTradeClosed.v1', { netPnl })))
    expect(await listTrades(database.db, page)).toMatchObject([{ net_pnl: netPnl, is_profitable: isProfitable }])
  })

  test('come last closed first, page by page', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `trade ${index}`)
    const closed = names.map((name, index) =>
      record(
        example('noctant.EngineTradeClosed.v1', {
          tradeId: uuidOf(name),
          occurredAt: timeAt(200 + Math.floor(index / 4)),
        }),
      ),
    )
    await given(opened(), ...closed)
    const all = await listTrades(database.db, page)
    expect(all.map(({ closed_at }) => closed_at)).toEqual(
      all
        .map(({ closed_at }) => closed_at)
        .toSorted()
        .reverse(),
    )
    const { closed_at: closedAt, trade_id: tradeId } = all[3]!
    expect(await listTrades(database.db, { ...page, before: { closedAt, tradeId }, limit: 3 })).toEqual(all.slice(4, 7))
  })
})
