/** POST /v1/challenges: starts a challenge on a user's account, once per key. */
import { createRoute, z } from '@hono/zod-openapi'
import { startChallenge } from '../../commands/noctant/challenge-start.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { externalId, uuid } from '../schemas.ts'
import { challengeView, challengeViewOf } from './challenge-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({
    idempotency_key: z.string(),
    user_id: uuid,
    external_account_id: externalId,
    template_id: uuid,
  })
  .openapi('CreateChallengeRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/challenges',
  operationId: 'createChallenge',
  tags: ['Challenges'],
  summary: 'Start a challenge on an account',
  ...forOperator('challenges:create'),
  request: {
    headers: requestIdHeader,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    201: json(challengeView, 'The challenge, as the first request with this key started it.'),
    ...problemResponses,
  },
})

export const createChallenge = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { operatorId } = c.get('principal')
  const { idempotency_key, user_id, external_account_id, template_id } = c.req.valid('json')
  const facts = {
    operatorId,
    globalUserId: user_id,
    externalAccountId: external_account_id,
    templateId: template_id,
  }
  const key = idempotencyKey(idempotency_key)
  const command = { context: 'noctant', action: 'createChallenge', scope: '', key, request: facts }
  const started = await startChallenge(bus, facts, idempotentCommand(c, command, { at: clock().toISOString() }))
  markReplay(c, started)
  await waitForReadModels(c, started.position, consistency)
  return c.json(challengeViewOf(started.state), 201)
})
