/** GET /v1/accounts/by-external-id/summary: the account's figures, as the engine last stated them. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findSummary } from '../../../projections/noctant/summary.ts'
import { json } from '../../answers.ts'
import { nullableDecimalOut, timeOut, uuidOut } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { accountOf } from '../reading.ts'
import { externalAccountQuery, figures } from '../schemas.ts'

const view = z
  .object({
    account_id: uuidOut,
    org_id: uuidOut,
    global_user_id: uuidOut,
    external_account_id: z.string(),
    currency: z.string(),
    ...figures,
    margin_level: nullableDecimalOut.optional(),
    trading_status: z.string(),
    updated_at: timeOut,
    version: z.int(),
  })
  .openapi('AccountSummaryView')

export const getAccountSummaryByExternalId = read({
  path: '/v1/accounts/by-external-id/summary',
  id: 'getAccountSummaryByExternalId',
  tags: ['Accounts'],
  summary: 'Balance, equity and margin of an account',
  description: 'Answers the figures that the engine stated last. They are not found until it has opened the account.',
  access: operatorKey('account_summary:read'),
  query: externalAccountQuery,
  answer: json(z.object({ summary: view }).openapi('AccountSummaryResponse'), 'The figures.'),
  refuses: ['account_not_found'],
  async handle({ db, principal, query }) {
    const account = await accountOf(db, principal, query.external_account_id)
    const summary = await findSummary(db, account.account_id)
    if (!summary) throw new Rejected('account_not_found', 'The account has no figures yet.')
    // The version counts the engine's events of one account; the contract wants a JSON integer, which a double holds.
    return { summary: { ...summary, version: Number(summary.version) } }
  },
})
