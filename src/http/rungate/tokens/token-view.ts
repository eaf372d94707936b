/** An admin token as the contract shows it; its text stands in the answer that makes it, and nowhere else. */
import { z } from '@hono/zod-openapi'
import { type AdminTokenState, adminTokenNotFound } from '../../../commands/rungate/admin-token.ts'
import { scope } from '../../../events/rungate/vocabulary.ts'
import type { AdminTokenRow } from '../../../projections/rungate/admin-token.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'

export const tokenResponse = z
  .object({
    id: uuidOut,
    name: z.string(),
    description: z.string().nullable(),
    scopes: z.array(scope),
    token_prefix: z.string(),
    account_id: nullableUuidOut,
    status: z.enum(['active', 'revoked']),
    expires_at: nullableTimeOut,
    last_used_at: nullableTimeOut,
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('AdminToken')

export const tokenView = (row: AdminTokenRow): z.input<typeof tokenResponse> => ({
  ...{ id: row.token_id, name: row.name, description: row.description, scopes: row.scopes },
  ...{ token_prefix: row.key_prefix, account_id: row.account_id, status: row.status, expires_at: row.expires_at },
  ...{ last_used_at: row.last_used_at, created_at: row.created_at, updated_at: row.updated_at },
})

/** The row of a state. Throws where there is no token. */
export function tokenRowOf(state: AdminTokenState): AdminTokenRow {
  if (state.status === 'absent') throw adminTokenNotFound()
  const { author: _, occurred_at: created_at, ...facts } = snake(state.facts)
  const { status, usedAt: last_used_at, updatedAt: updated_at } = state
  return { ...facts, status, last_used_at, created_at, updated_at }
}
