/** What callers say of policies, and how one comes to be of it. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { createPolicy } from '../../../commands/rungate/creating.ts'
import { mergeSettings } from '../../../commands/rungate/policy-merge.ts'
import { defaultSettings } from '../../../events/rungate/policy-settings.ts'
import { Problem } from '../../errors.ts'
import type { Operator, RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'
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

/** The settings that are sent. Throws visibility_refused where nobody could see the policy. */
export function settingsOf(body: PolicyBody, { memberId }: Operator) {
  if (body.visibility === 'personal' && memberId === null) {
    const detail = 'must be org: a token has nothing personal'
    const errors = [{ pointer: '/visibility', code: 'refused', detail }]
    throw new Problem<RungateCode>('visibility_refused', detail, { errors })
  }
  return settingsChange(body)
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
    settings: mergeSettings(defaultSettings, settingsOf(body, by)),
  }
  return createPolicy(bus, facts, command)
}
