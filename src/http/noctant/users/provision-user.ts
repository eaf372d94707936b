/** POST /v1/users: makes a user known, or refreshes what is known of it. */
import { z } from '@hono/zod-openapi'
import { provisionUser as provision, type UserState } from '../../../commands/noctant/user.ts'
import { type UserView, userView } from '../../../projections/noctant/user.ts'
import { json } from '../../answers.ts'
import { boundedText, externalId, text } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { provisionUserResponse, requestIdHeader } from '../schemas.ts'

/** RFC 5321, 4.5.3.1: local part and domain at their longest. */
const EMAIL_LENGTH_MAX = 320

const email = boundedText(EMAIL_LENGTH_MAX).email()

const request = z
  .object({
    external_id: externalId,
    email: email.nullish(),
    display_name: text(255).nullish(),
  })
  .openapi('ProvisionUserRequest')

/** The view of a user after a command. Throws where there is none: no accepted command leaves it so. */
export function viewOf(state: UserState): UserView {
  if (state.status !== 'provisioned') throw new Error('a user that was never provisioned has no view')
  return userView(state)
}

export const provisionUser = write({
  path: '/v1/users',
  id: 'provisionUser',
  tags: ['Users'],
  summary: 'Provision a user, or refresh its email and display name',
  access: operatorKey('users:create'),
  headers: requestIdHeader,
  body: request,
  answers: {
    200: json(provisionUserResponse, 'The user existed; what was given of email and display name is now its own.'),
    201: json(provisionUserResponse, 'The user was provisioned.'),
  },
  refuses: ['user_forgotten'],
  async handle({ bus, principal: { operatorId, orgId }, body, command }) {
    const { external_id: externalId } = body
    const known = { email: body.email ?? undefined, displayName: body.display_name ?? undefined }
    const handled = await provision(bus, { operatorId, orgId, externalId, ...known, at: command.at }, command)
    const created = handled.events.some(({ type }) => type === 'noctant.UserProvisioned.v1')
    return { status: created ? 201 : 200, body: { ...viewOf(handled.state), created }, handled }
  },
})
