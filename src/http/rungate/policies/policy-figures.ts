/** GET /api/policies/{id}/stats and …/cost-trend: what the runs under a policy cost and how they ended. */
import { z } from '@hono/zod-openapi'
import { policyNotFound } from '../../../commands/rungate/policy.ts'
import { isUuid } from '../../../events/uuid.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { findPolicy } from '../../../projections/rungate/policy.ts'
import { costTrend, policyFigures } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { invalid } from '../../errors.ts'
import { boundedText, timeInput, timeOut } from '../../schemas.ts'
import { dashboard, type Operator, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { clampedLimit, dataOf, decimalNumber, nullableUsdOut, usdOut } from '../schemas.ts'

const params = z.object({ id: boundedText(100) })
const window = { since: timeInput.optional(), until: timeInput.optional() }

/** The policy and the window that are asked for. Throws policy_not_found, and a Problem for a window without a length. */
async function asked(
  db: ReadModels,
  { accountId, memberId }: Operator,
  id: string,
  { since, until }: { since?: string | undefined; until?: string | undefined },
) {
  if (since !== undefined && until !== undefined && since >= until) {
    throw invalid('query/since', 'out_of_range', 'must be before until')
  }
  const found = isUuid(id) ? await findPolicy(db, accountId, memberId, id.toLowerCase()) : undefined
  if (!found) throw policyNotFound()
  return { accountId, policyId: found.policy_id, since, until }
}

const figures = z.object({
  total_runs: z.int(),
  total_spend_usd: usdOut,
  avg_cost_per_run_usd: nullableUsdOut,
  avg_steps_per_run: z.int().nullable(),
  avg_duration_ms: z.number().nullable(),
  success_rate: z.number().nullable(),
  budget_utilization: z.number().nullable(),
})

export const getPolicyStats = read({
  path: '/api/policies/{id}/stats',
  id: 'getPolicyStats',
  tags: ['Policies'],
  summary: 'Figures of the runs under a policy',
  description: 'Sums up the runs that started in the window; a figure that no run qualifies for is null.',
  access: dashboard('read'),
  params,
  query: z.object(window),
  answer: json(dataOf(figures), 'The figures.'),
  refuses: ['policy_not_found'],
  async handle({ db, principal, params: { id }, query, ...parts }) {
    await accountShown(parts, principal.accountId)
    const { total_spend_usd, avg_cost_per_run_usd, ...found } = await policyFigures(
      db,
      await asked(db, principal, id, query),
    )
    const amounts = {
      total_spend_usd: decimalNumber(total_spend_usd),
      avg_cost_per_run_usd: decimalNumber(avg_cost_per_run_usd),
    }
    return { data: { ...found, ...amounts } }
  },
})

const POINTS = { default: 100, max: 500 }

const point = z.object({
  run_id: z.string(),
  name: z.string().nullable(),
  cost_usd: usdOut,
  step_count: z.int(),
  started_at: timeOut,
})

export const getPolicyCostTrend = read({
  path: '/api/policies/{id}/cost-trend',
  id: 'getPolicyCostTrend',
  tags: ['Policies'],
  summary: 'What each run under a policy cost',
  description: 'Answers with the runs that have ended, the first one first.',
  access: dashboard('read'),
  params,
  query: z.object({ ...window, limit: clampedLimit(POINTS.max) }),
  answer: json(z.object({ data: z.array(point), total: z.int() }), 'The runs.'),
  refuses: ['policy_not_found'],
  async handle({ db, principal, params: { id }, query: { limit = POINTS.default, ...within }, ...parts }) {
    await accountShown(parts, principal.accountId)
    const rows = await costTrend(db, await asked(db, principal, id, within), limit)
    const data = rows.map(({ total: _, cost_usd, ...row }) => ({ ...row, cost_usd: decimalNumber(cost_usd) }))
    return { data, total: Number(rows[0]?.total ?? 0) }
  },
})
