/** What an account can spend, what its open jobs hold, and what moved last. */
import { html } from 'hono/html'
import { findBalance, holds, postings } from '../../../projections/killatamata/ledger.ts'
import type { Asked, Markup } from '../../pages/declaration.ts'
import { fields, pathOf, section, shortId, time } from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf, type WithDatabase } from '../../pages/things.ts'
import { micros, toJob } from './lists.ts'

const HOLDS_SHOWN_MAX = 100
const POSTINGS_SHOWN_MAX = 50

export async function moneyOf(asked: Asked<WithDatabase>, accountId: string): Promise<Markup> {
  const { db } = asked.parts
  const of = ['account_id', accountId] as const
  const [balance, open, moved] = await Promise.all([
    findBalance(db, accountId),
    rowsOf(asked, holds, { at: 'placed_at', of, limit: HOLDS_SHOWN_MAX }),
    rowsOf(asked, postings, { at: 'posted_at', of, limit: POSTINGS_SHOWN_MAX }),
  ])
  const shown = (name: 'available_micros' | 'held_micros' | 'owed_micros', label: string) => {
    const value = balance?.[name] ?? '0'
    return { name, label, value, show: micros(value) }
  }
  return html`${section(
    'Balance',
    fields([
      shown('available_micros', 'To spend, micro-dollars'),
      shown('held_micros', 'Held for open jobs'),
      shown('owed_micros', 'Owed'),
      { name: 'updated_at', label: 'Changed', value: balance?.updated_at ?? null },
    ]),
  )}
${section(
  'Open holds',
  rowsTable('Open holds', open, 'Nothing is held.', [
    { name: 'hold_id', label: 'Hold', show: ({ hold_id }) => shortId(hold_id) },
    { name: 'job_id', label: 'Job', show: ({ job_id }) => shortId(job_id, toJob(job_id)) },
    figure('usd_micros', 'Micro-dollars', ({ usd_micros }) => usd_micros),
    { name: 'placed_at', label: 'Since', show: ({ placed_at }) => time(placed_at) },
  ]),
)}
${section(
  'What moved last',
  rowsTable('What moved last', moved, 'No money has moved.', [
    { name: 'event_id', label: 'Event', show: ({ event_id }) => shortId(event_id, pathOf('events', event_id)) },
    { name: 'account', label: 'Of the books', show: ({ account }) => account },
    { name: 'side', label: 'Side', show: ({ side }) => side },
    figure('usd_micros', 'Micro-dollars', ({ usd_micros }) => usd_micros),
    { name: 'posted_at', label: 'At', show: ({ posted_at }) => time(posted_at) },
  ]),
)}`
}
