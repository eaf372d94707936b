/** GET /v1/users/{global_user_id}: one of the operator's users by its global id. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findUser } from '../../../projections/noctant/user.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { userSummary } from '../schemas.ts'

export const getUser = read({
  path: '/v1/users/{global_user_id}',
  id: 'getUser',
  tags: ['Users'],
  summary: 'A user by its global id',
  description: 'Answers one of your users. A forgotten user is not found.',
  access: operatorKey('users:read'),
  params: z.object({ global_user_id: uuid }),
  answer: json(userSummary, 'The user.'),
  refuses: ['user_not_found'],
  async handle({ db, principal, params }) {
    const user = await findUser(db, principal.operatorId, params.global_user_id)
    if (!user) throw new Rejected('user_not_found', 'The operator has no user of this id.')
    return user
  },
})
