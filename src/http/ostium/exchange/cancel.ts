/** POST /v1/exchange/cancel. */
import { exchangeOperation } from './operation.ts'

export const cancel = exchangeOperation('cancel', {
  id: 'cancel',
  summary: 'Cancel orders',
  description: [
    'Builds a transaction for each order, in the order of the request: all of them, or none.',
    '`limit` takes back an order that waits for its price, and needs `a` and `i`. `open` and `close` take back a market order whose price did not come in time, and need `o`. What belongs to the other kind has no effect.',
  ].join('\n\n'),
  example: { cancels: [{ t: 'limit', a: 0, i: 1 }] },
})
