/** POST /v1/exchange/margin. */
import { exchangeOperation } from './operation.ts'

export const updateMargin = exchangeOperation('margin', {
  id: 'updateMargin',
  summary: 'Add or remove collateral',
  description:
    'Builds the transaction that adds collateral to an open position, or with an amount below 0 removes it. More collateral lowers the leverage, less raises it.',
  example: { a: 0, i: 0, amount: '50.00' },
})
