/** Firsthand in plots: what is held and paid, submissions by their stars, and files that were approved. */
import { html } from 'hono/html'
import { jobs } from '../../../projections/firsthand/job.ts'
import { submissions } from '../../../projections/firsthand/submission.ts'
import { transactions } from '../../../projections/firsthand/wallet.ts'
import type { Table } from '../../../projections/projection.ts'
import type { Asked, Shown } from '../../pages/declaration.ts'
import { ownFilter } from '../../pages/things.ts'
import type { FirsthandParts } from '../access.ts'

export async function showFigures(asked: Asked<FirsthandParts>): Promise<Shown> {
  const { series, span, draw } = asked.plotting
  const own = (table: Table, kinds: string) => ({
    table,
    filters: ownFilter({ table, kinds, tenant: 'organization_id' as never }, asked),
  })
  const inStep = `in ${span.stepS} s`
  const [posted, money, stars, decided] = await Promise.all([
    series({ ...own(jobs, 'jobs'), at: 'created_at', by: 'type', measure: { of: 'total_cost_cents', as: 'sum' } }),
    series({
      ...own(transactions, 'transactions'),
      at: 'created_at',
      by: 'type',
      measure: { of: 'amount_cents', as: 'sum' },
    }),
    series({ ...own(submissions, 'submissions'), at: 'scored_at', by: 'stars' }),
    series({ ...own(submissions, 'submissions'), at: 'created_at', by: 'status' }),
  ])
  return {
    content: html`<div class="plots">${[
      draw({
        ...{ name: 'held', title: 'Held for jobs that were posted', unit: `cents ${inStep}`, lines: posted },
        says: 'By the time at which each job was posted.',
      }),
      draw({
        ...{ name: 'money', title: 'Credits that came and went', unit: `cents ${inStep}`, lines: money },
        says: 'From the ledger; what leaves is below zero.',
      }),
      draw({
        ...{ name: 'stars', title: 'Submissions by stars', unit: inStep, lines: stars },
        says: 'By the time at which each was scored.',
      }),
      draw({
        ...{ name: 'submissions', title: 'Submissions by what became of them', unit: inStep, lines: decided },
        says: 'By the time at which each came in.',
      }),
    ]}</div>`,
  }
}
