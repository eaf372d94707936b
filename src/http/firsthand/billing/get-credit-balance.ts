/** GET /v1/billing/credits: what can be spent. What is held for jobs is no part of it. */
import { z } from '@hono/zod-openapi'
import { organizationNotFound } from '../../../commands/firsthand/organization.ts'
import { findOrganization } from '../../../projections/firsthand/organization.ts'
import { findWallet } from '../../../projections/firsthand/wallet.ts'
import { json } from '../../answers.ts'
import { buyerKey, read } from '../access.ts'

const answer = z
  .object({ balance_cents: z.int(), currency: z.literal('usd'), updated_at: z.string() })
  .openapi('CreditBalanceResponse')

export const getCreditBalance = read({
  path: '/v1/billing/credits',
  id: 'getCreditBalance',
  tags: ['Billing'],
  summary: 'The credits that can be spent',
  description: 'Answers what is left to spend, after what open jobs hold.',
  access: buyerKey('usage:read'),
  answer: json(answer, 'The balance, of the world of the key.'),
  refuses: ['organization_not_found'],
  async handle({ db, principal: { organizationId, environment } }) {
    const wallet = await findWallet(db, organizationId, environment)
    const shown = (cents: string, updated_at: string) =>
      ({ balance_cents: Number(cents), currency: 'usd', updated_at }) as const
    if (wallet) return shown(wallet.balance_cents, wallet.updated_at)
    const found = await findOrganization(db, organizationId)
    if (!found) throw organizationNotFound()
    return shown('0', found.created_at)
  },
})
