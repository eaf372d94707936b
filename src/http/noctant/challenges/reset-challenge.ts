/** POST /v1/challenges/{instance_id}/reset: ends a run and starts the next one of its chain, once per key. */
import { z } from '@hono/zod-openapi'
import { resetChallenge as reset } from '../../../commands/noctant/challenge-start.ts'
import { json } from '../../answers.ts'
import { bodyKey } from '../../command.ts'
import { text, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { idempotencyKey, requestIdHeader } from '../schemas.ts'
import { challengeView, viewOf } from './challenge-view.ts'

const request = z
  .object({ idempotency_key: idempotencyKey, reason: text(500).nullish() })
  .openapi('ResetChallengeRequest')

export const resetChallenge = write({
  path: '/v1/challenges/{instance_id}/reset',
  id: 'resetChallenge',
  tags: ['Challenges'],
  summary: 'End a run and start the next',
  description:
    'Ends the run as the reset policy of its rules allows, and starts the next on a fresh execution account.',
  access: operatorKey('challenges:reset'),
  headers: requestIdHeader,
  params: z.object({ instance_id: uuid }),
  body: request,
  answers: { 200: json(challengeView, 'The new run, as the first request with this key started it.') },
  refuses: [
    'account_closed',
    'account_not_found',
    'challenge_account_unfit',
    'challenge_not_found',
    'challenge_reset_refused',
    'challenge_state_conflict',
    'challenge_under_way',
    'user_forgotten',
    'user_not_found',
  ],
  key: bodyKey(),
  facts: ({ principal: { operatorId }, params: { instance_id: instanceId }, body: { reason = null } }) => ({
    operatorId,
    instanceId,
    reason,
  }),
  async handle({ bus, facts, command }) {
    const handled = await reset(bus, facts, command)
    return { status: 200, body: viewOf(handled.state), handled }
  },
})
