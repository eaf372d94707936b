/** GET /v1/launch-sessions/{launch_session_id}: whether a launch was used, and whether it can be. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findLaunchSession } from '../../../projections/noctant/launch-session.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { launchSessionView } from './launch-view.ts'

const answer = z.object({ launch_session: launchSessionView }).openapi('LaunchSessionResponse')

export const getLaunchSession = read({
  path: '/v1/launch-sessions/{launch_session_id}',
  id: 'getLaunchSession',
  tags: ['Launch Sessions'],
  summary: 'A launch by its id',
  description: 'Answers whether the link of a launch was used. The link itself is not shown again.',
  access: operatorKey('launch_sessions:read'),
  params: z.object({ launch_session_id: uuid }),
  answer: json(answer, 'The launch.'),
  refuses: ['launch_session_not_found'],
  async handle({ db, principal, params }) {
    const found = await findLaunchSession(db, principal.operatorId, params.launch_session_id)
    if (!found) throw new Rejected('launch_session_not_found', 'The operator has no launch of this id.')
    return { launch_session: found }
  },
})
