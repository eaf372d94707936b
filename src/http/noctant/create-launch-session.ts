/**
 * POST /v1/launch-sessions: a link that opens the hosted terminal on an account, once. The contract has no key for a
 * repetition: each request makes a link of its own, and one that gets lost simply expires.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { createAccountLaunch } from '../../commands/noctant/launching.ts'
import { waitForReadModels } from '../consistency.ts'
import { plainCommand } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { externalId } from '../schemas.ts'
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
  .object({ external_account_id: externalId, ...launchRequest })
  .refine(namesOneUser, oneUser)
  .openapi('CreateLaunchSessionRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/launch-sessions',
  operationId: 'createLaunchSession',
  tags: ['Launch Sessions'],
  summary: 'Make a link that opens the hosted terminal on an account',
  ...forOperator('launch_sessions:create'),
  request: {
    headers: requestIdHeader,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: { 201: json(createLaunchSessionResponse, 'The launch, and its link.'), ...problemResponses },
})

export const createLaunchSession = operation(
  route,
  ({ bus, clock, launch, ...consistency }: NoctantDeps) =>
    async (c) => {
      const body = c.req.valid('json')
      const now = clock()
      const { request: asked, launchUrl } = prepareLaunch(c, body, launch, now)
      const context = plainCommand(c, { at: now.toISOString() })
      const launched = { ...asked, externalAccountId: body.external_account_id }
      const created = await createAccountLaunch(bus, launched, context)
      await waitForReadModels(c, created.position, consistency)
      c.header('cache-control', 'no-store')
      return c.json({ launch_session: createdView(created.state), launch_url: launchUrl }, 201)
    },
)
