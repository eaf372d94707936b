import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { EngineOptions } from '../../../src/engine/options.ts'
import { contentHashOf } from '../../../src/engine/replay/feed-file.ts'
import type { EngineEvent, ReplayCommand } from '../../../src/gateway/contract.ts'
import type { MessageStream } from '../../../src/gateway/stream.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/services.ts'
import { streamKinds } from '../../support/streams.ts'
import { recordEvents, sendCommand, startTestEngine, until } from '../harness.ts'
import { candlesCsv, minute } from './candles.ts'

const csv = candlesCsv(600)
const contentHash = contentHashOf(new TextEncoder().encode(csv))

describe.each(streamKinds())('the replay service over $name', ({ open }) => {
  let directory: TemporaryDirectory
  let stream: MessageStream
  let events: ReturnType<typeof recordEvents>
  let running: Awaited<ReturnType<typeof startTestEngine>>
  const start = async (overrides: Partial<EngineOptions> = {}) => {
    const feedsDirectory = join(directory.path, 'feeds')
    running = await startTestEngine(
      { directory: join(directory.path, 'engine'), stream },
      { feedsDirectory, ...overrides },
    )
  }
  const restart = async (overrides: Partial<EngineOptions> = {}) => {
    await running.engine.close()
    await start(overrides)
  }

  beforeEach(async () => {
    directory = temporaryDirectory()
    mkdirSync(join(directory.path, 'feeds'))
    writeFileSync(join(directory.path, 'feeds', `${contentHash}.csv`), csv)
    stream = await open()
    events = recordEvents(stream)
    await start()
  })
  afterEach(async () => {
    await running.engine.close()
    await events.stop()
    await stream.close()
    directory.remove()
  })

  const replay = (overrides: Partial<ReplayCommand> = {}): ReplayCommand => ({
    kind: 'start_replay',
    commandId: randomUUID(),
    accountId: randomUUID(),
    sequence: 1,
    attempt: 0,
    issuedAt: '2026-03-02T10:00:00.000Z',
    sessionId: randomUUID(),
    feed: { feedId: randomUUID(), symbol: 'EURUSD', kind: 'candles', contentHash },
    marketTimeStart: minute(0),
    marketTimeEnd: minute(600),
    currency: 'USD',
    initialBalance: '100000.00',
    strategy: { type: 'moving_average_crossover', fastPeriods: 5, slowPeriods: 20, quantity: '0.50' },
    ...overrides,
  })
  const decided = async (command: ReplayCommand) => {
    await sendCommand(stream, command)
    return events.decisionOf(command.commandId)
  }
  const decisions = (command: ReplayCommand): EngineEvent[] =>
    events.messages.filter((event) => event.type === 'CommandDecided' && event.commandId === command.commandId)

  test('makes the session of a backtest, with its trades and its statistics, in one decision', async () => {
    const command = replay()
    expect(await decided(command)).toMatchObject({ kind: 'start_replay', outcome: 'accepted' })
    const types = await until(() => {
      const told = events.types(command.accountId)
      return told.at(-1) === 'CommandDecided' ? told : undefined
    })
    const trades = types.filter((type) => type === 'BacktestTradeClosed').length
    expect(trades).toBeGreaterThan(10)
    expect([types[0], types.at(-2)]).toStrictEqual(['ReplaySessionCreated', 'BacktestCompleted'])
    expect(types).toHaveLength(trades + 3)
    const { data } = events.of(command.accountId)[0]!
    expect(data).toMatchObject({ sessionId: command.sessionId, mode: 'backtest', initialBalance: '100000.00' })
    expect(await events.firstOf(command.accountId, 'BacktestCompleted')).toMatchObject({ tradeCount: trades })
  })

  test('makes the session of a replay, and trades nothing', async () => {
    const command = replay({ strategy: null })
    expect(await decided(command)).toMatchObject({ outcome: 'accepted' })
    await until(() => events.types(command.accountId).length === 2)
    expect(events.of(command.accountId)[0]?.data).toMatchObject({ mode: 'replay' })
  })

  test('answers a repeated command with what it recorded, byte for byte, and after a restart as well', async () => {
    const command = replay()
    await decided(command)
    await sendCommand(stream, { ...command, attempt: 1 })
    await until(() => decisions(command).length >= 2)
    await restart()
    await sendCommand(stream, { ...command, attempt: 2 })
    await until(() => decisions(command).length >= 3)
    expect(new Set(decisions(command).map((event) => JSON.stringify(event))).size).toBe(1)
    expect(running.engine.status().commands).toMatchObject({ decided: 0, repeated: 1 })
  })

  test('is no account to a trader', async () => {
    const command = replay()
    await decided(command)
    expect((await running.entry.get('/accounts')).body.accounts).toStrictEqual([])
    const order = { accountId: command.accountId, symbol: 'EURUSD', side: 'buy', quantity: '0.10' }
    expect((await running.entry.order(order)).status).toBe(404)
    expect((await running.entry.get(`/accounts/${command.accountId}`)).status).toBe(404)
  })

  test.each([
    ['a feed that the engine does not have', 'feed_unavailable', { contentHash: 'ab'.repeat(32) }],
    ['a symbol that is not traded', 'unknown_symbol', { symbol: 'XXXYYY' }],
  ])('rejects %s', async (_case, reasonCode, feed) => {
    const command = replay()
    Object.assign(command.feed, feed)
    expect(await decided(command)).toMatchObject({ outcome: 'rejected', reasonCode })
    expect(events.types(command.accountId)).toStrictEqual(['CommandDecided'])
  })

  test('rejects a feed whose file is not what it was, an impossible balance, and too many trades', async () => {
    const poor = replay({ initialBalance: '0' })
    const foreign = replay({ currency: 'XTS' })
    expect(await decided(poor)).toMatchObject({ reasonCode: 'invalid_amount' })
    expect(await decided(foreign)).toMatchObject({ reasonCode: 'unsupported_currency' })
    await restart({ backtestTradesMax: 3 })
    expect(await decided(replay())).toMatchObject({ reasonCode: 'too_many_trades' })
    writeFileSync(join(directory.path, 'feeds', `${contentHash}.csv`), csv.replace('1.1', '1.2'))
    expect(await decided(replay())).toMatchObject({ reasonCode: 'feed_damaged' })
  })

  test('lets commands go for which there is no room, and takes them when they come again', async () => {
    await restart({ replaysQueuedMax: 1 })
    const commands = Array.from({ length: 5 }, () => replay())
    await Promise.all(commands.map((command) => sendCommand(stream, command)))
    await until(() => commands.some((command) => decisions(command).length > 0))
    for (const command of commands) {
      const isDecided = async () => {
        if (decisions(command).length === 0) await sendCommand(stream, command)
        expect(decisions(command)).not.toHaveLength(0)
      }
      await vi.waitFor(isDecided, { interval: 25, timeout: 10_000 })
    }
    expect(commands.map((command) => new Set(decisions(command).map((event) => event.eventId)).size)).toStrictEqual(
      Array(5).fill(1),
    )
  })

  test('leaves a run that a stop cuts off to be run after the next start', async () => {
    const commands = Array.from({ length: 4 }, () => replay())
    for (const command of commands) await sendCommand(stream, command)
    await restart()
    for (const command of commands) {
      await sendCommand(stream, { ...command, attempt: 1 })
      await events.decisionOf(command.commandId)
    }
    const figures = await Promise.all(commands.map(({ accountId }) => events.firstOf(accountId, 'BacktestCompleted')))
    const nameless = figures.map(({ sessionId: _, ...rest }) => rest)
    expect(nameless).toStrictEqual(Array(4).fill(nameless[0]))
  })
})
