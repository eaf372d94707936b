/** POST /v1/challenges: starts a challenge on a user's account, once per key. */
import { z } from '@hono/zod-openapi'
import { startChallenge } from '../../../commands/noctant/challenge-start.ts'
import { json } from '../../answers.ts'
import { bodyKey } from '../../command.ts'
import { externalId, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { idempotencyKey, requestIdHeader } from '../schemas.ts'
import { challengeView, viewOf } from './challenge-view.ts'

const request = z
  .object({
    idempotency_key: idempotencyKey,
    user_id: uuid,
    external_account_id: externalId,
    template_id: uuid,
  })
  .openapi('CreateChallengeRequest')

export const createChallenge = write({
  path: '/v1/challenges',
  id: 'createChallenge',
  tags: ['Challenges'],
  summary: 'Start a challenge on an account',
  description: 'Starts a run by the rules of a template, on an account of the user whose rules are Noctant’s.',
  access: operatorKey('challenges:create'),
  headers: requestIdHeader,
  body: request,
  answers: { 201: json(challengeView, 'The challenge, as the first request with this key started it.') },
  refuses: [
    'account_closed',
    'account_not_found',
    'challenge_account_unfit',
    'challenge_cooling_down',
    'challenge_limit_reached',
    'challenge_under_way',
    'kyc_required',
    'product_not_found',
    'product_not_sellable',
    'template_not_found',
    'user_forgotten',
    'user_not_found',
  ],
  key: bodyKey(),
  facts: ({ principal: { operatorId }, body }) => ({
    operatorId,
    globalUserId: body.user_id,
    externalAccountId: body.external_account_id,
    templateId: body.template_id,
  }),
  async handle({ bus, facts, command }) {
    const handled = await startChallenge(bus, facts, command)
    return { status: 201, body: viewOf(handled.state), handled }
  },
})
