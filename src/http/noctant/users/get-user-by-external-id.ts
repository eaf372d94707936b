/** GET /v1/users: one of the operator's users by the id that the operator gave it. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findUserByExternalId } from '../../../projections/noctant/user.ts'
import { json } from '../../answers.ts'
import { externalId } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { userSummary } from '../schemas.ts'

export const getUserByExternalId = read({
  path: '/v1/users',
  id: 'getUserByExternalId',
  tags: ['Users'],
  summary: 'A user by the operator’s own id for it',
  description: 'Answers the user that you provisioned under this id of yours.',
  access: operatorKey('users:read'),
  query: z.object({ external_id: externalId }),
  answer: json(userSummary, 'The user.'),
  refuses: ['user_not_found'],
  async handle({ db, principal, query }) {
    const user = await findUserByExternalId(db, principal.operatorId, query.external_id)
    if (!user) throw new Rejected('user_not_found', 'The operator has no user of this external id.')
    return user
  },
})
