/** What an engine would have reported of one account, as short as a story needs it. Times are RFC 3339. */
import type { EngineEvent } from '../../../src/events/noctant/engine.ts'
import { uuidOf } from '../examples.ts'

type Of<T extends EngineEvent['type']> = Extract<EngineEvent, { type: T }>

export function engineLog(accountId: string, from = 0) {
  let sequence = from
  const head = (occurredAt: string) => ({ accountId, sequence: ++sequence, commandId: null, occurredAt })
  return {
    opened: (at: string, balance: string): Of<'noctant.EngineAccountOpened.v1'> => ({
      type: 'noctant.EngineAccountOpened.v1',
      data: { ...head(at), currency: 'USD', balance, leverage: 100 },
    }),
    /** A fill, which makes the day a trading day. */
    filled: (at: string): Of<'noctant.EngineOrderFilled.v1'> => ({
      type: 'noctant.EngineOrderFilled.v1',
      data: {
        ...head(at),
        orderId: uuidOf(`order ${accountId} ${sequence}`),
        fillId: uuidOf(`fill ${accountId} ${sequence}`),
        symbol: 'EURUSD',
        side: 'buy',
        quantity: '1',
        price: '1.1',
        commission: '0',
        filledQuantity: '1',
        remainingQuantity: '0',
        averageFillPrice: '1.1',
        status: 'filled',
      },
    }),
    changed: (
      at: string,
      change: string,
      balance: string,
      cause: Of<'noctant.EngineBalanceChanged.v1'>['data']['cause'] = 'trade',
    ): Of<'noctant.EngineBalanceChanged.v1'> => ({
      type: 'noctant.EngineBalanceChanged.v1',
      data: { ...head(at), balance, change, cause, reference: uuidOf(`reference ${accountId} ${sequence}`) },
    }),
    /** The account's figures; with `open`, a position is. */
    marked: (at: string, balance: string, equity = balance, open = false): Of<'noctant.EngineAccountMarked.v1'> => ({
      type: 'noctant.EngineAccountMarked.v1',
      data: {
        ...head(at),
        balance,
        equity,
        marginUsed: '0',
        freeMargin: equity,
        marginLevel: null,
        positions: open
          ? [{ positionId: uuidOf(`position ${accountId}`), symbol: 'EURUSD', markPrice: '1.1', unrealizedPnl: '0' }]
          : [],
      },
    }),
  }
}
