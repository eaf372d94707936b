/** What is built does on the chain what was asked: signed by the trader, executed, and read back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestTrader } from '../../support/chain.ts'
import { startTradingGround, type TradingGround } from './trading-ground.ts'

let ground: TradingGround
let trader: TestTrader
beforeAll(async () => {
  ground = await startTradingGround()
  ground.market.setPrice(0, '43000')
  ground.market.setPrice(1, '2300')
})
afterAll(() => ground.stop())

const ETHER = 10n ** 18n
const wish = { a: 0, b: true, t: 'market', p: '43000', s: '100', l: '10' }
const ask = (path: string, body: object) => ground.served.post(`/v1/exchange/${path}`, trader.address, body)
const tradeOf = (pair = 0, index = 0) => ground.market.client.openTrade(trader.address, pair, index)
const orderOf = (pair = 1, index = 0) => ground.market.client.openLimitOrder(trader.address, pair, index)

describe('a position', () => {
  beforeAll(async () => {
    trader = await ground.market.trader()
    await ground.execute(trader, await ask('open', { open: wish, sp: 1 }))
    await ground.market.settle()
  })

  it('is open on the side, in the size and with the leverage that were asked for', async () => {
    expect(await tradeOf()).toMatchObject({ collateral: 100_000_000n, leverage: 1_000, buy: true, pairIndex: 0 })
  })

  it('gets another take-profit', async () => {
    await ground.execute(trader, await ask('modify', { a: 0, i: 0, tp: '50000.5' }))
    expect((await tradeOf())?.tp).toBe(50_000n * ETHER + ETHER / 2n)
  })

  it('gets more collateral', async () => {
    await ground.execute(trader, await ask('margin', { a: 0, i: 0, amount: '100' }))
    expect(await tradeOf()).toMatchObject({ collateral: 200_000_000n, leverage: 500 })
  })

  it('is closed in part, and then as a whole', async () => {
    await ground.execute(trader, await ask('close', { closes: [{ a: 0, t: 0, p: '43000', r: 50 }], sp: 1 }))
    await ground.market.settle()
    expect((await tradeOf())?.collateral).toBe(100_000_000n)
    await ground.execute(trader, await ask('close', { closes: [{ a: 0, t: 0, p: '43000', r: 100 }], sp: 1 }))
    await ground.market.settle()
    expect(await tradeOf()).toBeUndefined()
  })
})

describe('an order that waits', () => {
  const order = { a: 1, b: true, t: 'limit', p: '2000', s: '50', l: '5', tp: '2500', sl: '1900' }
  beforeAll(async () => {
    trader = await ground.market.trader()
    await ground.execute(trader, await ask('open', { open: order, sp: 50 }))
  })

  it('gets another price and keeps the levels that the request leaves out', async () => {
    await ground.execute(trader, await ask('modify', { a: 1, i: 0, p: '2100' }))
    expect(await orderOf()).toMatchObject({ targetPrice: 2_100n * ETHER, tp: 2_500n * ETHER, sl: 1_900n * ETHER })
    await ground.execute(trader, await ask('modify', { a: 1, i: 0, p: '2050', tp: '2600' }))
    expect(await orderOf()).toMatchObject({ targetPrice: 2_050n * ETHER, tp: 2_600n * ETHER, sl: 1_900n * ETHER })
    await ground.execute(trader, await ask('modify', { a: 1, i: 0, p: '2050', sl: '0' }))
    expect(await orderOf()).toMatchObject({ tp: 2_600n * ETHER, sl: 0n })
  })

  it('is not given a price that its own levels stand on the wrong side of', async () => {
    const { status, body } = await ask('modify', { a: 1, i: 0, p: '2700' })
    expect([status, body.errorCode, body.details.validationErrors]).toStrictEqual([
      400,
      'VALIDATION_ERROR',
      { tp: ['as the order has it, must stand on its side of p'] },
    ])
  })

  it('is cancelled, and its collateral comes back', async () => {
    const balance = () => ground.market.client.usdcBalanceOf(trader.address)
    const before = await balance()
    await ground.execute(trader, await ask('cancel', { cancels: [{ t: 'limit', a: 1, i: 0 }] }))
    expect([await orderOf(), (await balance()) - before]).toStrictEqual([undefined, 50_000_000n])
    const gone = await ask('modify', { a: 1, i: 0, p: '2000' })
    expect([gone.status, gone.body.errorCode]).toStrictEqual([400, 'NOT_FOUND'])
  })

  it('whose change is repeated under its key is answered as it was, though it is gone by then', async () => {
    await ground.execute(trader, await ask('open', { open: order }))
    const headers = { 'idempotency-key': 'change-1' }
    const change = () =>
      ground.served.post('/v1/exchange/modify', trader.address, { a: 1, i: 0, p: '2100' }, { headers })
    const first = await change()
    await ground.execute(trader, await ask('cancel', { cancels: [{ t: 'limit', a: 1, i: 0 }] }))
    const again = await change()
    expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toStrictEqual([
      200,
      first.body,
      'true',
    ])
  })
})

it('a market order whose price does not come is taken back', async () => {
  trader = await ground.market.trader()
  const before = await ground.market.client.usdcBalanceOf(trader.address)
  const built = await ask('open', { open: { ...wish, a: 11, p: '1' }, sp: 1 })
  const { logs } = await ground.market.send(trader.key, built.body.transactions[0])
  const o = Number(ground.market.client.orderIdIn(logs))
  await ground.market.commands.mine({ blocks: 31 })
  await ground.execute(trader, await ask('cancel', { cancels: [{ t: 'open', o }] }))
  expect(await ground.market.client.usdcBalanceOf(trader.address)).toBe(before)
})

it('the balance is the chain’s', async () => {
  trader = await ground.market.trader()
  const { status, body } = await ground.served.get('/v1/balance/usdc', trader.address.toLowerCase())
  expect([status, body]).toStrictEqual([
    200,
    {
      address: trader.address,
      symbol: 'USDC',
      decimals: 6,
      balance: '100000000000',
      balanceFormatted: '100000.000000',
    },
  ])
})
