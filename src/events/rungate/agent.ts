/** Facts of an agent. Stream `rungate.agent-<id>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { loadBalancing, modelRoute, routingPreference } from './policy-settings.ts'
import { author, keyFacts, time, uuid } from './vocabulary.ts'

const ofAgent = { accountId: uuid, agentId: uuid, occurredAt: time, author }

export const weightedKey = z.object({ keyId: uuid, weight: z.int().min(1).max(100) })
/** One key, or several with their weights. */
export const keyChoice = z.union([uuid, z.array(weightedKey)])

const routingOverride = z.object({
  defaultChain: z.array(z.string()).optional(),
  modelRoutes: z.array(modelRoute).optional(),
  loadBalancing: loadBalancing.optional(),
  routingPreference: routingPreference.optional(),
  timeoutMs: z.int().positive().optional(),
})

/** All that may be changed of an agent, whole. */
export const agentProfile = z.object({
  name: z.string(),
  description: z.string().nullable(),
  policyId: uuid,
  /** Policies that it may choose for a run, beside its own; null: any. */
  allowedPolicies: z.array(uuid).nullable(),
  /** By provider. */
  providerKeys: z.record(z.string(), keyChoice),
  routingOverride: routingOverride.nullable(),
  metadata: z.record(z.string(), z.unknown()),
  status: z.enum(['active', 'disabled']),
})
export type AgentProfile = z.infer<typeof agentProfile>

export const agentEvents = {
  'rungate.AgentCreated.v1': z.object({
    ...ofAgent,
    ...keyFacts.shape,
    memberId: uuid.nullable(),
    profile: agentProfile,
  }),
  'rungate.AgentChanged.v1': z.object({ ...ofAgent, profile: agentProfile, changedFields: z.array(z.string()) }),
  /** It is another member's from now on; null: nobody's in particular. */
  'rungate.AgentReassigned.v1': z.object({ ...ofAgent, memberId: uuid.nullable() }),
  /** The key of before opens nothing any more. */
  'rungate.AgentKeyRotated.v1': z.object({ ...ofAgent, ...keyFacts.shape }),
}
export type AgentEvent = EventOf<typeof agentEvents>
export type AgentFacts = Extract<AgentEvent, { type: 'rungate.AgentCreated.v1' }>['data']
