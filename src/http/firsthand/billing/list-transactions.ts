/** GET /v1/billing/transactions: what has moved the balance, newest first. The amounts add up to the balance. */
import { z } from '@hono/zod-openapi'
import { transactionType } from '../../../events/firsthand/vocabulary.ts'
import { listTransactions as query, type TransactionRow } from '../../../projections/firsthand/wallet.ts'
import { json } from '../../answers.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, oneOf, pageBody, pageOf } from '../schemas.ts'

const transaction = z
  .object({
    id: z.string(),
    object: z.literal('credit_transaction'),
    type: transactionType,
    description: z.string().nullable(),
    amount_cents: z.int(),
    running_balance_cents: z.int(),
    job_id: z.string().nullable(),
    expires_at: z.string().nullable(),
    created_at: z.string(),
  })
  .openapi('CreditTransactionResponse')

function view({ transaction_id, organization_id: _, environment: __, ...row }: TransactionRow) {
  const amounts = { amount_cents: Number(row.amount_cents), running_balance_cents: Number(row.running_balance_cents) }
  return { id: transaction_id, object: 'credit_transaction' as const, ...row, ...amounts }
}

export const listTransactions = list({
  path: '/v1/billing/transactions',
  id: 'listTransactions',
  tags: ['Billing'],
  summary: 'What has moved the balance, newest first',
  description: 'Answers every movement of the balance, a page at a time.',
  access: buyerKey('usage:read'),
  query: z.object({ type: oneOf(transactionType.options).optional() }),
  answer: json(pageOf('CreditTransactionListResponse', transaction), 'A page of transactions.'),
  paging: newestFirst<TransactionRow, 'transaction_id'>('transaction_id'),
  rows: async ({ db, principal, query: { type }, after: before, limit }) => ({
    rows: await query(db, principal, type, { before, limit }),
  }),
  page: (page) => pageBody(page.rows.map(view), page),
})
