/** What callers say of policies, and how one comes to be of it. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { createPolicy } from '../../../commands/rungate/creating.ts'
import { type ExistingPolicy, isSeen, policy, policyNotFound } from '../../../commands/rungate/policy.ts'
import { mergeSettings } from '../../../commands/rungate/policy-merge.ts'
import { defaultSettings } from '../../../events/rungate/policy-settings.ts'
import type { Operator, RungateParts } from '../access.ts'
import { requireOwn, visibilityOf } from '../people/rights.ts'
import { entityName, ofAccount, withMore } from '../schemas.ts'
import { approvalExpiry, settingsChange, settingsIn, uncontracted, visibilityIn } from './settings-schema.ts'

export const policyInput = withMore(
  z
    .looseObject({
      ...{ name: entityName, ...settingsIn, approval_expiry_ms: approvalExpiry, visibility: visibilityIn },
      ...ofAccount,
    })
    .openapi('CreatePolicyInput'),
  uncontracted,
)
export const upsertInput = withMore(
  z.looseObject({ ...settingsIn, ...ofAccount }).openapi('UpsertPolicyInput'),
  uncontracted,
)

type PolicyBody = z.output<typeof upsertInput>

/** The settings that are sent. Throws where the caller may not make the policy so visible. */
export function settingsOf(body: PolicyBody, by: Operator) {
  if (body.visibility !== undefined) visibilityOf(by, body.visibility)
  return settingsChange(body)
}

/** Throws where the caller does not see such a policy (404) or may not change it (403). */
export async function requireChangeable(
  { bus }: Pick<RungateParts, 'bus'>,
  policyId: string,
  by: Operator,
): Promise<ExistingPolicy> {
  const state = await bus.current(policy, policyId)
  if (state.status !== 'living' || !isSeen(state, by)) throw policyNotFound()
  requireOwn(by, state.facts)
  return state
}

export function newPolicy(
  { bus }: Pick<RungateParts, 'bus'>,
  name: string,
  body: PolicyBody,
  by: Operator,
  command: CommandContext,
) {
  const { accountId, memberId, author } = by
  const facts = {
    ...{ accountId, memberId, author, name, version: 1, occurredAt: command.at },
    policyId: deterministicId('rungate.policy', command.commandId),
    settings: mergeSettings(defaultSettings, {
      ...settingsOf(body, by),
      visibility: visibilityOf(by, body.visibility),
    }),
  }
  return createPolicy(bus, facts, command)
}
