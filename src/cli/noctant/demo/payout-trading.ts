/** The second part of the payout's story: the target is reached by trading, and after it a profit to be paid from. */
import { setTimeout as delay } from 'node:timers/promises'
import { syntheticFeed } from '../../../engine/feed.ts'
import { referenceSymbols } from '../../../engine/symbols.ts'
import { decimal } from '../../demo/checks.ts'
import { type Plan, soonestTrade } from './foresight.ts'
import { isAbove, type PayoutStory, pollChallenge, type Say, TARGET } from './payout-story.ts'
import { entryStatusOf, initialBalance, pollRows, pollSummary, type Row, summaryOf } from './story.ts'

const QUANTITY = '20'
/** How far the trader looks ahead. */
const HORIZON_MS = 12_000
const LOOK_AGAIN_MS = 250
/** A trade that is not worth this much, per lot, is waited for. */
const PROFIT_PER_LOT_MIN = 8
/** Past the foreseen time, before a position is closed for what it is worth. */
const PATIENCE_MS = 3_000

export async function reachTarget(story: PayoutStory, say: Say): Promise<void> {
  const { checks, known } = story
  await tradeUntil(story, 'evaluation', initialBalance, say)
  const passed = await pollChallenge(story, ({ status }) => status !== 'active')
  checks.equal(
    'the target is reached, and the challenge passed',
    `${passed.status}, step ${passed.step_sequence}`,
    'passed, step 2',
  )
  const summary = await pollSummary(
    story,
    ({ margin_used }) => typeof margin_used === 'string' && decimal(margin_used).isZero(),
  )
  known.fundedBalance = String(summary.balance)
  const made = decimal(known.fundedBalance).minus(initialBalance)
  checks.holds('by trading alone', made.greaterThanOrEqualTo(TARGET), `at least ${TARGET}`, made.toFixed(2))
  say(`${made.toFixed(2)} USD made; the account is funded now`)
}

export async function makeProfit(story: PayoutStory, say: Say): Promise<void> {
  const { checks, known } = story
  await tradeUntil(story, 'funded', known.fundedBalance, say)
  const summary = await pollSummary(story, ({ balance }) => isAbove(balance, known.fundedBalance, TARGET))
  known.balance = String(summary.balance)
  const made = decimal(known.balance).minus(known.fundedBalance)
  checks.holds(
    'the funded account has a profit',
    made.greaterThanOrEqualTo(TARGET),
    `at least ${TARGET}`,
    made.toFixed(2),
  )
  say(`${made.toFixed(2)} USD made`)
}

/** Trades until the closed balance stands the target above the base, or patience ends; what is lacking, the checks say. */
async function tradeUntil(story: PayoutStory, phase: string, base: string, say: Say): Promise<void> {
  const feed = syntheticFeed({
    seed: String(story.tools.instanceSettings().ENGINE_FEED_SEED),
    symbols: referenceSymbols,
  })
  const giveUpAt = performance.now() + 6 * story.waits.waitMaxMs
  for (let trade = 1; performance.now() < giveUpAt; trade++) {
    const terms = { horizonMs: HORIZON_MS, profitPerLotMin: PROFIT_PER_LOT_MIN }
    const plan = await foreseen(() => soonestTrade(feed, Date.now(), terms), giveUpAt)
    if (!plan) return
    const { symbol, side, takeProfit, byMs } = plan
    say(`${side} ${QUANTITY} ${symbol}, out at ${takeProfit}`)
    const entry = await place(story, `${phase}-${trade}`, { symbol, side, quantity: QUANTITY, takeProfit })
    // Turned down where the market has passed the take profit already: another chance will come.
    if (entry === 'rejected') continue
    if (entry !== 'filled') return say(`order entry answers ${entry}`)
    const isFlat = await closedBy(story, byMs + PATIENCE_MS)
    if (!isFlat) {
      const opposite = side === 'buy' ? 'sell' : 'buy'
      await place(story, `${phase}-${trade}-out`, { symbol, side: opposite, quantity: QUANTITY })
    }
    await pollRows(story, 'positions', (rows) => rows.length === 0)
    if (isAbove((await summaryOf(story)).balance, base, TARGET)) return
  }
}

/** Looks until there is a plan. */
async function foreseen(look: () => Plan | undefined, giveUpAt: number): Promise<Plan | undefined> {
  for (;;) {
    const plan = look()
    if (plan) return plan
    if (performance.now() > giveUpAt) return undefined
    await delay(LOOK_AGAIN_MS)
  }
}

/** The order's status, as order entry answers it. */
async function place(story: PayoutStory, label: string, order: Row): Promise<string> {
  const { trader, run, found } = story
  const body = { accountId: found.accountId, clientOrderId: `${run}-${label}`, orderType: 'market', ...order }
  const answer = await trader('POST', '/orders', body)
  const { status } = (answer.body.order ?? {}) as Row
  return typeof status === 'string' ? status : entryStatusOf(answer)
}

/** Whether the account has neither position nor order left by that time. */
async function closedBy(story: PayoutStory, byMs: number): Promise<boolean> {
  for (;;) {
    const { body } = await story.trader('GET', `/accounts/${story.found.accountId}`)
    const account = (body.account ?? body) as Row
    if (Array.isArray(account.positions) && account.positions.length === 0) return true
    if (Date.now() > byMs) return false
    await delay(story.waits.pollIntervalMs)
  }
}
