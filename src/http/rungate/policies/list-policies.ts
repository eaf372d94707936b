/** GET /api/policies: those that the caller sees, newest first. */
import { z } from '@hono/zod-openapi'
import { policiesOf } from '../../../projections/rungate/policy.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { listOfData } from '../schemas.ts'
import { policyResponse, policyView } from './policy-view.ts'

export const listPolicies = read({
  path: '/api/policies',
  id: 'listPolicies',
  tags: ['Policies'],
  summary: 'The account’s policies',
  description: 'Answers with the policies that you see, newest first.',
  access: dashboard('read'),
  query: z.object({ name: boundedText(200).optional() }),
  isList: true,
  answer: json(listOfData(policyResponse), 'The policies.'),
  async handle({ db, principal: { accountId, memberId }, query: { name } }) {
    const { rows, total } = await listed(db, policiesOf, { accountId, memberId, name })
    return { data: rows.map(policyView), total }
  },
})
