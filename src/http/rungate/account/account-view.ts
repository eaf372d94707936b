/** An account as the contract shows it. */
import { z } from '@hono/zod-openapi'
import type { AccountState } from '../../../commands/rungate/account.ts'
import { tier } from '../../../events/rungate/vocabulary.ts'
import type { AccountRow } from '../../../projections/rungate/account.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { nullableTimeOut, timeOut, uuidOut } from '../../schemas.ts'

export const accountResponse = z
  .object({
    id: uuidOut,
    slug: z.string(),
    name: z.string(),
    tier,
    email: z
      .string()
      .nullable()
      .openapi({ type: ['string', 'null'], format: 'email' }),
    status: z.enum(['active', 'suspended', 'cancelled', 'pending']),
    is_hosted: z.boolean(),
    monthly_step_count: z.int(),
    monthly_step_count_reset_at: nullableTimeOut,
    step_limit_override: z.int().nullable(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('Account')

/** `steps`: of this calendar month, which began at `since`. `email`: the owner's; null: there is no owner. */
export const accountView = (
  row: AccountRow,
  { steps, since, email }: { steps: number; since: string; email: string | null },
): z.input<typeof accountResponse> => ({
  ...{ id: row.account_id, slug: row.slug, name: row.name, tier: row.tier, email, status: row.status },
  ...{ is_hosted: row.is_hosted, monthly_step_count: steps, monthly_step_count_reset_at: since },
  ...{ step_limit_override: row.step_limit, created_at: row.created_at, updated_at: row.updated_at },
})

/** The row of a state. Throws where there is no account. */
export function accountRowOf(state: AccountState): AccountRow {
  if (state.status === 'absent') throw new Error('an account that is not there has no view')
  const { facts, status, stepLimit: step_limit, createdAt: created_at, updatedAt: updated_at } = state
  return { ...snake(facts), status, step_limit, created_at, updated_at }
}

/** When the calendar month of this time began, in UTC. */
export const monthOf = (now: Date): string => `${now.toISOString().slice(0, 7)}-01T00:00:00.000Z`
