import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EngineOptions } from '../../src/engine/options.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import type { TemporaryDirectory } from '../support/services.ts'
import { temporaryDirectory } from '../support/services.ts'
import { streamKinds } from '../support/streams.ts'
import { commandOf, openingOf } from './examples.ts'
import type { Faults } from './faulty-stream.ts'
import { faultyStream } from './faulty-stream.ts'
import { recordEvents, sendCommand, startTestEngine, until } from './harness.ts'

describe.each(streamKinds())('the engine over $name', ({ open }) => {
  let directory: TemporaryDirectory
  let stream: MessageStream
  let faults: Faults
  let events: ReturnType<typeof recordEvents>
  let running: Awaited<ReturnType<typeof startTestEngine>>

  const start = async (overrides: Partial<EngineOptions> = {}) => {
    const faulty = faultyStream(stream)
    faults = faulty.faults
    running = await startTestEngine({ directory: directory.path, stream: faulty }, overrides)
  }
  const restart = async (overrides: Partial<EngineOptions> = {}) => {
    await running.engine.close()
    await start(overrides)
  }

  beforeEach(async () => {
    directory = temporaryDirectory()
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

  async function openAccount(): Promise<string> {
    const accountId = randomUUID()
    const opening = openingOf(accountId)
    await sendCommand(stream, opening)
    expect(await events.decisionOf(opening.commandId)).toMatchObject({ outcome: 'accepted' })
    return accountId
  }

  const buyEuros = (accountId: string, more: object = {}) =>
    running.entry.order({ accountId, symbol: 'EURUSD', side: 'buy', quantity: '0.10', ...more })
  const closeAll = (accountId: string, sequence = 2) => commandOf('close_all', accountId, sequence, { reason: null })
  const messagesOf = (accountId: string) => events.messages.filter((event) => event.accountId === accountId)
  const timesDecided = (commandId: string) =>
    events.messages.filter((event) => event.type === 'CommandDecided' && event.commandId === commandId).length

  test('an account trades, is closed out and disabled; its events come once each and in order', async () => {
    const accountId = await openAccount()
    const placed = await buyEuros(accountId)
    expect(placed.status).toBe(201)
    expect(placed.body.order).toMatchObject({ status: 'filled', averageFillPrice: '1.10000' })

    const closing = closeAll(accountId)
    await sendCommand(stream, closing)
    expect(await events.decisionOf(closing.commandId)).toMatchObject({ outcome: 'accepted' })
    expect(await events.firstOf(accountId, 'TradeClosed')).toMatchObject({
      grossPnl: '-1.00',
      closeReason: 'close_all',
    })

    const disabling = commandOf('disable_account', accountId, 3, { forceClosePositions: false, reason: 'end of day' })
    await sendCommand(stream, disabling)
    expect(await events.decisionOf(disabling.commandId)).toMatchObject({ outcome: 'accepted' })
    expect((await buyEuros(accountId)).body).toMatchObject({ status: 422, code: 'trading_disabled' })

    await until(() => events.types(accountId).at(-1) === 'OrderRejected')
    const sequences = messagesOf(accountId).map((event) => event.sequence)
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
  })

  test('the price loop fills waiting orders and closes positions at their exits', async () => {
    const accountId = await openAccount()
    await buyEuros(accountId, { orderType: 'limit', limitPrice: '1.09000', takeProfit: '1.10500' })
    running.feed.set('EURUSD', '1.08990', '1.09000')
    expect(await events.firstOf(accountId, 'OrderFilled')).toMatchObject({ price: '1.09000' })
    running.feed.set('EURUSD', '1.10500', '1.10510')
    expect(await events.firstOf(accountId, 'TradeClosed')).toMatchObject({ closeReason: 'take_profit' })
    await until(() => running.engine.status().watchedAccounts === 0)
  })

  test('a command sent again is decided once and answered by its recorded events, also after a restart', async () => {
    const accountId = await openAccount()
    await buyEuros(accountId)
    const closing = closeAll(accountId)
    await sendCommand(stream, closing, `${closing.commandId}:0`)
    await events.decisionOf(closing.commandId)
    await sendCommand(stream, { ...closing, attempt: 1 }, `${closing.commandId}:1`)
    await until(() => timesDecided(closing.commandId) === 2)
    await restart()
    await sendCommand(stream, { ...closing, attempt: 2 }, `${closing.commandId}:2`)
    await until(() => timesDecided(closing.commandId) === 3)

    const closes = messagesOf(accountId).filter((event) => event.type === 'TradeClosed')
    expect(closes).toHaveLength(3)
    expect(new Set(closes.map((event) => event.eventId)).size).toBe(1)
    expect(running.engine.status().commands).toMatchObject({ decided: 0, repeated: 1 })
  })

  test('the answer to a repeated command does not overtake events that were never sent', async () => {
    const accountId = await openAccount()
    const adjusting = commandOf('adjust_balance', accountId, 2, { amount: '5.00', reference: 'r', reason: null })
    faults.onPublish = (_name, _key, messageId) => (messageId.includes(':') ? 'pass' : 'refuse')
    faults.up = false
    await sendCommand(stream, adjusting)
    await sendCommand(stream, { ...adjusting, attempt: 1 })
    await until(() => running.engine.status().commands.repeated === 1)
    faults.onPublish = () => 'pass'
    faults.up = true
    await until(() => running.engine.status().publishedPosition === 6n)
    const closing = closeAll(accountId, 3)
    await sendCommand(stream, closing)
    await events.decisionOf(closing.commandId)
    expect(messagesOf(accountId).map((event) => event.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('a command is acknowledged once, after its decision is on disk', async () => {
    const positions: bigint[] = []
    faults.onAck = () => {
      positions.push(running.engine.status().logPosition)
      return true
    }
    await openAccount()
    await until(() => positions.length > 0)
    await openAccount()
    await until(() => positions.length > 1)
    expect(positions).toEqual([3n, 6n])
  })

  test('a command whose acknowledgement is lost comes again and changes nothing', async () => {
    await restart({ commandAckWaitMs: 300 })
    const accountId = await openAccount()
    const adjusting = commandOf('adjust_balance', accountId, 2, { amount: '5.00', reference: 'r', reason: null })
    faults.onAck = (message) => message.deliveryCount > 1
    await sendCommand(stream, adjusting)
    await until(() => timesDecided(adjusting.commandId) === 2)
    const { body } = await running.entry.get(`/accounts/${accountId}`)
    expect(body.balance).toBe('100005.00')
  })

  test('events are sent again from a sequence when the receiver asks', async () => {
    const accountId = await openAccount()
    await buyEuros(accountId)
    await until(() => events.of(accountId).length === 8)
    const request = { kind: 'resend_events', accountId, fromSequence: 3 }
    await stream.publish('commands', accountId, randomUUID(), Buffer.from(JSON.stringify(request)))
    await until(() => messagesOf(accountId).length === 14)
    expect(messagesOf(accountId).slice(8)).toEqual(events.of(accountId).slice(2))
  })

  test('a command ahead of its account waits for the account to be opened', async () => {
    const accountId = randomUUID()
    const adjusting = commandOf('adjust_balance', accountId, 2, { amount: '5.00', reference: 'r', reason: null })
    await sendCommand(stream, adjusting)
    await until(() => running.engine.status().commands.postponed > 1)
    await sendCommand(stream, openingOf(accountId))
    expect(await events.decisionOf(adjusting.commandId)).toMatchObject({ outcome: 'accepted' })
  })

  test('a command for an account that never opens is given up and left to its sender', async () => {
    await restart({ unknownAccountDelayMs: 1, unknownAccountDeliveriesMax: 3 })
    await sendCommand(stream, closeAll(randomUUID()))
    await until(() => running.log.lines.some((line) => line.message.includes('never opened')))
    expect(running.engine.status().commands.postponed).toBe(3)
  })

  test('malformed messages are counted and dropped, and do not hold up what follows', async () => {
    const accountId = randomUUID()
    const bodies = [
      Buffer.from('no json'),
      Buffer.from([0x22, 0xff, 0x22]),
      Buffer.from(JSON.stringify({ kind: 'close_all', accountId })),
      Buffer.from(JSON.stringify(openingOf(randomUUID()))),
    ]
    for (const body of bodies) await stream.publish('commands', accountId, randomUUID(), body)
    await openAccount()
    expect(running.engine.status().commands.malformed).toBe(4)
    expect(running.log.lines.filter((line) => line.level === 'error')).toHaveLength(4)
  })

  test('while the stream is down orders are taken, and their events follow when it is back', async () => {
    const accountId = await openAccount()
    faults.onPublish = () => 'refuse'
    faults.up = false
    expect((await buyEuros(accountId)).status).toBe(201)
    expect((await buyEuros(accountId, { side: 'sell' })).status).toBe(201)
    await until(() => running.log.lines.some((line) => line.level === 'warn'))
    const health = await running.entry.get('/healthz')
    expect(health.body).toMatchObject({ status: 'stream_down', publishedPosition: '3' })
    faults.onPublish = () => 'pass'
    faults.up = true
    await until(() => events.types(accountId).filter((type) => type === 'OrderFilled').length === 2)
    await until(() => running.engine.status().publishedPosition === running.engine.status().logPosition)
  })

  test('events recorded while the stream was down are published after a restart', async () => {
    const accountId = await openAccount()
    faults.onPublish = () => 'refuse'
    await buyEuros(accountId)
    await restart()
    await until(() => events.types(accountId).includes('OrderFilled'))
  })

  test('events of one commit that are more than may be in flight go out in order, and never more at once', async () => {
    const accountId = await openAccount()
    await restart({ publishesInFlightMax: 3 })
    let [inFlight, most] = [0, 0]
    faults.onPublish = async () => {
      most = Math.max(most, ++inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      inFlight -= 1
      return 'pass' as const
    }
    for (let order = 0; order < 5; order++) await buyEuros(accountId)
    await until(() => running.engine.status().publishedPosition === running.engine.status().logPosition)
    const count = Number(running.engine.status().logPosition)
    await until(() => messagesOf(accountId).length === count)
    expect(messagesOf(accountId).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: count }, (_, n) => n + 1),
    )
    expect(most).toBe(3)
  })

  test('an event that one publish missed is followed by those behind it once more', async () => {
    const accountId = await openAccount()
    let refusals = 0
    faults.onPublish = (_name, _key, messageId) => {
      const placed = !messageId.includes(':') && refusals < 2 && ++refusals === 2
      return placed ? 'refuse' : 'pass'
    }
    await buyEuros(accountId)
    await until(() => events.of(accountId).length === 8)
    const sequences = messagesOf(accountId).map((event) => event.sequence)
    // The fill (5) was refused, so what came behind it comes again after it.
    expect(sequences).toEqual([1, 2, 3, 4, 6, 7, 8, 5, 6, 7, 8])
  })

  test('a long hole that is half mended when another account fails is mended to its end', async () => {
    const [accountId, other] = [await openAccount(), await openAccount()]
    faults.onPublish = () => 'refuse'
    faults.up = false
    await buyEuros(accountId, { quantity: '0.01' })
    await buyEuros(other)
    for (let count = 0; count < 69; count++) await buyEuros(accountId, { quantity: '0.01' })
    const { logPosition } = running.engine.status()
    expect(logPosition).toBe(361n)

    // The first event of both is refused once all behind it is stored; the other account's once more, so that mending
    // breaks off before the end of the first account's hole.
    const attempts = new Map<string, number>()
    const firstIds = new Map<string, string>()
    const lastIsStored = () => messagesOf(accountId).some((event) => event.sequence === 353)
    faults.onPublish = (_name, key, messageId) => {
      const eventId = messageId.slice(0, 36)
      if (!firstIds.has(key)) firstIds.set(key, eventId)
      if (firstIds.get(key) !== eventId) return 'pass'
      const attempt = (attempts.get(key) ?? 0) + 1
      attempts.set(key, attempt)
      if (attempt === 1) return until(lastIsStored).then(() => 'refuse')
      return attempt === 2 && key === other ? 'refuse' : 'pass'
    }
    faults.up = true
    await until(() => running.engine.status().publishedPosition === logPosition)
    expect([attempts.get(accountId), attempts.get(other)]).toEqual([2, 3])
    await until(() => events.of(accountId).length === 353 && events.of(other).length === 8)
  })

  test('an event whose receipt is lost is not stored twice', async () => {
    const accountId = await openAccount()
    let lost = 0
    faults.onPublish = () => (++lost === 5 ? 'lose_receipt' : 'pass')
    await buyEuros(accountId)
    await until(() => running.engine.status().publishedPosition === 8n)
    await until(() => events.of(accountId).length === 8)
    expect(messagesOf(accountId)).toHaveLength(8)
  })

  test('a command that could not be written down comes again and is decided then', async () => {
    const accountId = await openAccount()
    const blocker = new DatabaseSync(`${directory.path}/engine.db`)
    blocker.exec('BEGIN IMMEDIATE')
    const adjusting = commandOf('adjust_balance', accountId, 2, { amount: '5.00', reference: 'r', reason: null })
    await sendCommand(stream, adjusting)
    await until(() => running.engine.status().commands.failed > 0)
    const refused = await buyEuros(accountId)
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([
      503,
      'log_unavailable',
      '1',
    ])
    blocker.close()
    expect(await events.decisionOf(adjusting.commandId)).toMatchObject({ outcome: 'accepted' })
    expect(timesDecided(adjusting.commandId)).toBe(1)
  })

  test('a restarted engine goes on with the same books and sends nothing twice', async () => {
    const accountId = await openAccount()
    await buyEuros(accountId, { takeProfit: '1.20000' })
    await buyEuros(accountId, { symbol: 'XAUUSD', orderType: 'limit', limitPrice: '2000.00' })
    await until(() => events.of(accountId).length === 9)
    const before = await running.entry.get(`/accounts/${accountId}`)
    await restart()
    expect((await running.entry.get(`/accounts/${accountId}`)).body).toEqual(before.body)
    expect(running.engine.status()).toMatchObject({ publishedPosition: 9n, logPosition: 9n, watchedAccounts: 1 })
    const closing = closeAll(accountId)
    await sendCommand(stream, closing)
    await events.decisionOf(closing.commandId)
    expect(running.engine.status().commands).toMatchObject({ decided: 1, repeated: 0 })
    const sequences = messagesOf(accountId).map((event) => event.sequence)
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
  })

  test('a second engine on the same directory is refused, and leaves the first alone', async () => {
    const accountId = await openAccount()
    await expect(startTestEngine({ directory: directory.path, stream })).rejects.toThrow('is in use by another engine')
    expect((await buyEuros(accountId)).status).toBe(201)
  })

  test('an engine that cannot listen gives its directory back', async () => {
    const port = Number(new URL(running.engine.url).port)
    const other = temporaryDirectory()
    const orderEntry = { host: '127.0.0.1', port, token: 'a token of sixteen characters' }
    await expect(startTestEngine({ directory: other.path, stream }, { orderEntry })).rejects.toThrow('EADDRINUSE')
    const second = await startTestEngine({ directory: other.path, stream })
    await second.engine.close()
    other.remove()
  })
})
