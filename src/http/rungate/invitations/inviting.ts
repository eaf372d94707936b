/** What making and resending an invitation have in common: a token, its end, and the mail. */
import { randomBytes } from 'node:crypto'
import { hashKey } from '../../../api-keys/key-text.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { account } from '../../../commands/rungate/account.ts'
import { adminToken } from '../../../commands/rungate/admin-token.ts'
import { roster } from '../../../commands/rungate/roster.ts'
import type { InvitationFacts } from '../../../events/rungate/roster.ts'
import type { Operator, RungateParts } from '../access.ts'
import { invitationLetter, requestMail } from '../people/letters.ts'

const TOKEN_BYTES = 32
const DAY_MS = 86_400_000

type Parts = Pick<RungateParts, 'bus' | 'apiUrl' | 'peopleLimits'>

/** A new token, what is kept of it, and until when it is good. */
export function newInvitationToken({ peopleLimits }: Pick<RungateParts, 'peopleLimits'>, at: string) {
  const token = randomBytes(TOKEN_BYTES).toString('hex')
  const expiresAt = new Date(Date.parse(at) + peopleLimits.invitationMs).toISOString()
  return { token, kept: { tokenHash: hashKey(token), expiresAt } }
}

/** A member's id, or `token:<name>`. */
export async function inviterOf({ bus }: Pick<RungateParts, 'bus'>, { memberId, author }: Operator): Promise<string> {
  if (memberId !== null) return memberId
  const state = await bus.current(adminToken, author.tokenId ?? '')
  return `token:${state.status === 'absent' ? author.id : state.facts.name}`
}

/** Asks for the mail. Answers the position of the request. */
export async function mailInvitation(
  { bus, apiUrl, peopleLimits }: Parts,
  { accountId, invitationId, memberId: personId, email: to, invitedBy, expiresAt }: InvitationFacts,
  token: string,
  command: CommandContext,
): Promise<bigint | undefined> {
  const state = await bus.current(account, accountId)
  const organization = state.status === 'absent' ? '' : state.facts.name
  const { members } = await bus.current(roster, accountId)
  const inviter = members.get(invitedBy)?.displayName ?? 'An administrator'
  const days = Math.round(peopleLimits.invitationMs / DAY_MS)
  const letter = invitationLetter({ origin: apiUrl(), token, organization, inviter, days })
  return requestMail(
    { bus },
    {
      ...{ tenantId: accountId, personId, purpose: 'invitation', about: invitationId, to, ...letter },
      ...{ token, code: null, validUntil: expiresAt },
    },
    command,
  )
}
