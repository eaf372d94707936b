/** POST /v1/exchange/open. */
import { exchangeOperation } from './operation.ts'

export const open = exchangeOperation('open', {
  id: 'open',
  summary: 'Open a position',
  description: [
    'Builds the transaction that opens a position, or that places an order for one. With an API key the trader’s agent sends it.',
    '`market` fills at the next price within the slippage, `limit` waits for a better price, `stop` for a worse one.',
    'Take-profit and stop-loss stand on their sides of the price; without them the contract sets its own.',
  ].join('\n\n'),
  example: {
    open: { a: 0, b: true, t: 'market', p: '42500.00', s: '100', l: '10', tp: '45000.00', sl: '40000.00' },
    bd: { b: '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21', f: 0.1 },
    sp: 0.25,
  },
})
