/** An agent as the contract shows it; its key stands in the answer that makes it, and nowhere else. */
import { z } from '@hono/zod-openapi'
import { type AgentState, agentNotFound } from '../../../commands/rungate/agent.ts'
import type { AgentProfile } from '../../../events/rungate/agent.ts'
import { loadBalancing, routingPreference } from '../../../events/rungate/policy-settings.ts'
import type { AgentRow } from '../../../projections/rungate/agent.ts'
import { inSnakeCase, snake } from '../../../runtime/letter-case.ts'
import { timeOut, uuidOut } from '../../schemas.ts'
import { authors, authorsOf } from '../schemas.ts'

const names = z.array(z.string())
const override = z.object({
  default_chain: names.optional(),
  model_routes: z.array(z.object({ pattern: z.string(), chain: names, timeout_ms: z.int().optional() })).optional(),
  load_balancing: loadBalancing.optional(),
  routing_preference: routingPreference.optional(),
  timeout_ms: z.int().optional(),
})
const weighted = z.object({ key_id: z.string(), weight: z.int().min(1).max(100) })

const shape = {
  id: uuidOut,
  org_id: z.string().nullable(),
  workspace_id: z.string().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  api_key_prefix: z.string(),
  policy_id: uuidOut,
  allowed_policies: names.nullable(),
  provider_keys: z.record(z.string(), z.union([z.string(), z.array(weighted)])),
  routing_override: override.nullable(),
  metadata: z.record(z.string(), z.unknown()),
  status: z.enum(['active', 'disabled']),
  member_id: z.string().nullable(),
  ...authors,
  created_at: timeOut,
  updated_at: timeOut,
}
export const agentResponse = z.object(shape).openapi('Agent')
export const newAgentResponse = z.object({ ...shape, api_key: z.string(), _note: z.string().optional() })

type Shown = Omit<AgentRow, 'name' | 'policy_id' | 'status' | 'provider_key_ids' | 'text_id' | 'key_hash'>

export const agentView = (row: Shown): z.input<typeof agentResponse> => {
  const { name, description, policyId, allowedPolicies, metadata, status } = row.profile
  return {
    ...{ id: row.agent_id, org_id: row.account_id, workspace_id: null, name, description },
    ...{ api_key_prefix: row.key_prefix, policy_id: policyId, allowed_policies: allowedPolicies },
    ...{ provider_keys: choicesOf(row.profile), routing_override: overrideOf(row.profile), metadata, status },
    ...{ member_id: row.member_id, ...authorsOf(row), created_at: row.created_at, updated_at: row.updated_at },
  }
}

const choicesOf = ({ providerKeys }: AgentProfile) =>
  Object.fromEntries(
    Object.entries(providerKeys).map(([provider, choice]) => [
      provider,
      inSnakeCase(choice) as string | z.input<typeof weighted>[],
    ]),
  )
const overrideOf = ({ routingOverride }: AgentProfile) =>
  inSnakeCase(routingOverride) as z.input<typeof override> | null

/** The row of a state. Throws where there is no agent. */
export function agentRowOf(state: AgentState): Shown {
  if (state.status === 'absent') throw agentNotFound()
  const { facts, updatedBy: updated_by, updatedAt: updated_at } = state
  const { author: created_by, occurred_at: created_at, ...rest } = snake(facts)
  return { ...rest, created_by, created_at, updated_by, updated_at }
}
