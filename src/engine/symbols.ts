/**
 * What can be traded, and on what terms. Quantities are in lots of `contractSize` units; prices move in ticks. The
 * table is data: an engine with other instruments passes its own.
 */

export interface TradedSymbol {
  symbol: string
  description: string
  /** The currency of the price and of the profit. */
  quoteCurrency: string
  /** Digits after the point of a price; a price is a multiple of tickSize. */
  priceDigits: number
  tickSize: string
  /** Units in one lot. */
  contractSize: string
  quantityStep: string
  quantityMin: string
  quantityMax: string
  /** Least margin as a share of the position's value; an account's leverage can only ask for more. */
  marginRate: string
  /** Cost per lot and fill, in US dollars. */
  commissionPerLot: string
  /** Credit (or, negative, charge) per lot and night, in the quote currency. */
  swapLongPerLot: string
  swapShortPerLot: string
  /** Day of the week (0 Sunday) on which three nights are settled, weekends then being free; null: every night once. */
  tripleSwapWeekday: number | null
  /** Where the synthetic feed keeps the price: its centre, in ticks its half spread, and its range as a share. */
  synthetic: { centre: string; halfSpreadTicks: number; range: number }
}

export type SymbolTable = ReadonlyMap<string, TradedSymbol>

const currencyPair = {
  contractSize: '100000',
  quantityStep: '0.01',
  quantityMin: '0.01',
  quantityMax: '100',
  marginRate: '0.01',
  commissionPerLot: '3.50',
  tripleSwapWeekday: 3,
}
const fiveDigits = { priceDigits: 5, tickSize: '0.00001' }
const threeDigits = { priceDigits: 3, tickSize: '0.001' }
const twoDigits = { priceDigits: 2, tickSize: '0.01' }

function pair(
  symbol: string,
  description: string,
  digits: { priceDigits: number; tickSize: string },
  swap: readonly [long: string, short: string],
  centre: string,
): TradedSymbol {
  return {
    symbol,
    description,
    quoteCurrency: symbol.slice(3),
    ...currencyPair,
    ...digits,
    swapLongPerLot: swap[0],
    swapShortPerLot: swap[1],
    synthetic: { centre, halfSpreadTicks: 4, range: 0.02 },
  }
}

const gold: TradedSymbol = {
  symbol: 'XAUUSD',
  description: 'Gold, troy ounce',
  quoteCurrency: 'USD',
  ...twoDigits,
  contractSize: '100',
  quantityStep: '0.01',
  quantityMin: '0.01',
  quantityMax: '50',
  marginRate: '0.02',
  commissionPerLot: '5.00',
  swapLongPerLot: '-28.40',
  swapShortPerLot: '14.10',
  tripleSwapWeekday: 3,
  synthetic: { centre: '2650.00', halfSpreadTicks: 10, range: 0.04 },
}

const bitcoin: TradedSymbol = {
  symbol: 'BTCUSD',
  description: 'Bitcoin',
  quoteCurrency: 'USD',
  ...twoDigits,
  contractSize: '1',
  quantityStep: '0.001',
  quantityMin: '0.001',
  quantityMax: '50',
  marginRate: '0.2',
  commissionPerLot: '20.00',
  swapLongPerLot: '-22.00',
  swapShortPerLot: '-5.00',
  tripleSwapWeekday: null,
  synthetic: { centre: '68000.00', halfSpreadTicks: 500, range: 0.1 },
}

const index: TradedSymbol = {
  symbol: 'US500',
  description: 'Index of 500 US shares',
  quoteCurrency: 'USD',
  ...twoDigits,
  contractSize: '10',
  quantityStep: '0.1',
  quantityMin: '0.1',
  quantityMax: '200',
  marginRate: '0.05',
  commissionPerLot: '0',
  swapLongPerLot: '-9.20',
  swapShortPerLot: '3.10',
  tripleSwapWeekday: 5,
  synthetic: { centre: '5800.00', halfSpreadTicks: 20, range: 0.03 },
}

/** The reference engine's instruments. The six pairs double as the crosses that convert profit between currencies. */
export const referenceSymbols: SymbolTable = new Map(
  [
    pair('EURUSD', 'Euro in US dollars', fiveDigits, ['-6.30', '2.10'], '1.08500'),
    pair('GBPUSD', 'Pound sterling in US dollars', fiveDigits, ['-3.90', '0.80'], '1.27000'),
    pair('AUDUSD', 'Australian dollar in US dollars', fiveDigits, ['-2.40', '0.40'], '0.66000'),
    pair('USDJPY', 'US dollar in yen', threeDigits, ['1450', '-2600'], '151.500'),
    pair('USDCHF', 'US dollar in Swiss francs', fiveDigits, ['5.10', '-9.80'], '0.88500'),
    pair('USDCAD', 'US dollar in Canadian dollars', fiveDigits, ['1.90', '-5.20'], '1.37000'),
    gold,
    bitcoin,
    index,
  ].map((entry) => [entry.symbol, entry]),
)
