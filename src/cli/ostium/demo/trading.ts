/** A trader who signs everything himself: a position from its opening to its partial close, and an order that waits. */
import { approveCall } from '../../../commands/ostium/calldata.ts'
import { fundOnLocalChain } from '../../../embedded/market/fund.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { unlessAway } from '../unless-away.ts'
import { firstPrice } from './prices.ts'
import { BITCOIN, build, ETHER, execute, type OstiumStory, PRICE, perform, position, type Say, USDC } from './story.ts'

export async function lookAround({ asTrader, chain, facts, checks }: OstiumStory, say: Say): Promise<void> {
  const { data: health } = await asTrader.GET('/v1/health')
  checks.equal('the service is well', `${health?.service} ${health?.status}`, 'builder-service healthy')
  checks.equal('the chain is the local one', await chain.chainId(), facts.chainId)
  checks.equal('its contracts have every function', (await chain.missingSelectors()).join(' ') || 'all', 'all')
  say(`chain ${facts.chainId} at ${facts.rpcUrl}`)
}

/** Dollars that the trader begins with, and those that the storage may spend: what is needed up to the agent. */
const BUDGET = 10_000n
const FIRST_ALLOWANCE = 250n

export async function fund(story: OstiumStory, say: Say): Promise<void> {
  const { asTrader, facts, trader, checks, chain } = story
  const { usdc, tradingStorage } = facts.contracts
  await unlessAway(fundOnLocalChain({ rpcUrl: facts.rpcUrl, usdc, address: trader.address, usdcUnits: BUDGET * USDC }))
  const { data: balance } = await asTrader.GET('/v1/balance/usdc')
  checks.equal('a fresh trader has dollars', balance?.balanceFormatted, '10000.000000')
  await execute(story, { to: usdc, data: approveCall(tradingStorage, FIRST_ALLOWANCE * USDC) })
  const allowance = await chain.allowanceOf(trader.address)
  checks.equal('and lets the exchange spend some of them', String(allowance / USDC), String(FIRST_ALLOWANCE))
  say(trader.address)
}

export async function open(story: OstiumStory, say: Say): Promise<void> {
  const { checks, facts, found } = story
  found.price = await firstPrice(story)
  const wish = { a: BITCOIN, b: true, t: 'market' as const, p: found.price.toFixed(2), s: '100', l: '10' }
  const [transaction] = await build(story, 'open', (trader, under) =>
    trader.POST('/v1/exchange/open', { ...under, body: { open: wish, sp: 1 } }),
  )
  checks.equal('it is for the trading contract', transaction?.to, facts.contracts.trading)
  checks.equal('calldata of 420 bytes', ((transaction?.data.length ?? 0) - 2) / 2, 420)
  if (!transaction) return
  const { isSuccess, hash, gasUsed } = await execute(story, transaction)
  checks.equal('signed and sent by the trader it succeeds', isSuccess, true)
  say(`${hash}, ${gasUsed} gas`)
}

export async function readPosition(story: OstiumStory, say: Say): Promise<void> {
  const trade = await position(story, 0, (seen) => seen !== undefined)
  const seen = trade ? `${trade.buy ? 'long' : 'short'} ${trade.collateral / USDC} at ${trade.leverage / 100}` : 'none'
  story.checks.equal('the position is on chain as asked for', seen, 'long 100 at 10')
  const away = Math.abs(Number(trade?.openPrice ?? 0n) / Number(PRICE) / story.found.price - 1)
  story.checks.holds('at a price within the slippage', away <= 0.01, 'at most 1 % away', `${(away * 100).toFixed(3)} %`)
  say(`opened at ${(Number(trade?.openPrice ?? 0n) / Number(PRICE)).toFixed(2)}`)
}

export async function changePosition(story: OstiumStory, say: Say): Promise<void> {
  const { checks, found } = story
  const level = Math.round(found.price * 1.2)
  await perform(story, 'take-profit', (trader, under) =>
    trader.POST('/v1/exchange/modify', { ...under, body: { a: BITCOIN, i: 0, tp: String(level) } }),
  )
  const guarded = await position(story, 0, (trade) => trade?.tp === BigInt(level) * PRICE)
  checks.equal('the take-profit is where it was set', String((guarded?.tp ?? 0n) / PRICE), String(level))
  await perform(story, 'top-up', (trader, under) =>
    trader.POST('/v1/exchange/margin', { ...under, body: { a: BITCOIN, i: 0, amount: '100' } }),
  )
  const topped = await position(story, 0, (trade) => trade?.collateral === 200n * USDC)
  const margin = `${(topped?.collateral ?? 0n) / USDC} at ${(topped?.leverage ?? 0) / 100}`
  checks.equal('twice the collateral is half the leverage', margin, '200 at 5')
  const closing = { closes: [{ a: BITCOIN, t: 0, p: found.price.toFixed(2), r: 50 }], sp: 2 }
  await perform(story, 'half', (trader, under) => trader.POST('/v1/exchange/close', { ...under, body: closing }))
  const half = await position(story, 0, (trade) => trade?.collateral === 100n * USDC)
  checks.equal('closed by half, half is left', String((half?.collateral ?? 0n) / USDC), '100')
  say(`take-profit ${level}, top-up 100, closed 50 %`)
}

export async function orderAndCancel(story: OstiumStory, say: Say): Promise<void> {
  const { checks, chain, trader } = story
  const orderNow = () => chain.openLimitOrder(trader.address, ETHER, 0)
  const before = await chain.usdcBalanceOf(trader.address)
  const wish = { a: ETHER, b: true, t: 'limit' as const, p: '1000', s: '50', l: '5', tp: '1500', sl: '900' }
  await perform(story, 'limit', (by, under) => by.POST('/v1/exchange/open', { ...under, body: { open: wish } }))
  const placed = await orderNow()
  checks.equal('an order stands', String((placed?.targetPrice ?? 0n) / PRICE), '1000')
  const moving = { a: ETHER, i: 0, p: '1100' }
  await perform(story, 'limit-price', (by, under) => by.POST('/v1/exchange/modify', { ...under, body: moving }))
  const moved = await orderNow()
  const levels = [moved?.targetPrice, moved?.tp, moved?.sl].map((level) => String((level ?? 0n) / PRICE)).join(' ')
  checks.equal('at another price it keeps its levels', levels, '1100 1500 900')
  const cancelling = { cancels: [{ t: 'limit' as const, a: ETHER, i: 0 }] }
  await perform(story, 'limit-cancel', (by, under) => by.POST('/v1/exchange/cancel', { ...under, body: cancelling }))
  const back = (await chain.usdcBalanceOf(trader.address)) - before
  checks.equal('cancelled, its collateral is back', `${await orderNow()} ${back}`, 'undefined 0')
  const gone = await story.asTrader.POST('/v1/exchange/modify', { body: { ...moving, p: '1200' } })
  checks.equal('and it can be changed no more', statusOf(gone), '400 NOT_FOUND')
  say('1000 → 1100 → cancelled')
}
