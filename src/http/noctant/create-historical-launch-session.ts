/**
 * POST /v1/historical-launch-sessions: a link that opens a replay or a backtest on a feed and range that the operator was
 * granted, once. What a backtest trades stands in the route's query (commands/noctant/backtest-plan.ts).
 */
import { createRoute, z } from '@hono/zod-openapi'
import { createHistoricalLaunch } from '../../commands/noctant/launching.ts'
import { waitForReadModels } from '../consistency.ts'
import { plainCommand } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { timeInput, uuid } from '../schemas.ts'
import {
  createdView,
  createLaunchSessionResponse,
  launchRequest,
  namesOneUser,
  oneUser,
  prepareLaunch,
} from './launch-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const request = z
  .object({ ...launchRequest, feed_id: uuid, market_time_start: timeInput, market_time_end: timeInput })
  .refine(namesOneUser, oneUser)
  .openapi('CreateHistoricalLaunchSessionRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/historical-launch-sessions',
  operationId: 'createHistoricalLaunchSession',
  tags: ['Launch Sessions'],
  summary: 'Make a link that opens a replay or a backtest',
  ...forOperator('launch_sessions:create'),
  request: {
    headers: requestIdHeader,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 201: json(createLaunchSessionResponse, 'The launch, and its link.'), ...problemResponses },
})

export const createHistoricalLaunchSession = operation(
  route,
  ({ bus, clock, launch, ...consistency }: NoctantDeps) =>
    async (c) => {
      const body = c.req.valid('json')
      const now = clock()
      const { request: asked, launchUrl } = prepareLaunch(c, body, launch, now)
      const { feed_id: feedId, market_time_start: marketTimeStart, market_time_end: marketTimeEnd } = body
      const context = plainCommand(c, { at: now.toISOString() })
      const created = await createHistoricalLaunch(bus, { ...asked, feedId, marketTimeStart, marketTimeEnd }, context)
      await waitForReadModels(c, created.position, consistency)
      c.header('cache-control', 'no-store')
      return c.json({ launch_session: createdView(created.state), launch_url: launchUrl }, 201)
    },
)
