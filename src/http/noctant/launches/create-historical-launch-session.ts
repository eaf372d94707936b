/**
 * POST /v1/historical-launch-sessions: a link that opens a replay or a backtest on a feed and range that the operator was
 * granted, once. What a backtest trades stands in the route's query (commands/noctant/backtest-plan.ts).
 */
import { z } from '@hono/zod-openapi'
import { createHistoricalLaunch } from '../../../commands/noctant/launching.ts'
import { json, withHeaders } from '../../answers.ts'
import { timeInput, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'
import {
  createdReply,
  createLaunchSessionResponse,
  launchRequest,
  namesOneUser,
  oneUser,
  prepareLaunch,
} from './launch-view.ts'

const request = z
  .object({ ...launchRequest, feed_id: uuid, market_time_start: timeInput, market_time_end: timeInput })
  .refine(namesOneUser, oneUser)
  .openapi('CreateHistoricalLaunchSessionRequest')

export const createHistoricalLaunchSession = write({
  path: '/v1/historical-launch-sessions',
  id: 'createHistoricalLaunchSession',
  tags: ['Launch Sessions'],
  summary: 'Make a link that opens a replay or a backtest',
  description: 'Answers a link that opens a past market. The feed must be granted to you for the whole range.',
  example: { external_user_id: 'trader-1' },
  access: operatorKey('launch_sessions:create'),
  headers: requestIdHeader,
  body: request,
  answers: { 201: withHeaders(json(createLaunchSessionResponse, 'The launch, and its link.'), 'cache-control') },
  refuses: [
    'backtest_invalid',
    'feed_not_found',
    'feed_not_granted',
    'launch_mode_invalid',
    'launch_return_invalid',
    'launch_route_invalid',
    'market_range_invalid',
    'operator_not_found',
    'user_forgotten',
    'user_not_found',
  ],
  async handle({ bus, principal, body, launch, caller, command }) {
    const { request: asked, launchUrl } = prepareLaunch(principal, body, { ...launch, askedAt: caller.url }, command.at)
    const { feed_id: feedId, market_time_start: marketTimeStart, market_time_end: marketTimeEnd } = body
    const handled = await createHistoricalLaunch(bus, { ...asked, feedId, marketTimeStart, marketTimeEnd }, command)
    return createdReply(handled, launchUrl)
  },
})
