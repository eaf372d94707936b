/** A provider key as the contract shows it: never with its whole secret. */
import { z } from '@hono/zod-openapi'
import { type ProviderKeyState, providerKeyNotFound } from '../../../commands/rungate/provider-key.ts'
import { lastUsesOf } from '../../../projections/rungate/key-use.ts'
import type { ProviderKeyRow } from '../../../projections/rungate/provider-key.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { nullableTimeOut, timeOut, uuidOut } from '../../schemas.ts'
import type { RungateParts } from '../access.ts'

export const keyResponse = z
  .object({
    id: uuidOut,
    org_id: z.string().nullable(),
    workspace_id: z.string().nullable(),
    provider: z.string(),
    name: z.string(),
    api_key: z.string().nullable(),
    base_url: z.string().nullable(),
    status: z.enum(['active', 'disabled', 'deleted']),
    last_used_at: nullableTimeOut,
    created_at: timeOut,
    updated_at: timeOut,
    rotated_at: nullableTimeOut,
  })
  .openapi('ProviderKey')

/** `lastUsedAt`: by the calls that were made with it. */
export const keyView = (row: ProviderKeyRow, lastUsedAt: string | null = null): z.input<typeof keyResponse> => ({
  ...{ id: row.key_id, org_id: row.account_id, workspace_id: null, provider: row.provider, name: row.name },
  ...{ api_key: row.masked, base_url: row.base_url, status: row.status, last_used_at: lastUsedAt },
  ...{ created_at: row.created_at, updated_at: row.updated_at, rotated_at: row.rotated_at },
})

/** With the key’s last use, as the read models know it. */
export async function usedKeyView(
  { db }: Pick<RungateParts, 'db'>,
  row: ProviderKeyRow,
): Promise<z.input<typeof keyResponse>> {
  return keyView(row, (await lastUsesOf(db, [row.key_id])).get(row.key_id))
}

/** The row of a state. Throws where there is no key. */
export function keyRowOf(state: ProviderKeyState): ProviderKeyRow {
  if (state.status === 'absent') throw providerKeyNotFound()
  const { author: _, occurred_at: created_at, ...facts } = snake(state.facts)
  const { status, rotatedAt: rotated_at, updatedAt: updated_at } = state
  const secret = status === 'deleted' ? { sealed: null, masked: null } : {}
  return { ...facts, ...secret, status, rotated_at, created_at, updated_at }
}
