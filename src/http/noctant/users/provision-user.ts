/** POST /v1/users: makes a user known, or refreshes what is known of it. */
import { domainToASCII } from 'node:url'
import { z } from '@hono/zod-openapi'
import { provisionUser as provision, type UserState } from '../../../commands/noctant/user.ts'
import { type UserView, userView } from '../../../projections/noctant/user.ts'
import { json } from '../../answers.ts'
import { boundedText, externalId, text } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { provisionUserResponse, requestIdHeader } from '../schemas.ts'

/** RFC 5321, 4.5.3.1, in ASCII. */
const LOCAL_PART_MAX = 64
const DOMAIN_MAX = 255

/**
 * An address as browsers take it in a field for one: HTML's rule, by zod, over the domain in its ASCII form (UTS 46). So a
 * name without a dot is a domain, and one in any script. It is kept as it was sent.
 */
const email = boundedText(LOCAL_PART_MAX + 1 + DOMAIN_MAX)
  .refine(isEmail, 'must be an e-mail address')
  .openapi({ format: 'email' })

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1 || at > LOCAL_PART_MAX) return false
  const domain = text.slice(at + 1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them.
  const ascii = /^[\x00-\x7f]*$/.test(domain) ? domain : domainToASCII(domain)
  return ascii.length <= DOMAIN_MAX && z.regexes.html5Email.test(`${text.slice(0, at)}@${ascii}`)
}

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
  isIdempotent: true,
  tags: ['Users'],
  summary: 'Provision a user, or refresh its email and display name',
  description:
    'Makes a user, or finds the one that has this `external_id`: sending it again is safe. What is given of e-mail and name replaces what was known.',
  example: { email: 'ada@example.com', display_name: 'Ada' },
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
