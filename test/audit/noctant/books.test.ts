/** An account's money over its streams: as it ought to be, and with one figure forged at a time. */
import { describe, expect, test } from 'vitest'
import { moneyBook } from '../../../src/audit/noctant/books.ts'
import { engineLedger } from '../../../src/audit/noctant/ledger.ts'
import type { AnyEvent } from '../../../src/events/event.ts'
import { type DataOf, type ExampleType, example, ids, uuidOf } from '../../support/examples.ts'

let sequence = 0
const engine = <T extends ExampleType>(type: T, of: Partial<DataOf<T>>): AnyEvent => {
  sequence += 1
  return example(type, { sequence, ...of } as never) as AnyEvent
}
const order = (commandId: string, of: object): AnyEvent =>
  example('noctant.EngineCommandRequested.v1', { commandId, order: of } as never) as AnyEvent
const decided = (commandId: string) => engine('noctant.EngineCommandDecided.v1', { commandId })
const booked = (of: Partial<DataOf<'noctant.EngineBalanceChanged.v1'>>) => engine('noctant.EngineBalanceChanged.v1', of)

const [opening, correcting, paying] = ['opening', 'correcting', 'paying'].map(uuidOf) as [string, string, string]
const [correctionId, payoutRequestId] = [uuidOf('correction'), uuidOf('payout request')]
const [fillId, tradeId] = [uuidOf('a fill'), uuidOf('a trade')]
const payout = { payoutRequestId, programAccountId: ids.programAccount }
const granted = example('noctant.PayoutApproved.v1').data.policyDecision

/** 100000 to begin with, −25 of a correction, +10 − 1 of a trade, −0.40 of swap, −400 of a payout: 99583.60. */
const story = (): AnyEvent[] => {
  sequence = 0
  return [
    example('noctant.AccountOpened.v1', { initialBalance: '100000' }),
    order(opening, { kind: 'open_account', currency: 'USD', initialBalance: '100000', executionProfileKey: 'default' }),
    engine('noctant.EngineAccountOpened.v1', { commandId: opening, balance: '100000.00' }),
    decided(opening),
    example('noctant.AccountCorrectionRequested.v1', { correctionId, commandId: correcting, amount: '-25.00' }),
    order(correcting, { kind: 'adjust_balance', amount: '-25.00', reference: correctionId, reason: 'fee' }),
    booked({
      commandId: correcting,
      cause: 'correction',
      reference: correctionId,
      change: '-25.00',
      balance: '99975.00',
    }),
    decided(correcting),
    engine('noctant.EngineOrderFilled.v1', { fillId, commission: '1.00' }),
    booked({ commandId: null, cause: 'commission', reference: fillId, change: '-1.00', balance: '99974.00' }),
    engine('noctant.EnginePositionChanged.v1', {}),
    booked({ commandId: null, cause: 'swap', reference: ids.position, change: '-0.40', balance: '99973.60' }),
    engine('noctant.EngineTradeClosed.v1', {
      tradeId,
      grossPnl: '10.00',
      commission: '1.00',
      swap: '-0.40',
      netPnl: '8.60',
    }),
    booked({ commandId: null, cause: 'trade', reference: tradeId, change: '10.00', balance: '99983.60' }),
    engine('noctant.EnginePositionClosed.v1', {}),
    example('noctant.PayoutApproved.v1', { ...payout, policyDecision: granted }),
    example('noctant.PayoutExecutionRequested.v1', { ...payout, commandId: paying, amount: '400.00' }),
    order(paying, { kind: 'execute_payout', amount: '400.00', reference: payoutRequestId }),
    booked({ commandId: paying, cause: 'payout', reference: payoutRequestId, change: '-400.00', balance: '99583.60' }),
    decided(paying),
  ] as AnyEvent[]
}

function faultsOf(events: readonly AnyEvent[], isFromStart = true): { at: number; detail: string }[] {
  const books = [moneyBook.open(isFromStart), engineLedger.open(isFromStart)]
  return events.flatMap((event, at) => books.flatMap((book) => book.enter(event)).map((detail) => ({ at, detail })))
}

/** The story with other values in the data of the event at a place. */
const forged = (at: number, of: object): AnyEvent[] =>
  story().map((event, index) => (index === at ? { ...event, data: { ...event.data, ...of } } : event))

describe('the books', () => {
  test('are in order where nothing was forged', () => {
    expect(granted.granted?.grossAmount).toBe('400.00')
    expect(faultsOf(story())).toEqual([])
  })

  test.each([
    ['an account that begins with more than was agreed', 2, { balance: '200000.00' }, 'but 200000.00 was booked'],
    [
      'an account that nobody has asked for',
      2,
      { commandId: uuidOf('nobody') },
      'nobody has asked for this open_account',
    ],
    [
      'an order for more than the account was opened with',
      1,
      { order: { kind: 'open_account', initialBalance: '1' } },
      'the initial balance was agreed as 100000',
    ],
    [
      'a correction by more than was asked for',
      6,
      { change: '-20.00', balance: '99980.00' },
      '-25.00 was asked for, but -20.00',
    ],
    [
      'a correction that nobody has asked for',
      6,
      { commandId: uuidOf('nobody') },
      'nobody has asked for this adjust_balance',
    ],
    ['a correction under another one’s name', 6, { reference: uuidOf('other') }, 'it was asked for under'],
    [
      'an order that corrects by more than the operator has',
      5,
      { order: { kind: 'adjust_balance', amount: '-2500.00', reference: correctionId } },
      'the correction was agreed as -25.00',
    ],
    ['a commission that was not charged', 9, { change: '-0.10', balance: '99974.90' }, 'the commission is 1'],
    ['a trade that brought more than it did', 13, { change: '1000.00', balance: '100973.60' }, 'the trade brought 10'],
    ['a trade that was never closed', 13, { reference: uuidOf('other') }, 'no closed trade'],
    [
      'a payout of more than was granted',
      18,
      { change: '-4000.00', balance: '95983.60' },
      '400.00 was asked for, but 4000',
    ],
    ['a payout that was never approved', 16, { payoutRequestId: uuidOf('other') }, 'the payout was never agreed'],
    ['a payout executed for more than was granted', 16, { amount: '500.00' }, 'the payout was agreed as 400.00'],
    ['a balance that its changes do not make', 18, { balance: '99999.00' }, 'make 99583.6'],
  ])('find %s', (_, at, of, detail) => {
    const faults = faultsOf(forged(at, of))
    expect(faults.map((fault) => fault.detail).join('\n')).toContain(detail)
    expect(faults.map((fault) => fault.at)).toContain(at)
  })

  test('find the execution of a payout whose approval was taken back', () => {
    const events = story()
    events.splice(16, 0, example('noctant.PayoutRejected.v1', payout) as AnyEvent)
    expect(faultsOf(events)).toEqual([{ at: 17, detail: 'the payout was never agreed' }])
  })

  test('find swap that no closed trade tells of, though every balance fits its change', () => {
    const balances: Record<number, object> = {
      11: { change: '5.00', balance: '99979.00' },
      13: { balance: '99989.00' },
      18: { balance: '99589.00' },
    }
    const events = story().map((event, at) => ({ ...event, data: { ...event.data, ...balances[at] } }))
    expect(faultsOf(events)).toEqual([{ at: 14, detail: expect.stringContaining('trades of 8.6 make 99983.6') }])
  })

  test('do not miss what stands before the part of the log that is read', () => {
    expect(faultsOf(story().slice(6), false)).toEqual([])
    expect(faultsOf(story().slice(6), true).length).toBeGreaterThan(0)
  })
})
