/** GET /api/analytics/runs and /api/overview/stats: how runs went, and today at a glance. */
import { z } from '@hono/zod-openapi'
import { Decimal } from 'decimal.js'
import { dayFigures, runFigures } from '../../../projections/rungate/run-analytics.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { dataOf, decimalNumber, listOfData, usdOut } from '../schemas.ts'
import { asked, granularityQuery, ofAgent, pageQuery, windowQuery } from './window.ts'

const count = z.int()
const figures = z.object({
  period: nullableTimeOut,
  ...{ total_runs: count, completed_count: count, failed_count: count, budget_exceeded_count: count },
  ...{ force_stopped_count: count, running_count: count, completion_rate_pct: z.number() },
  ...{ avg_duration_ms: z.number(), avg_steps_per_run: z.number(), avg_cost_per_run: usdOut, total_cost_usd: usdOut },
})

export const getRunAnalytics = read({
  path: '/api/analytics/runs',
  id: 'getRunAnalytics',
  tags: ['Analytics'],
  summary: 'How runs went',
  description: 'Sums up the runs that started in the window, by the period of their start where you name one.',
  access: dashboard('read'),
  query: z.object({ ...ofAgent, ...windowQuery, ...granularityQuery, ...pageQuery }),
  answer: json(listOfData(figures), 'The figures, the first period first.'),
  async handle({ db, clock, principal, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const { rows, total } = await runFigures(db, asked(principal, query, clock()))
    const data = rows.map(({ avg_cost_per_run, total_cost_usd, ...row }) => ({
      ...{ ...row, avg_cost_per_run: decimalNumber(avg_cost_per_run), total_cost_usd: decimalNumber(total_cost_usd) },
    }))
    return { data, total }
  },
})

const overview = z
  .object({
    ...{ active_agents: count, total_spend_today: usdOut, total_runs_today: count, tokens_processed_today: count },
    ...{ spend_trend_pct: z.number(), runs_trend_pct: z.number() },
    ...{ completed_runs_today: count, completion_rate_pct: z.number() },
  })
  .openapi('OverviewStats')

const DAY_MS = 86_400_000

/** By how much today is above yesterday, in percent; 0 where yesterday has nothing to compare with. */
const trend = (today: string | number, yesterday: string | number): number => {
  const before = new Decimal(yesterday)
  return before.isZero() ? 0 : new Decimal(today).minus(before).div(before).times(100).toDecimalPlaces(2).toNumber()
}

export const getOverviewStats = read({
  path: '/api/overview/stats',
  id: 'getOverviewStats',
  tags: ['Analytics'],
  summary: 'Today at a glance',
  description: 'Answers with the figures of the day (UTC), and with how they compare to yesterday up to the same time.',
  access: dashboard('read'),
  answer: json(dataOf(overview), 'The figures.'),
  async handle({ db, clock, principal: { accountId }, ...parts }) {
    await accountShown(parts, accountId)
    const now = clock().getTime()
    const midnight = now - (now % DAY_MS)
    const day = (fromMs: number, toMs: number) =>
      dayFigures(db, accountId, new Date(fromMs).toISOString(), new Date(toMs).toISOString())
    // What began in this very millisecond belongs to today.
    const [today, before] = await Promise.all([day(midnight, now + 1), day(midnight - DAY_MS, now + 1 - DAY_MS)])
    const data = {
      ...{ active_agents: today.agents, total_spend_today: decimalNumber(today.spend), total_runs_today: today.runs },
      ...{ tokens_processed_today: Number(today.tokens), spend_trend_pct: trend(today.spend, before.spend) },
      ...{ runs_trend_pct: trend(today.runs, before.runs), completed_runs_today: today.completed },
      completion_rate_pct: today.ended === 0 ? 0 : (100 * today.completed) / today.ended,
    }
    return { data }
  },
})
