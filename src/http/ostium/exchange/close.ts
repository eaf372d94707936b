/** POST /v1/exchange/close. */
import { exchangeOperation } from './operation.ts'

export const close = exchangeOperation('close', {
  id: 'close',
  summary: 'Close positions',
  description: [
    'Builds a transaction for each position, in the order of the request: all of them, or none. Each closes a position or a part of it.',
    'The price is the market’s of the moment, from which the slippage is counted.',
  ].join('\n\n'),
  example: { closes: [{ a: 0, t: 0, p: '43000.00', r: 100 }], sp: 0.25 },
})
