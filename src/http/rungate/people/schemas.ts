/** What people are asked for, and how members, invitations and sessions are shown. */
import { z } from '@hono/zod-openapi'
import type { Invitation, RosterMember } from '../../../commands/rungate/roster.ts'
import { standing } from '../../../commands/rungate/roster.ts'
import { givenRole, role } from '../../../events/rungate/vocabulary.ts'
import type { InvitationRow } from '../../../projections/rungate/invitation.ts'
import type { MemberRow } from '../../../projections/rungate/member.ts'
import type { SessionRow } from '../../../projections/rungate/session.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { boundedText, nullableTimeOut, text, timeOut, uuidOut } from '../../schemas.ts'

/** RFC 5321: 64 octets before the sign, 255 after it; the whole at most 254. */
const EMAIL_LENGTH_MAX = 254
const EMAIL =
  /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/i

/** Whether it can be one: what nobody can read any more is none. */
export const isEmail = (given: string | null): given is string => given !== null && EMAIL.test(given)

export const email = boundedText(EMAIL_LENGTH_MAX)
  .refine(isEmail, 'must be an e-mail address')
  .openapi({ format: 'email' })

const NAME_LENGTH_MAX = 100
/** Trimmed, 1 to 100 characters, without control characters. */
const asName = <S extends z.ZodType<string>>(schema: S) =>
  schema
    .transform((given) => given.trim())
    .refine((given) => given.length > 0 && [...given].length <= NAME_LENGTH_MAX, 'must have 1 to 100 characters')
    .refine((given) => !/\p{Cc}/u.test(given), 'must have no control characters')
/** With its bound in the document. */
export const shownName = asName(text(NAME_LENGTH_MAX))
export const displayName = asName(boundedText(4 * NAME_LENGTH_MAX))

const TOKEN_LENGTH_MAX = 200
/** Of a link or an invitation. */
export const linkToken = boundedText(TOKEN_LENGTH_MAX)

const emailOut = z.string().openapi({ format: 'email' })
/** In the place of an address that nobody can read any more; RFC 2606 keeps the domain free. */
const FORGOTTEN = 'forgotten@forgotten.invalid'
const emailShown = (given: string | null): string => (isEmail(given) ? given : FORGOTTEN)

export const memberResponse = z
  .object({
    ...{ id: uuidOut, org_id: uuidOut, email: emailOut, display_name: z.string(), role },
    status: z.enum(['active', 'suspended', 'removed']),
    invited_by: z.string().nullable(),
    accepted_at: nullableTimeOut,
    ...{ created_at: timeOut, updated_at: timeOut },
  })
  .openapi('Member')

export const memberView = (row: Omit<MemberRow, 'address_id'>): z.input<typeof memberResponse> => ({
  ...{ id: row.member_id, org_id: row.account_id, email: emailShown(row.email), display_name: row.display_name ?? '' },
  ...{ role: row.role, status: row.status, invited_by: row.invited_by },
  accepted_at: row.invitation_id === null ? null : row.created_at,
  ...{ created_at: row.created_at, updated_at: row.updated_at },
})

/** The row of a member. */
export function memberRowOf(member: RosterMember): MemberRow {
  const { occurred_at: created_at, ...facts } = snake(member)
  return { ...facts, status: 'active', created_at }
}

export const invitationResponse = z
  .object({
    ...{ id: uuidOut, org_id: uuidOut, email: emailOut, role: givenRole, invited_by: z.string() },
    status: z.enum(['pending', 'accepted', 'expired', 'revoked']),
    ...{ expires_at: timeOut, accepted_at: nullableTimeOut, created_at: timeOut },
  })
  .openapi('Invitation')

/** As it stands at `now`: a pending one has expired by its time. */
export const invitationView = (
  row: Omit<InvitationRow, 'address_id' | 'member_id' | 'token_hash'>,
  now: string,
): z.input<typeof invitationResponse> => ({
  ...{ id: row.invitation_id, org_id: row.account_id, email: emailShown(row.email), role: row.role },
  ...{ invited_by: row.invited_by, status: standing(row.status, row.expires_at, now), expires_at: row.expires_at },
  ...{ accepted_at: row.accepted_at, created_at: row.created_at },
})

/** The row of an invitation. */
export function invitationRowOf({ facts, status, acceptedAt: accepted_at }: Invitation): InvitationRow {
  const { occurred_at: created_at, author: _, ...rest } = snake(facts)
  return { ...rest, status, accepted_at, created_at }
}

export const sessionResponse = z
  .object({
    ...{ id: uuidOut, account_id: uuidOut, expires_at: timeOut, created_at: timeOut, last_active_at: nullableTimeOut },
    ...{ ip_address: z.string().nullable(), user_agent: z.string().nullable() },
  })
  .openapi('Session')

export const sessionView = (row: SessionRow, accountId: string): z.input<typeof sessionResponse> => ({
  ...{ id: row.session_id, account_id: accountId, expires_at: row.expires_at, created_at: row.created_at },
  ...{ last_active_at: row.last_active_at, ip_address: row.ip_address, user_agent: row.user_agent },
})
