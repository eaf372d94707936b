/** What making and resending an invitation have in common: its end, what is kept of its token, and who invites. */
import { hashKey } from '../../../api-keys/key-text.ts'
import { adminToken } from '../../../commands/rungate/admin-token.ts'
import type { Operator, RungateParts } from '../access.ts'

/** Until when an invitation is good that is sent now, and the digest of its token. */
export async function newInvitationEnd(
  { people, peopleLimits }: Pick<RungateParts, 'people' | 'peopleLimits'>,
  invitationId: string,
  at: string,
) {
  const expiresAt = new Date(Date.parse(at) + peopleLimits.invitationMs).toISOString()
  return { tokenHash: hashKey(await people.invitationTokenOf(invitationId, expiresAt)), expiresAt }
}

/** A member's id, or `token:<name>`. */
export async function inviterOf({ bus }: Pick<RungateParts, 'bus'>, { memberId, author }: Operator): Promise<string> {
  if (memberId !== null) return memberId
  const state = await bus.current(adminToken, author.tokenId ?? '')
  return `token:${state.status === 'absent' ? author.id : state.facts.name}`
}
