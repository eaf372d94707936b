/** GET /v1/challenges/{instance_id}: one of the operator's challenges. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findChallenge } from '../../../projections/noctant/challenge.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { challengeView, shown } from './challenge-view.ts'

export const getChallenge = read({
  path: '/v1/challenges/{instance_id}',
  id: 'getChallenge',
  tags: ['Challenges'],
  summary: 'A challenge by its id',
  description: 'Answers a run with its rules and its figures.',
  access: operatorKey('challenges:read'),
  params: z.object({ instance_id: uuid }),
  answer: json(challengeView, 'The challenge.'),
  refuses: ['challenge_not_found'],
  async handle({ db, principal, params }) {
    const found = await findChallenge(db, principal.operatorId, params.instance_id)
    if (!found) throw new Rejected('challenge_not_found', 'The operator has no challenge of this id.')
    return shown(found)
  },
})
