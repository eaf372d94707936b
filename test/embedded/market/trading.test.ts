/** The contracts of the local market do in small what the real ones do: what they take, refuse, fill and pay. */
import { concat, pad, toFunctionSelector } from 'viem/utils'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CallReverted } from '../../../src/adapters/chain/reverts.ts'
import {
  calldata,
  inUnits,
  opening,
  startTestMarket,
  type TestMarket,
  type TestTrader,
  type Wish,
} from '../../support/chain.ts'

let market: TestMarket
let trader: TestTrader
beforeAll(async () => {
  market = await startTestMarket()
})
afterAll(() => market.stop())
beforeEach(async () => {
  trader = await market.trader()
  for (const pair of [0, 1, 2]) market.setPrice(pair, undefined)
})

type Data = `0x${string}`

/** Sent by the trader, and included without a revert. */
async function send(data: Data, by = trader) {
  const receipt = await market.send(by.key, { to: market.contracts.trading, data })
  expect(receipt.isSuccess, await reason(receipt.isSuccess, data, by)).toBe(true)
  return receipt
}
const reason = async (isSuccess: boolean, data: Data, by: TestTrader) => (isSuccess ? '' : `${await refusal(data, by)}`)

/** `WrongTP()`: why the contract would refuse it. */
async function refusal(data: Data, by = trader): Promise<string> {
  const asked = market.client.call({ from: by.address, to: market.contracts.trading, data })
  const { name, args, text } = await asked.then(
    () => ({ name: 'nothing', args: [] as string[], text: '' }),
    (error: unknown) => (error as CallReverted).revert,
  )
  return name === null ? text : `${name}(${args.join(',')})`
}

const wish = (changes: Omit<Partial<Wish>, 'trader'> = {}): Data =>
  opening({ trader: trader.address, price: '1000', ...changes })
const balance = () => market.client.usdcBalanceOf(trader.address)
const tradeAt = (pair = 0, index = 0) => market.client.openTrade(trader.address, pair, index)
const dollars = (text: string) => inUnits(text, 6)
const price = (text: string) => inUnits(text, 18)

/** The price is that of the pair from now on, and all that is due at it is done. */
async function at(text: string | undefined, pair = 0) {
  market.setPrice(pair, text)
  await market.settle()
}

async function opened(changes: Omit<Partial<Wish>, 'trader'> = {}) {
  await send(wish(changes))
  await at(changes.price ?? '1000', changes.pair)
}

const close = (percentage = 10_000, wanted = '1000', slippage = 100, index = 0) =>
  calldata('closeTradeMarket', 0, index, percentage, price(wanted), slippage)

describe('a market order', () => {
  it('waits for a price, and opens at it', async () => {
    const before = await balance()
    const { logs } = await send(wish({ tp: '1200', sl: '950' }))
    expect(market.client.orderIdIn(logs)).toMatch(/^\d+$/)
    expect(before - (await balance())).toBe(dollars('100'))
    expect(await tradeAt()).toBeUndefined()
    await at('1004.5')
    expect(await tradeAt()).toEqual({
      ...{ collateral: dollars('100'), openPrice: price('1004.5'), tp: price('1200'), sl: price('950') },
      ...{ trader: trader.address, leverage: 1000, pairIndex: 0, index: 0, buy: true },
    })
  })

  it.each([
    ['above what a buyer wants to pay', { buy: true }, '1010.01'],
    ['below what a seller wants to get', { buy: false }, '989.99'],
    ['beyond its take-profit', { tp: '1005' }, '1005'],
    ['beyond its stop-loss', { sl: '995' }, '994'],
  ])('goes back where the price is %s', async (_, changes, found) => {
    const before = await balance()
    await send(wish(changes))
    await at(found)
    expect([await tradeAt(), await balance()]).toEqual([undefined, before])
  })

  it('has its levels where none is set: 900 % of profit, and none against a loss', async () => {
    await opened({ buy: false, leverage: '20' })
    expect(await tradeAt()).toMatchObject({ tp: price('550'), sl: 0n })
  })

  it.each<[string, Omit<Partial<Wish>, 'trader'>]>([
    ['WrongParams()', { slippage: 0n }],
    ['WrongParams()', { slippage: 10_000n }],
    ['WrongParams()', { type: 1, slippage: 1n }],
    ['WrongParams()', { price: '0' }],
    ['WrongParams()', { builder: { builder: '0x00000000000000000000000000000000000B0b00', builderFee: 500_001 } }],
    ['WrongLeverage(99)', { leverage: '0.99' }],
    ['WrongLeverage(10001)', { leverage: '100.01' }],
    ['BelowMinLevPos()', { collateral: '4.999999' }],
    ['AboveMaxAllowedCollateral()', { collateral: '1000000.000001' }],
    ['PairNotListed(12)', { pair: 12 }],
    ['WrongTP()', { tp: '1000' }],
    ['WrongTP()', { tp: '1000', buy: false }],
    ['WrongSL()', { sl: '1000' }],
    ['WrongSL()', { sl: '999', buy: false }],
    ['Error(ERC20: transfer amount exceeds balance)', { collateral: '100000.000001' }],
    ['nothing()', { slippage: 9_999n, leverage: '100', collateral: '5' }],
  ])('is refused with %s where it is %o', async (expected, changes) => {
    expect(await refusal(wish(changes))).toBe(expected)
  })

  it('of somebody else is refused without a reason', async () => {
    expect(await refusal(wish(), await market.trader())).toBe('refused without a reason')
  })

  it('needs an allowance of the storage', async () => {
    await market.send(trader.key, {
      to: market.contracts.usdc,
      data: calldata('approve', market.contracts.tradingStorage, 0n),
    })
    expect(await refusal(wish())).toBe('Error(ERC20: transfer amount exceeds allowance)')
  })
})

describe('of one trader there are', () => {
  it('three trades, waiting orders and limit orders in a pair', async () => {
    await opened()
    market.setPrice(0, undefined)
    await send(wish())
    await send(wish({ type: 1, price: '900' }))
    const full = `MaxTradesPerPairReached(${trader.address},0)`
    expect([await refusal(wish()), await refusal(wish({ type: 2 })), await refusal(wish({ pair: 1 }))]).toEqual([
      ...[full, full],
      'nothing()',
    ])
  })

  it('five orders that wait for a price', async () => {
    for (const pair of [1, 1, 1, 2, 2]) await send(wish({ pair }))
    expect(await refusal(wish())).toBe(`MaxPendingMarketOrdersReached(${trader.address})`)
    expect(await refusal(wish({ type: 1 }))).toBe('nothing()')
  })
})

describe('a trade', () => {
  it('is closed at the price of then, with its profit', async () => {
    await opened()
    const before = await balance()
    await send(close(10_000, '1100'))
    await at('1100')
    expect([await tradeAt(), (await balance()) - before]).toEqual([undefined, dollars('200')])
  })

  it('is closed in part', async () => {
    await opened({ buy: false })
    const before = await balance()
    await send(close(2_500, '1050'))
    await at('1050')
    expect(await tradeAt()).toMatchObject({ collateral: dollars('75'), leverage: 1000 })
    expect((await balance()) - before).toBe(dollars('12.5'))
  })

  it('is closed whole where no part is named', async () => {
    await opened()
    await send(close(0))
    await at('1000')
    expect(await tradeAt()).toBeUndefined()
  })

  it('stays where the price has slipped', async () => {
    await opened()
    await send(close(10_000, '1100', 50))
    await at('1094')
    expect(await tradeAt()).toMatchObject({ collateral: dollars('100') })
  })

  it('wins 900 % at most, and loses no more than its collateral', async () => {
    await opened({ leverage: '100' })
    const before = await balance()
    await at('1500')
    expect([await tradeAt(), (await balance()) - before]).toEqual([undefined, dollars('1000')])
    await opened({ leverage: '100' })
    const after = await balance()
    await at('500')
    expect([await tradeAt(), await balance()]).toEqual([undefined, after])
  })

  it.each([
    ['take-profit', { tp: '1010' }, '1011', '111'],
    ['stop-loss', { sl: '990' }, '989', '89'],
    ['stop-loss of a short one', { buy: false, sl: '1010' }, '1010', '90'],
    ['liquidation', {}, '910', '0'],
  ])('is ended by its %s', async (_, changes, found, paid) => {
    await opened({ ...changes })
    const before = await balance()
    await at(found)
    expect([await tradeAt(), (await balance()) - before]).toEqual([undefined, dollars(paid)])
  })

  it('is refused what it does not allow', async () => {
    const none = `NoTradeFound(${trader.address},0,0)`
    expect(await refusal(close())).toBe(none)
    expect(await refusal(calldata('updateTp', 0, 0, 0n))).toBe(none)
    await opened()
    expect([
      ...[await refusal(close(10_001)), await refusal(close(1, '1000', 0)), await refusal(close(1, '0'))],
      ...[await refusal(close(1, '1000', 10_000)), await refusal(close(1, '1000', 9_999))],
    ]).toEqual(['WrongParams()', 'WrongParams()', 'WrongParams()', 'WrongParams()', 'nothing()'])
    market.setPrice(0, undefined)
    await send(close())
    const closing = `AlreadyMarketClosed(${trader.address},0,0)`
    expect([
      ...[await refusal(close()), await refusal(calldata('updateSl', 0, 0, 0n))],
      await refusal(calldata('topUpCollateral', 0, 0, 5n)),
    ]).toEqual([closing, closing, closing])
  })

  it('has its levels moved, not too far', async () => {
    await opened()
    await send(calldata('updateTp', 0, 0, price('1900')))
    await send(calldata('updateSl', 0, 0, price('915')))
    expect(await tradeAt()).toMatchObject({ tp: price('1900'), sl: price('915') })
    expect(await refusal(calldata('updateTp', 0, 0, price('1900.01')))).toBe('WrongTP()')
    expect(await refusal(calldata('updateSl', 0, 0, price('914.99')))).toBe('WrongSL()')
    await send(calldata('updateTp', 0, 0, 0n))
    await send(calldata('updateSl', 0, 0, 0n))
    expect(await tradeAt()).toMatchObject({ tp: price('1900'), sl: 0n })
  })
})

describe('collateral', () => {
  it('is added as far as hundredths of leverage need it', async () => {
    await opened()
    const before = await balance()
    await send(calldata('topUpCollateral', 0, 0, dollars('33.333333')))
    // 1,000 dollars of size over 133.333333 is 7.5000000…, so that leverage is 7.51 and 133.155792 dollars are enough.
    expect(await tradeAt()).toMatchObject({ leverage: 751, collateral: dollars('133.155792') })
    expect(before - (await balance())).toBe(dollars('33.155792'))
    expect(await refusal(calldata('topUpCollateral', 0, 0, dollars('0.01')))).toBe('WrongParams()')
    expect(await refusal(calldata('topUpCollateral', 0, 0, 0n))).toBe('WrongParams()')
    expect(await refusal(calldata('topUpCollateral', 0, 0, dollars('900')))).toBe('WrongLeverage(97)')
  })

  it('is taken out when the price is there', async () => {
    await opened()
    market.setPrice(0, undefined)
    const before = await balance()
    await send(calldata('removeCollateral', 0, 0, dollars('50')))
    const waiting = `TriggerPending(${trader.address},0,0)`
    expect([await refusal(close()), await refusal(calldata('updateTp', 0, 0, 0n))]).toEqual([waiting, waiting])
    await at('1000')
    expect(await tradeAt()).toMatchObject({ leverage: 2000, collateral: dollars('50'), tp: price('1450') })
    expect((await balance()) - before).toBe(dollars('50'))
  })

  it('stays where the position could not bear it', async () => {
    await opened()
    market.setPrice(0, undefined)
    const before = await balance()
    await send(calldata('removeCollateral', 0, 0, dollars('50')))
    await at('955')
    expect([await tradeAt(), await balance()]).toEqual([
      expect.objectContaining({ collateral: dollars('100') }),
      before,
    ])
  })

  it('is not taken out beyond what there is, or what leverage allows', async () => {
    await opened()
    expect([
      ...[await refusal(calldata('removeCollateral', 0, 0, 0n))],
      ...[await refusal(calldata('removeCollateral', 0, 0, dollars('100')))],
      ...[await refusal(calldata('removeCollateral', 0, 0, dollars('91')))],
    ]).toEqual(['WrongParams()', 'WrongParams()', 'WrongLeverage(11111)'])
    await opened({ collateral: '6', leverage: '2' })
    expect(await refusal(calldata('removeCollateral', 0, 1, dollars('2')))).toBe('BelowMinLevPos()')
  })
})

describe('a limit order', () => {
  const orderAt = (index = 0) => market.client.openLimitOrder(trader.address, 0, index)

  it.each([
    ['limit', true, 1, '1000.01', '999'],
    ['limit', false, 1, '999.99', '1001'],
    ['stop', true, 2, '999.99', '1000'],
    ['stop', false, 2, '1000.01', '1000'],
  ] as const)('of type %s, buying: %s, stands until the price crosses', async (_, buy, type, standing, crossing) => {
    await send(wish({ type, buy }))
    await at(standing)
    expect(await orderAt()).toMatchObject({ orderType: type, targetPrice: price('1000'), buy })
    await at(crossing)
    expect(await orderAt()).toBeUndefined()
    expect(await tradeAt()).toMatchObject({ openPrice: price(crossing), buy, collateral: dollars('100') })
  })

  it('is changed, levels and all', async () => {
    await send(wish({ type: 1, tp: '1100', sl: '900' }))
    await send(calldata('updateOpenLimitOrder', 0, 0, price('950'), price('1200'), 0n))
    expect(await orderAt()).toMatchObject({ targetPrice: price('950'), tp: price('1200'), sl: 0n })
    const change = (...levels: bigint[]) => refusal(calldata('updateOpenLimitOrder', 0, 0, ...levels))
    expect([await change(0n, 0n, 0n), await change(5n, 5n, 0n), await change(5n, 0n, 5n)]).toEqual([
      ...['WrongParams()', 'WrongTP()', 'WrongSL()'],
    ])
  })

  it('is cancelled, and its collateral comes back', async () => {
    const before = await balance()
    await send(wish({ type: 1 }))
    await send(calldata('cancelOpenLimitOrder', 0, 0))
    expect([await orderAt(), await balance()]).toEqual([undefined, before])
    const none = `NoLimitFound(${trader.address},0,0)`
    expect(await refusal(calldata('cancelOpenLimitOrder', 0, 0))).toBe(none)
    expect(await refusal(calldata('updateOpenLimitOrder', 0, 0, 1n, 0n, 0n))).toBe(none)
  })

  it('takes the first free place', async () => {
    for (const each of ['990', '980', '970']) await send(wish({ type: 1, price: each }))
    await send(calldata('cancelOpenLimitOrder', 0, 1))
    await send(wish({ type: 1, price: '960' }))
    expect(await orderAt(1)).toMatchObject({ targetPrice: price('960'), index: 1 })
  })

  it('that is not there is no answer of the storage, which has another question', async () => {
    const ask = (name: 'getOpenLimitOrder' | 'hasOpenLimitOrder') =>
      market.client.call({ to: market.contracts.tradingStorage, data: calldata(name, trader.address, 0, 7) })
    await expect(ask('getOpenLimitOrder')).rejects.toMatchObject({
      revert: { name: 'NoOpenLimitOrder', args: [trader.address, '0', '7'] },
    })
    expect(BigInt(await ask('hasOpenLimitOrder'))).toBe(0n)
  })
})

describe('an order that waits in vain', () => {
  const waitingOrder = async (data: Data) => BigInt(market.client.orderIdIn((await send(data)).logs) ?? '')
  const blocks = (count: number) => market.commands.mine({ blocks: count })

  it('is called off after 30 blocks, an opening one with its collateral', async () => {
    const before = await balance()
    const order = await waitingOrder(wish({ pair: 11 }))
    expect(await refusal(calldata('openTradeMarketTimeout', order))).toBe(`WaitTimeout(${order})`)
    await blocks(29)
    await send(calldata('openTradeMarketTimeout', order))
    expect(await balance()).toBe(before)
    expect(await refusal(calldata('openTradeMarketTimeout', order))).toBe(`NoTradeToTimeoutFound(${order})`)
  })

  it('to close is called off, or asked for once more', async () => {
    await opened()
    market.setPrice(0, undefined)
    const order = await waitingOrder(close(5_000))
    await blocks(30)
    const receipt = await send(calldata('closeTradeMarketTimeout', order, true))
    const again = BigInt(market.client.orderIdIn(receipt.logs) ?? '')
    expect(again).toBeGreaterThan(order)
    await blocks(30)
    await send(calldata('closeTradeMarketTimeout', again, false))
    expect(await refusal(close())).toBe('nothing()')
  })

  it('is its trader’s, and of its kind', async () => {
    await opened()
    market.setPrice(0, undefined)
    const [open, closing] = [await waitingOrder(wish()), await waitingOrder(close())]
    await blocks(30)
    const stranger = await market.trader()
    expect([
      await refusal(calldata('openTradeMarketTimeout', open), stranger),
      await refusal(calldata('openTradeMarketTimeout', closing)),
      await refusal(calldata('closeTradeMarketTimeout', open, false)),
    ]).toEqual([
      `NotYourOrder(${open},${trader.address})`,
      `NotOpenMarketTimeoutOrder(${closing})`,
      `NotCloseMarketTimeoutOrder(${open})`,
    ])
  })
})

describe('the books', () => {
  const asked = (signature: string) =>
    market.client.call({ to: market.contracts.tradingStorage, data: toFunctionSelector(signature) })

  it('hold what traders have in it, and the vault has the rest', async () => {
    // Trades of other tests end at this price, and not later.
    await at('1000')
    const [held, vault] = [BigInt(await asked('held()')), BigInt(await asked('vault()'))]
    await opened()
    await send(wish({ type: 1, price: '900' }))
    expect(BigInt(await asked('held()')) - held).toBe(dollars('200'))
    await send(calldata('cancelOpenLimitOrder', 0, 0))
    await send(close())
    await at('1000')
    expect([BigInt(await asked('held()')), BigInt(await asked('vault()'))]).toEqual([held, vault])
  })

  it('and prices are nobody else’s', async () => {
    const { trading, tradingStorage } = market.contracts
    const calls = [
      { to: tradingStorage, data: concat([toFunctionSelector('removeTrade(uint256)'), pad('0x1')]) },
      { to: tradingStorage, data: concat([toFunctionSelector('setTrading(address)'), pad(trader.address)]) },
      { to: trading, data: toFunctionSelector('pause()') },
    ]
    const refused = calls.map((call) => market.client.call({ from: trader.address, ...call }).catch(String))
    const [notTrading, notKeeper] = [toFunctionSelector('NotTrading()'), toFunctionSelector('NotKeeper()')]
    expect(await Promise.all(refused)).toEqual(
      [notTrading, notTrading, notKeeper].map((selector) =>
        expect.stringContaining(`refused with the error ${selector}`),
      ),
    )
  })

  it('can be closed to new trades, and to everything', async () => {
    const keeper = market.chain.keyOf(1)
    const toggle = (signature: string) =>
      market.send(keeper, { to: market.contracts.trading, data: toFunctionSelector(signature) })
    await opened()
    await toggle('pause()')
    expect([await refusal(wish()), await refusal(close())]).toEqual(['IsPaused()', 'nothing()'])
    await toggle('pause()')
    await toggle('done()')
    expect([await refusal(wish()), await refusal(close())]).toEqual(['IsDone()', 'IsDone()'])
    await toggle('done()')
    expect(await refusal(wish())).toBe('nothing()')
  })
})
