/** POST /v1/exchange/modify. */
import { exchangeOperation } from './operation.ts'

export const modify = exchangeOperation(
  'modify',
  {
    id: 'modify',
    summary: 'Change an order or a level',
    description: [
      'With `p` an order that waits gets another price. The contract overwrites both of its levels: one that the request leaves out is read from the chain and kept.',
      'Without `p` one level of an open position is changed: `tp` or `sl`, not both.',
      'A level of "0" goes back to the contract’s own.',
    ].join('\n\n'),
    example: { a: 0, i: 1, p: '41000.00', tp: '46000.00', sl: '38000.00' },
  },
  'order_not_found',
)
