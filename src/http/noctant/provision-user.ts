/** POST /v1/users: makes a user known, or refreshes what is known of it. */
import { createRoute, z } from '@hono/zod-openapi'
import { provisionUser as provision } from '../../commands/noctant/user.ts'
import { waitForReadModels } from '../consistency.ts'
import { plainCommand } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { externalId } from '../schemas.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { provisionUserResponse, requestIdHeader } from './schemas.ts'

/** RFC 5321, 4.5.3.1: local part and domain at their longest. */
const EMAIL_LENGTH_MAX = 320

const email = z.email().refine((text) => text.length <= EMAIL_LENGTH_MAX, 'is too long')

const request = z
  .object({
    external_id: externalId,
    email: email.nullish(),
    display_name: z.string().max(255).nullish(),
  })
  .openapi('ProvisionUserRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/users',
  operationId: 'provisionUser',
  tags: ['Users'],
  summary: 'Provision a user, or refresh its email and display name',
  ...forOperator('users:create'),
  request: {
    headers: requestIdHeader,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    200: json(provisionUserResponse, 'The user existed; what was given of email and display name is now its own.'),
    201: json(provisionUserResponse, 'The user was provisioned.'),
    ...problemResponses,
  },
})

export const provisionUser = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { operatorId, orgId } = c.get('principal')
  const { external_id: external, email, display_name: displayName } = c.req.valid('json')
  const at = clock().toISOString()
  const user = {
    operatorId,
    orgId,
    externalId: external,
    email: email ?? undefined,
    displayName: displayName ?? undefined,
  }
  const { state, events, position } = await provision(bus, { ...user, at }, plainCommand(c, { at }))
  if (state.status !== 'provisioned') throw new Error('a provisioned user has no state')
  await waitForReadModels(c, position, consistency)
  const created = events.some(({ type }) => type === 'noctant.UserProvisioned.v1')
  const view = {
    global_user_id: state.globalUserId,
    external_id: state.externalId,
    email: state.email,
    display_name: state.displayName,
    created_at: state.createdAt,
    updated_at: state.updatedAt,
  }
  return c.json({ ...view, created }, created ? 201 : 200)
})
