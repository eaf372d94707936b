/** GET /api/policies/{id}/versions and …/{version}: what a policy was; also of one that is deleted. */
import { z } from '@hono/zod-openapi'
import type { CommandBus } from '../../../commands/handle.ts'
import { isSeen, policy, policyNotFound } from '../../../commands/rungate/policy.ts'
import { findPolicyVersion, policyVersionsOf } from '../../../projections/rungate/policy.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { uuid, wholeNumber } from '../../schemas.ts'
import { dashboard, type Operator, read } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams, listOfData } from '../schemas.ts'
import { versionResponse, versionView } from './policy-view.ts'

/** Whether the policy, which may be deleted, is the caller’s to see: a personal one is its member’s alone. */
async function isSeenBy(bus: CommandBus, policyId: string, caller: Operator): Promise<boolean> {
  const state = await bus.current(policy, policyId)
  return state.status !== 'absent' && isSeen(state, caller)
}

export const listPolicyVersions = read({
  path: '/api/policies/{id}/versions',
  id: 'listPolicyVersions',
  tags: ['Policies'],
  summary: 'The versions of a policy',
  description: 'Answers with every version, the first one first, each with the whole policy as it was.',
  access: dashboard('read'),
  params: idParams,
  isList: true,
  answer: json(listOfData(versionResponse), 'The versions.'),
  refuses: ['policy_not_found'],
  async handle({ bus, db, principal, params: { id: policyId } }) {
    if (!(await isSeenBy(bus, policyId, principal))) throw policyNotFound()
    const { accountId } = principal
    const { rows, total } = await listed(db, policyVersionsOf, { accountId, policyId })
    if (total === 0) throw policyNotFound()
    return { data: rows.map(versionView), total }
  },
})

export const getPolicyVersion = read({
  path: '/api/policies/{id}/versions/{version}',
  id: 'getPolicyVersion',
  tags: ['Policies'],
  summary: 'A version of a policy',
  description: 'Answers with the whole policy as it was in that version.',
  access: dashboard('read'),
  params: z.object({ id: uuid, version: wholeNumber(1, 999_999_999).openapi({ minimum: 1 }) }),
  answer: json(dataOf(versionResponse), 'The version.'),
  refuses: ['policy_version_not_found'],
  async handle({ bus, db, principal, params: { id, version } }) {
    const isShown = await isSeenBy(bus, id, principal)
    const found = isShown ? await findPolicyVersion(db, principal.accountId, id, version) : undefined
    if (!found) throw new Problem<RungateCode>('policy_version_not_found', 'There is no such version.')
    return { data: versionView(found) }
  },
})
