/** GET /worker/v1/earnings: what the worker is owed, and what for. */
import { z } from '@hono/zod-openapi'
import { type EarningRow, findWorkerBalance, listEarnings as query } from '../../../projections/firsthand/worker.ts'
import { json } from '../../answers.ts'
import { newestFirst } from '../schemas.ts'
import { workers, workerToken } from './access.ts'

const response = z
  .object({
    balance_cents: z.int(),
    currency: z.literal('usd'),
    approved_count: z.int(),
    data: z.array(z.object({ submission_id: z.string(), amount_cents: z.int(), created_at: z.string() })),
    has_more: z.boolean(),
    next_cursor: z.string().nullable(),
  })
  .openapi('Earnings')

export const listEarnings = workers.list({
  path: '/worker/v1/earnings',
  id: 'listEarnings',
  tags: ['Work'],
  summary: 'The worker’s earnings, newest first',
  description: 'Answers what the worker is owed at present, and each approved submission’s payout, a page at a time.',
  access: workerToken,
  rate: 'worker',
  answer: json(response, 'The balance and a page of earnings.'),
  paging: newestFirst<EarningRow, 'submission_id'>('submission_id'),
  rows: async ({ db, principal: { workerId }, after: before, limit }) => {
    const [rows, balance] = await Promise.all([query(db, workerId, { before, limit }), findWorkerBalance(db, workerId)])
    return { rows, balance }
  },
  page: ({ rows, hasMore: has_more, nextCursor: next_cursor }, { balance }) => ({
    ...{ balance_cents: Number(balance?.balance_cents ?? 0), currency: 'usd' as const },
    approved_count: balance?.approved_count ?? 0,
    data: rows.map(({ submission_id, amount_cents, created_at }) => ({
      ...{ submission_id, amount_cents: Number(amount_cents), created_at },
    })),
    ...{ has_more, next_cursor },
  }),
})
