/** The pairs that the local market lists, in the order of their index, and how their prices begin and move. */

export interface Pair {
  index: number
  from: string
  to: string
  /** Price at the start, in dollars or in units of `to`. */
  start: string
  /** Decimals that its prices have. */
  decimals: number
  /** Undefined: it is listed, and nobody knows its price, so that its orders wait. */
  movesPpm: number | undefined
}

const pairs: readonly Omit<Pair, 'index'>[] = [
  { from: 'BTC', to: 'USD', start: '43000', decimals: 2, movesPpm: 60 },
  { from: 'ETH', to: 'USD', start: '2300', decimals: 2, movesPpm: 80 },
  { from: 'EUR', to: 'USD', start: '1.09', decimals: 5, movesPpm: 15 },
  { from: 'GBP', to: 'USD', start: '1.27', decimals: 5, movesPpm: 15 },
  { from: 'USD', to: 'JPY', start: '148', decimals: 3, movesPpm: 15 },
  { from: 'XAU', to: 'USD', start: '2030', decimals: 2, movesPpm: 25 },
  { from: 'HG', to: 'USD', start: '3.85', decimals: 4, movesPpm: 30 },
  { from: 'CL', to: 'USD', start: '73.5', decimals: 3, movesPpm: 40 },
  { from: 'XAG', to: 'USD', start: '22.8', decimals: 3, movesPpm: 35 },
  { from: 'SOL', to: 'USD', start: '98', decimals: 3, movesPpm: 100 },
  { from: 'SPX', to: 'USD', start: '4900', decimals: 2, movesPpm: 20 },
  { from: 'DJI', to: 'USD', start: '38000', decimals: 2, movesPpm: undefined },
]

export const marketPairs: readonly Pair[] = pairs.map((pair, index) => ({ index, ...pair }))

export const feedIdOf = ({ from, to }: Pair): string => `${from}-${to}`
