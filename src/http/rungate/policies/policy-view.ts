/** A policy, and a version of one, as the contract shows them. */
import { z } from '@hono/zod-openapi'
import { type PolicyState, policyNotFound } from '../../../commands/rungate/policy.ts'
import type { PolicyRow, PolicyVersionRow } from '../../../projections/rungate/policy.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { timeOut, uuidOut } from '../../schemas.ts'
import { authors, authorsOf } from '../schemas.ts'
import { settingsOut, settingsView } from './settings-schema.ts'

export const policyResponse = z
  .object({
    id: uuidOut,
    org_id: z.string().nullable(),
    workspace_id: z.string().nullable(),
    name: z.string(),
    ...settingsOut,
    member_id: z.string().nullable(),
    ...authors,
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('Policy')

export const policyView = (
  row: Omit<PolicyRow, 'visibility' | 'version' | 'name_text'>,
): z.input<typeof policyResponse> => ({
  ...{ id: row.policy_id, org_id: row.account_id, workspace_id: null, name: row.name },
  ...settingsView(row.settings),
  ...{ member_id: row.member_id, ...authorsOf(row), created_at: row.created_at, updated_at: row.updated_at },
})

/** The row of a state. Throws where there is no policy. */
export function policyRowOf(state: PolicyState): Omit<PolicyRow, 'visibility' | 'version' | 'name_text'> {
  if (state.status === 'absent') throw policyNotFound()
  const { author: updated_by, occurred_at: updated_at, version: _, ...facts } = snake(state.facts)
  return { ...facts, created_by: state.createdBy, updated_by, created_at: state.createdAt, updated_at }
}

export const versionResponse = z
  .object({
    id: uuidOut,
    policy_id: uuidOut,
    version_number: z.int().min(1),
    snapshot: z.looseObject({}),
    changed_by: z.string(),
    changed_fields: z.array(z.string()),
    created_at: timeOut,
  })
  .openapi('PolicyVersion')

export const versionView = (row: PolicyVersionRow): z.input<typeof versionResponse> => ({
  ...{ id: row.version_id, policy_id: row.policy_id, version_number: row.version },
  snapshot: { id: row.policy_id, org_id: row.account_id, name: row.name, ...settingsView(row.settings) },
  ...{ changed_by: row.changed_by, changed_fields: row.changed_fields, created_at: row.created_at },
})
