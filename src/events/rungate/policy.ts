/** Facts of a policy, and which agents are bound to it. Stream `rungate.policy-<id>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { policySettings } from './policy-settings.ts'
import { author, time, uuid } from './vocabulary.ts'

const ofPolicy = { accountId: uuid, policyId: uuid, occurredAt: time }
/** Every version is whole. */
const version = {
  ...ofPolicy,
  name: z.string(),
  settings: policySettings,
  /** From 1, without gaps. */
  version: z.int().min(1),
  author,
}

export const policyEvents = {
  'rungate.PolicyCreated.v1': z.object({ ...version, memberId: uuid.nullable() }),
  /** Names of the changed members, in the form of the API. */
  'rungate.PolicyChanged.v1': z.object({ ...version, changedFields: z.array(z.string()) }),
  /** It is another member's from now on; null: nobody's in particular. */
  'rungate.PolicyReassigned.v1': z.object({ ...ofPolicy, memberId: uuid.nullable(), author }),
  'rungate.PolicyDeleted.v1': z.object(version),
  /** From now on the policy stays: an agent is about to name it, or does. */
  'rungate.AgentBound.v1': z.object({ ...ofPolicy, agentId: uuid }),
  'rungate.AgentUnbound.v1': z.object({ ...ofPolicy, agentId: uuid }),
}
export type PolicyEvent = EventOf<typeof policyEvents>
export type PolicyFacts = Extract<PolicyEvent, { type: 'rungate.PolicyCreated.v1' }>['data']
