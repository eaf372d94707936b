import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MessageStream } from '../../src/engine/stream.ts'
import type { TemporaryDirectory } from '../support/services.ts'
import { temporaryDirectory } from '../support/services.ts'
import { streamKinds } from '../support/streams.ts'
import { commandOf, openingOf, recordEvents, sendCommand, startTestEngine, until } from './harness.ts'

describe.each(streamKinds())('the engine over $name', ({ open }) => {
  let directory: TemporaryDirectory
  let stream: MessageStream
  let events: ReturnType<typeof recordEvents>
  let running: Awaited<ReturnType<typeof startTestEngine>>

  beforeEach(async () => {
    directory = temporaryDirectory()
    stream = await open()
    events = recordEvents(stream)
    running = await startTestEngine({ directory: directory.path, stream })
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

  test('an opened account trades, is closed out and disabled, and every event is published once and in order', async () => {
    const accountId = await openAccount()
    const placed = await buyEuros(accountId)
    expect(placed.status).toBe(201)
    expect(placed.body.order).toMatchObject({ status: 'filled', averageFillPrice: '1.10000' })

    const closing = commandOf('close_all', accountId, 2, { reason: null })
    await sendCommand(stream, closing)
    expect(await events.decisionOf(closing.commandId)).toMatchObject({ outcome: 'accepted' })
    expect(await events.firstOf(accountId, 'TradeClosed')).toMatchObject({
      grossPnl: '-1.00',
      closeReason: 'close_all',
    })

    const disabling = commandOf('disable_account', accountId, 3, { forceClosePositions: false, reason: 'end of day' })
    await sendCommand(stream, disabling)
    expect(await events.decisionOf(disabling.commandId)).toMatchObject({ outcome: 'accepted' })
    const refused = await buyEuros(accountId)
    expect(refused.status).toBe(422)
    expect(refused.body).toMatchObject({ code: 'trading_disabled' })

    await until(() => events.types(accountId).at(-1) === 'OrderRejected')
    const received = events.messages.filter((event) => event.accountId === accountId)
    expect(received.map((event) => event.sequence)).toEqual(received.map((_, index) => index + 1))
  })
})
