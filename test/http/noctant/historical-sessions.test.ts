import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { candlesCsv, minute, reckon } from '../../engine/replay/candles.ts'
import { eventually } from '../../projections/support.ts'
import { runCli } from '../../support/cli.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Stack, startStack, type TestOperator } from '../../support/stack.ts'
import type { Answer } from '../api.ts'
import { conforms } from '../conforms.ts'

let stack: Stack
let acme: TestOperator
let other: TestOperator
const feedId = randomUUID()
const csv = candlesCsv(600)
let environment: Record<string, string>

beforeAll(async () => {
  stack = await startStack()
  ;[acme, other] = await Promise.all([stack.addOperator(), stack.addOperator()])
  const directory = dirname(stack.logFile)
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: directory }
  const file = join(directory, 'eurusd.csv')
  writeFileSync(file, csv)
  const imported = await opslog('import', file, '--id', feedId, '--symbol', 'eurusd', '--kind', 'candles')
  expect(imported).toMatchObject({ exitCode: 0 })
  expect(JSON.parse(imported.stdout)).toMatchObject({
    feed_id: feedId,
    row_count: 600,
    ends_at: minute(600),
    changed: true,
  })
  expect((await opslog('grant', acme.operatorId, feedId)).exitCode).toBe(0)
  await call('POST', '/v1/users', { external_id: 'trader-1' })
  await call('POST', '/v1/users', { external_id: 'trader-2' })
  await call('POST', '/v1/users', { external_id: 'trader-1' }, other.apiKey)
}, 30_000)
afterAll(() => stack.close())

const opslog = (...args: string[]) => runCli(['admin', 'feed', ...args, '--json'], environment)

async function call(method: string, path: string, body?: unknown, key = acme.apiKey): Promise<Answer> {
  const response = await fetch(`${stack.url}/noctant${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = { status: response.status, headers: response.headers, body: await response.json() }
  conforms(method, path.split('?')[0] ?? '', answer)
  return answer
}

const ROUTE = '/backtest?fast=5&slow=20&quantity=0.50'

/** Launches and redeems; answers with the session once the engine has made it, and where it is a backtest, run it. */
async function run(overrides: object = {}) {
  const launched = await call('POST', '/v1/historical-launch-sessions', {
    external_user_id: 'trader-1',
    requested_route: ROUTE,
    requested_product_mode: 'backtest',
    feed_id: feedId,
    market_time_start: minute(0),
    market_time_end: minute(600),
    ...overrides,
  })
  expect(launched.status).toBe(201)
  const redeemed = await fetch(launched.body.launch_url, { method: 'POST', redirect: 'manual' })
  expect(redeemed.status).toBe(303)
  const { launch_session_id: id, requested_product_mode: mode } = launched.body.launch_session
  return eventually(async () => {
    const { body } = await call('GET', `/v1/historical-sessions?launch_session_id=${id}`)
    expect(body.sessions).toMatchObject([{ state: mode === 'backtest' ? 'completed' : 'created' }])
    return body.sessions[0]
  }, 15_000)
}

const tradesOf = (session: { backtest_run_id: string }, query = '', key = acme.apiKey) =>
  call('GET', `/v1/historical-sessions/${session.backtest_run_id}/trades${query}`, undefined, key)

/** All trades, page by page, oldest first. */
async function allTrades(session: { backtest_run_id: string }, limit = 7) {
  const trades: Answer['body'][] = []
  let query = `?limit=${limit}`
  for (;;) {
    const { body } = await tradesOf(session, query)
    trades.push(...body.trades)
    if (body.next_cursor === null) return trades.toReversed()
    query = `?limit=${limit}&${new URLSearchParams(body.next_cursor)}`
  }
}

describe('a backtest', () => {
  it('is run by the engine once its link is redeemed, and its figures add up from its trades', async () => {
    const session = await run()
    expect(session).toMatchObject({
      session_mode: 'backtest',
      source_mode: 'backtest',
      source_scope: 'backtest_run',
      source_id: session.backtest_run_id,
      external_user_id: 'trader-1',
      feed_id: feedId,
      market_time_start: minute(0),
      market_time_end: minute(600),
      initial_balance: '100000.00',
      completed_at: expect.any(String),
    })
    const trades = await allTrades(session)
    expect(trades.length).toBeGreaterThan(10)
    expect(reckon(trades, '100000.00')).toStrictEqual({
      trade_count: session.trade_count,
      winning_trades: session.winning_trades,
      losing_trades: session.losing_trades,
      final_balance: session.final_balance,
      peak_balance: session.peak_balance,
      max_drawdown: session.max_drawdown,
      realized_pnl: session.realized_pnl,
    })
    const times = trades.map(({ closed_market_time }) => closed_market_time)
    expect(times).toStrictEqual(times.toSorted())
    for (const trade of trades) {
      expect(trade.session_id).toBe(session.session_id)
      const seconds = (Date.parse(trade.closed_market_time) - Date.parse(trade.entry_market_time)) / 1_000
      expect(trade.duration_seconds).toBe(Math.floor(seconds))
    }
    const one = await call('GET', `/v1/historical-sessions/${session.backtest_run_id}`)
    expect(one.body).toStrictEqual({ session })
    expect((await tradesOf(session)).body.session).toStrictEqual(session)
  })

  it('gives the same trades whenever it is run with the same feed, range and strategy', async () => {
    const [one, two] = await Promise.all([run(), run()])
    const comparable = async (session: typeof one) =>
      (await allTrades(session, 200)).map(
        ({ symbol, side, quantity, entry_price, exit_price, net_pnl, closed_market_time }) => ({
          symbol,
          side,
          quantity,
          entry_price,
          exit_price,
          net_pnl,
          closed_market_time,
        }),
      )
    expect(one.backtest_run_id).not.toBe(two.backtest_run_id)
    expect(await comparable(one)).toStrictEqual(await comparable(two))
    expect(one.final_balance).toBe(two.final_balance)
  })

  it('trades the orders that its route lists, with the balance that it names', async () => {
    const order = `${minute(10)},sell,0.20`
    const session = await run({ requested_route: `lab?initial_balance=2500&order=${encodeURIComponent(order)}` })
    const [trade] = (await tradesOf(session)).body.trades
    expect(session).toMatchObject({ initial_balance: '2500.00', trade_count: 1 })
    expect(trade).toMatchObject({ side: 'short', quantity: '0.2', entry_market_time: minute(10) })
  })

  it('stands in the log as what the engine said, under the run’s id', async () => {
    const session = await run()
    const events = await eventsOf(stack.store, `noctant.engine-${session.backtest_run_id}`)
    const types = events.map(({ type }) => type.split('.')[1])
    expect(types.filter((type) => type === 'EngineBacktestTradeClosed')).toHaveLength(session.trade_count)
    expect(types.at(0)).toBe('EngineReplaySessionCreated')
    expect(types.slice(-2)).toStrictEqual(['EngineBacktestCompleted', 'EngineCommandDecided'])
    expect(events[0]?.metadata.actor.kind).toBe('engine')
  })
})

describe('a replay', () => {
  it('is made and waits to be traded', async () => {
    const session = await run({ requested_product_mode: 'replay', requested_route: 'replay' })
    expect(session).toMatchObject({
      session_mode: 'replay',
      source_scope: 'historical_session',
      source_id: session.session_id,
      state: 'created',
      initial_balance: '100000.00',
      trade_count: null,
      completed_at: null,
    })
    const { body } = await tradesOf(session)
    expect(body).toStrictEqual({ session, trades: [], count: 0, next_cursor: null })
  })
})

describe('the list of sessions', () => {
  const list = async (query = '', key = acme.apiKey) => call('GET', `/v1/historical-sessions${query}`, undefined, key)
  const runs = async (query: string) =>
    (await list(query)).body.sessions.map((each: { backtest_run_id: string }) => each.backtest_run_id)

  it('is newest first, page by page, and filtered by what a session has', async () => {
    const replay = await run({ requested_product_mode: 'replay', external_user_id: 'trader-2' })
    const all = await runs('?limit=200')
    const paged: string[] = []
    let query = '?limit=2'
    for (;;) {
      const { body } = await list(query)
      paged.push(...body.sessions.map((each: { backtest_run_id: string }) => each.backtest_run_id))
      if (body.next_cursor === null) break
      query = `?limit=2&${new URLSearchParams(body.next_cursor)}`
    }
    expect(paged).toStrictEqual(all)
    expect(all.length).toBeGreaterThan(2)
    expect(all[0]).toBe(replay.backtest_run_id)
    const filters = ['external_user_id=trader-2', `global_user_id=${replay.global_user_id}`]
    for (const filter of filters) expect(await runs(`?${filter}`)).toStrictEqual([replay.backtest_run_id])
    const [replays, backtests] = await Promise.all([
      runs('?requested_product_mode=replay&state=created'),
      runs('?state=completed'),
    ])
    expect([...replays, ...backtests].toSorted()).toStrictEqual(all.toSorted())
    expect(await runs(`?feed_id=${feedId}`)).toStrictEqual(all)
    expect(await runs(`?feed_id=${randomUUID()}`)).toStrictEqual([])
  })

  it.each([
    '?limit=0',
    '?limit=201',
    '?state=running',
    `?before_session_id=${feedId}`,
    '?feed_id=x',
    '?requested_product_mode=x',
  ])('asked for with %s is refused', async (query) => {
    expect((await list(query)).status).toBe(400)
  })

  it('is an operator’s own: to another, its sessions and trades are as absent as those that never were', async () => {
    const session = await run()
    expect((await list('', other.apiKey)).body).toStrictEqual({ sessions: [], count: 0, next_cursor: null })
    const answers = [
      await call('GET', `/v1/historical-sessions/${session.backtest_run_id}`, undefined, other.apiKey),
      await tradesOf(session, '', other.apiKey),
      await call('GET', `/v1/historical-sessions/${randomUUID()}`),
      await tradesOf({ backtest_run_id: randomUUID() }),
    ]
    expect(answers.map(({ status, body }) => [status, body.code])).toStrictEqual(
      Array(4).fill([404, 'historical_session_not_found']),
    )
  })

  it('needs its scope', async () => {
    const { apiKey } = await stack.addKey(acme, ['launch_sessions:read'])
    expect((await list('', apiKey)).body.code).toBe('scope_missing')
  })
})

describe('opslog admin operator origins', () => {
  const origins = (...list: string[]) =>
    runCli(['admin', 'operator', 'origins', acme.operatorId, ...list, '--json'], environment)

  it('sets where launches may return to, at once for the API that runs', async () => {
    const launch = () =>
      call('POST', '/v1/historical-launch-sessions', {
        external_user_id: 'trader-1',
        requested_route: 'replay',
        requested_product_mode: 'replay',
        feed_id: feedId,
        market_time_start: minute(0),
        market_time_end: minute(600),
        return_url: 'https://app.acme.example/back?x=1',
      })
    expect((await launch()).body.code).toBe('launch_return_invalid')
    expect(JSON.parse((await origins('https://app.acme.example')).stdout)).toMatchObject({
      allowed_origins: ['https://app.acme.example'],
      changed: true,
    })
    expect((await launch()).status).toBe(201)
    expect(JSON.parse((await origins('https://app.acme.example')).stdout)).toMatchObject({ changed: false })
  })

  it('refuses what is no origin', async () => {
    const { exitCode, stderr } = await origins('https://app.acme.example/path')
    expect(exitCode).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ error: expect.anything() })
  })
})

describe('opslog admin feed', () => {
  it('imports the same file once, and other content under the id not at all', async () => {
    const directory = environment.DATA_DIR ?? ''
    const again = await opslog(
      'import',
      join(directory, 'eurusd.csv'),
      '--id',
      feedId,
      '--symbol',
      'EURUSD',
      '--kind',
      'candles',
    )
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false })
    const other = join(directory, 'other.csv')
    writeFileSync(other, candlesCsv(10, 9))
    const refused = await opslog('import', other, '--id', feedId, '--symbol', 'EURUSD', '--kind', 'candles')
    expect([refused.exitCode, JSON.parse(refused.stderr)]).toMatchObject([1, { error: expect.anything() }])
  })

  it('names the lines of a file that are wrong, and keeps nothing of it', async () => {
    const file = join(environment.DATA_DIR ?? '', 'bad.csv')
    writeFileSync(file, csv.replace('\n', '\nx,1,1,1,1\n'))
    const { exitCode, stderr } = await opslog('import', file, '--symbol', 'EURUSD', '--kind', 'candles')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('line 2')
  })

  it('lists feeds with who may use them', async () => {
    const feeds = JSON.parse((await opslog('list')).stdout)
    expect(feeds).toMatchObject([{ feed_id: feedId, symbol: 'EURUSD', grants: [{ operator_id: acme.operatorId }] }])
  })

  it('grants no feed to an operator who is not there', async () => {
    expect((await opslog('grant', randomUUID(), feedId)).exitCode).toBe(1)
  })
})
