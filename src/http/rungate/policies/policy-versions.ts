/** GET /api/policies/{id}/versions and …/{version}: what a policy was; also of one that is deleted. */
import { z } from '@hono/zod-openapi'
import { policyNotFound } from '../../../commands/rungate/policy.ts'
import { findPolicyVersion, policyVersionsOf } from '../../../projections/rungate/policy.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { uuid, wholeNumber } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams, listOfData } from '../schemas.ts'
import { versionResponse, versionView } from './policy-view.ts'

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
  async handle({ db, principal: { accountId }, params: { id: policyId } }) {
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
  async handle({ db, principal: { accountId }, params: { id, version } }) {
    const found = await findPolicyVersion(db, accountId, id, version)
    if (!found) throw new Problem<RungateCode>('policy_version_not_found', 'There is no such version.')
    return { data: versionView(found) }
  },
})
