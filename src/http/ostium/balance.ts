/** GET /v1/balance/usdc: the one read whose truth is the chain. */
import { decimalOf, PLACES } from '../../commands/ostium/decimals.ts'
import { publicAccess } from '../access.ts'
import { json } from '../answers.ts'
import { read } from './access.ts'
import { askChain, requireMarket } from './chain.ts'
import { headers, needsTrader, query, traderOf } from './trader.ts'
import { usdcBalance as view } from './views.ts'

/** Questions that are under way, by node and address: who asks for the same meanwhile is answered together. */
const underWay = new WeakMap<object, Map<string, Promise<bigint>>>()

function sharedRead(of: object, address: string, ask: () => Promise<bigint>): Promise<bigint> {
  const asked = underWay.get(of) ?? new Map<string, Promise<bigint>>()
  underWay.set(of, asked)
  const known = asked.get(address)
  if (known) return known
  const asking = ask().finally(() => asked.delete(address))
  asked.set(address, asking)
  return asking
}

export const usdcBalance = read({
  ...{ path: '/v1/balance/usdc', id: 'usdcBalance', access: publicAccess, tags: ['Balance'] },
  summary: 'The trader’s USDC',
  description: 'Read from the chain, as of its latest block; nothing is cached.',
  head: needsTrader,
  ...{ query, headers },
  answer: json(view, 'The balance.'),
  refuses: ['trader_missing', 'trader_malformed', 'chain_unavailable'],
  async handle({ market: access, ...asked }) {
    const address = traderOf(asked)
    const market = requireMarket(access)
    const units = await sharedRead(market, address, () => askChain(market, (client) => client.usdcBalanceOf(address)))
    const balanceFormatted = decimalOf(units, PLACES.usdc)
    return { address, symbol: 'USDC', decimals: PLACES.usdc, balance: String(units), balanceFormatted }
  },
})
