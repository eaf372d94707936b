/** GET /api/policies/{id}. */
import { policyNotFound } from '../../../commands/rungate/policy.ts'
import { findPolicy } from '../../../projections/rungate/policy.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { policyResponse, policyView } from './policy-view.ts'

export const getPolicy = read({
  path: '/api/policies/{id}',
  id: 'getPolicy',
  tags: ['Policies'],
  summary: 'A policy',
  description: 'Answers with one policy.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(policyResponse), 'The policy.'),
  refuses: ['policy_not_found'],
  async handle({ db, principal: { accountId, memberId }, params: { id } }) {
    const found = await findPolicy(db, accountId, memberId, id)
    if (!found) throw policyNotFound()
    return { data: policyView(found) }
  },
})
