/** Killatamata in plots: credit that came and went, what is held, spend by product, and payments. */
import { html } from 'hono/html'
import { holds, postings } from '../../../projections/killatamata/ledger.ts'
import { mediaJobs } from '../../../projections/killatamata/media.ts'
import { settlements } from '../../../projections/killatamata/payment.ts'
import type { Filter } from '../../../projections/listing.ts'
import type { Table } from '../../../projections/projection.ts'
import type { Asked, Shown } from '../../pages/declaration.ts'
import { ownFilter } from '../../pages/things.ts'
import type { KillatamataParts } from '../access.ts'

export async function showFigures(asked: Asked<KillatamataParts>): Promise<Shown> {
  const { series, span, draw } = asked.plotting
  const own = (table: Table, kinds: string) => ownFilter({ table, kinds, tenant: 'account_id' as never }, asked)
  const inStep = `micro-dollars in ${span.stepS} s`
  const booked = (account: string, side: 'debit' | 'credit'): Filter[] => [
    ...own(postings, 'postings'),
    { column: 'account', is: 'equal', value: account },
    { column: 'side', is: 'equal', value: side },
  ]
  const sum = { of: 'usd_micros', as: 'sum' } as const
  const moved = async (label: string, account: string, side: 'debit' | 'credit') => {
    const lines = await series({ table: postings, at: 'posted_at', measure: sum, filters: booked(account, side) })
    return lines.slice(0, 1).map(({ points }) => ({ label, points }))
  }
  const [came, went, placed, ended, open, spend, jobs, paid] = await Promise.all([
    moved('given to what can be spent', 'available', 'credit'),
    moved('taken from it', 'available', 'debit'),
    moved('held', 'held', 'credit'),
    moved('no longer held', 'held', 'debit'),
    series({ table: holds, at: 'placed_at', measure: sum, filters: own(holds, 'holds') }),
    series({
      ...{ table: mediaJobs, at: 'ended_at', by: 'task', filters: own(mediaJobs, 'media jobs') },
      measure: { of: 'charged_micros', as: 'sum' },
    }),
    series({ table: mediaJobs, at: 'created_at', by: 'status', filters: own(mediaJobs, 'media jobs') }),
    series({
      ...{ table: settlements, at: 'noticed_at', by: 'status', filters: own(settlements, 'settlements') },
      measure: { of: 'usd_cents', as: 'sum' },
    }),
  ])
  const fromLedger = 'From the ledger, by the time at which each posting was made.'
  return {
    content: html`<div class="plots">${[
      draw({
        ...{ name: 'credit', title: 'Credit that came and went', unit: inStep, lines: [...came, ...went] },
        says: fromLedger,
      }),
      draw({
        ...{ name: 'held', title: 'Held for jobs, and no longer', unit: inStep, lines: [...placed, ...ended] },
        says: fromLedger,
      }),
      draw({
        ...{ name: 'open', title: 'Of it held still', unit: inStep, lines: open },
        says: 'By the time at which each open hold was placed.',
      }),
      draw({
        ...{ name: 'spend', title: 'Spend by product', unit: inStep, lines: spend },
        says: 'What jobs were charged, by the time at which each ended.',
      }),
      draw({
        ...{ name: 'jobs', title: 'Media jobs by what became of them', unit: `in ${span.stepS} s`, lines: jobs },
        says: 'By the time at which each was asked for.',
      }),
      draw({
        ...{ name: 'payments', title: 'Payments by how they stand', unit: `cents in ${span.stepS} s`, lines: paid },
        says: 'By the time at which each was noticed.',
      }),
    ]}</div>`,
  }
}
