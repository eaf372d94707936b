/** POST /v1/challenges/{instance_id}/reset: ends a run and starts the next one of its chain, once per key. */
import { createRoute, z } from '@hono/zod-openapi'
import { resetChallenge as reset } from '../../commands/noctant/challenge-start.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { challengeView, challengeViewOf } from './challenge-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({ idempotency_key: z.string(), reason: z.string().max(500).nullish() })
  .openapi('ResetChallengeRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/challenges/{instance_id}/reset',
  operationId: 'resetChallenge',
  tags: ['Challenges'],
  summary: 'End a run and start the next',
  ...forOperator('challenges:reset'),
  request: {
    headers: requestIdHeader,
    params: z.object({ instance_id: uuid }),
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    200: json(challengeView, 'The new run, as the first request with this key started it.'),
    ...problemResponses,
  },
})

export const resetChallenge = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { operatorId } = c.get('principal')
  const { idempotency_key, reason = null } = c.req.valid('json')
  const facts = { operatorId, instanceId: c.req.valid('param').instance_id, reason }
  const key = idempotencyKey(idempotency_key)
  const command = { context: 'noctant', action: 'resetChallenge', scope: '', key, request: facts }
  const started = await reset(bus, facts, idempotentCommand(c, command, { at: clock().toISOString() }))
  markReplay(c, started)
  await waitForReadModels(c, started.position, consistency)
  return c.json(challengeViewOf(started.state), 200)
})
