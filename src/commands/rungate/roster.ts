/**
 * The roster of an account: its members with their roles, and the invitations. There is one owner at most, a person is a member
 * once, and an address has one pending invitation.
 */
import type { InvitationFacts, MemberFacts, RosterEvent } from '../../events/rungate/roster.ts'
import type { Author, GivenRole } from '../../events/rungate/vocabulary.ts'
import { PartedMap } from '../../runtime/parted-map.ts'
import type { Aggregate } from '../decider.ts'
import { isSameHash } from './digests.ts'
import { Rejected } from './rejection.ts'

export type RosterMember = MemberFacts & { updatedAt: string }

export interface Invitation {
  status: 'pending' | 'accepted' | 'revoked' | 'expired'
  /** The token and the end are those of the last time it was sent. */
  facts: InvitationFacts
  acceptedAt: string | null
}

export interface RosterState {
  members: ReadonlyMap<string, RosterMember>
  /** The ended ones too. */
  invitations: PartedMap<Invitation>
}

interface Asked {
  accountId: string
  author: Author
  at: string
}
type Token = Pick<InvitationFacts, 'tokenHash' | 'expiresAt'>

export type RosterCommand =
  /** Nothing happens where the person is a member by the same way already. */
  | { kind: 'join'; member: MemberFacts; tokenHash: string | null; at: string }
  | { kind: 'invite'; facts: InvitationFacts; at: string }
  | (Asked & { kind: 'resend'; invitationId: string } & Token)
  | (Asked & { kind: 'revoke'; invitationId: string })
  | { kind: 'expire'; accountId: string; invitationId: string; at: string }
  | (Asked & { kind: 'change'; memberId: string; role?: GivenRole; displayName?: string })
  /** An owner leaves only where it is forgotten: the account can be claimed anew then. */
  | (Asked & { kind: 'remove'; memberId: string; heirId: string | null; isForgotten?: boolean })
  | (Asked & { kind: 'transfer'; fromId: string; toId: string })

export const memberNotFound = () => new Rejected('member_not_found', 'There is no such member.')
export const invitationNotFound = () => new Rejected('invitation_not_found', 'There is no such invitation.')

export const ownerIn = ({ members }: RosterState): RosterMember | undefined =>
  members.values().find(({ role }) => role === 'owner')

/** As it stands at this time: a pending one ends by its time, whenever that is put on record. */
export const standing = (status: Invitation['status'], expiresAt: string, at: string): Invitation['status'] =>
  status === 'pending' && expiresAt <= at ? 'expired' : status

export const roster: Aggregate<RosterState, RosterCommand, RosterEvent> = {
  category: 'rungate.roster',
  initialState: { members: new Map(), invitations: new PartedMap() },

  evolve(state, event) {
    const { occurredAt: updatedAt } = event.data
    switch (event.type) {
      case 'rungate.MemberJoined.v1':
        return withMember(state, { ...event.data, updatedAt })
      case 'rungate.MemberRoleChanged.v1':
        return changed(state, event.data.memberId, { role: event.data.role, updatedAt })
      case 'rungate.MemberRenamed.v1':
        return changed(state, event.data.memberId, { displayName: event.data.displayName, updatedAt })
      case 'rungate.MemberRemoved.v1': {
        const members = new Map(state.members)
        members.delete(event.data.memberId)
        return { ...state, members }
      }
      case 'rungate.OwnershipTransferred.v1': {
        const { fromId, toId } = event.data
        return changed(changed(state, fromId, { role: 'admin', updatedAt }), toId, { role: 'owner', updatedAt })
      }
      case 'rungate.InvitationCreated.v1':
        return withInvitation(state, { status: 'pending', facts: event.data, acceptedAt: null })
      case 'rungate.InvitationResent.v1': {
        const { invitationId, tokenHash, expiresAt } = event.data
        const known = state.invitations.get(invitationId)
        return known ? withInvitation(state, { ...known, facts: { ...known.facts, tokenHash, expiresAt } }) : state
      }
      case 'rungate.InvitationRevoked.v1':
        return ended(state, event.data.invitationId, 'revoked')
      case 'rungate.InvitationAccepted.v1':
        return ended(state, event.data.invitationId, 'accepted', updatedAt)
      case 'rungate.InvitationExpired.v1':
        return ended(state, event.data.invitationId, 'expired')
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    switch (command.kind) {
      case 'join':
        return join(state, command)
      case 'invite':
        return invite(state, command)
      case 'resend': {
        const { accountId, author, at: occurredAt, invitationId, tokenHash, expiresAt } = command
        requirePending(state, invitationId, occurredAt)
        const data = { accountId, invitationId, tokenHash, expiresAt, author, occurredAt }
        return [{ type: 'rungate.InvitationResent.v1', data }]
      }
      case 'revoke': {
        const { accountId, author, at: occurredAt, invitationId } = command
        requirePending(state, invitationId, occurredAt)
        return [{ type: 'rungate.InvitationRevoked.v1', data: { accountId, invitationId, author, occurredAt } }]
      }
      case 'expire': {
        const { accountId, invitationId, at: occurredAt } = command
        const known = state.invitations.get(invitationId)
        if (known?.status !== 'pending' || known.facts.expiresAt > occurredAt) return []
        return [{ type: 'rungate.InvitationExpired.v1', data: { accountId, invitationId, occurredAt } }]
      }
      case 'change':
        return change(state, command)
      case 'remove': {
        const { accountId, author, at: occurredAt, memberId, heirId } = command
        const member = state.members.get(memberId)
        if (!member) throw memberNotFound()
        if (member.role === 'owner' && !command.isForgotten) {
          throw new Rejected('owner_stays', 'The owner cannot be removed: transfer the ownership first.')
        }
        const data = { accountId, memberId, addressId: member.addressId, heirId, author, occurredAt }
        return [{ type: 'rungate.MemberRemoved.v1', data }]
      }
      case 'transfer': {
        const { accountId, author, at: occurredAt, fromId, toId } = command
        // First who asks: nobody else learns from the answer who is a member.
        if (state.members.get(fromId)?.role !== 'owner') {
          throw new Rejected('owner_only', 'The owner alone gives the ownership away, by its own session.')
        }
        if (!state.members.has(toId)) throw memberNotFound()
        if (fromId === toId) throw new Rejected('already_owner', 'is the owner already', '/id')
        const data = { accountId, fromId, toId, author, occurredAt }
        return [{ type: 'rungate.OwnershipTransferred.v1', data }]
      }
      default:
        return command satisfies never
    }
  },
}

type Command<Kind extends RosterCommand['kind']> = Extract<RosterCommand, { kind: Kind }>

function join(state: RosterState, { member, tokenHash, at: occurredAt }: Command<'join'>): RosterEvent[] {
  const { accountId, memberId, invitationId } = member
  const known = state.members.get(memberId)
  const joined = { type: 'rungate.MemberJoined.v1' as const, data: { ...member, occurredAt } }
  if (invitationId === null) {
    if (known?.role === 'owner') return []
    if (known || ownerIn(state)) throw new Rejected('account_claimed', 'The account has an owner.')
    return [joined]
  }
  if (known?.invitationId === invitationId) return []
  const invitation = state.invitations.get(invitationId)
  requireOpen(invitation, tokenHash ?? '', occurredAt)
  if (known) throw memberExists()
  const data = { accountId, invitationId, memberId, occurredAt }
  return [{ type: 'rungate.InvitationAccepted.v1', data }, joined]
}

/** Throws where the token does not open the invitation: it was used (409), or there is none that it opens (404). */
export function requireOpen(
  invitation: Invitation | undefined,
  tokenHash: string,
  at: string,
): asserts invitation is Invitation {
  if (!invitation || !isSameHash(invitation.facts.tokenHash, tokenHash)) throw invitationNotFound()
  const status = standing(invitation.status, invitation.facts.expiresAt, at)
  if (status === 'accepted') throw new Rejected('invitation_used', 'The invitation was accepted already.')
  if (status !== 'pending') throw invitationNotFound()
}

const memberExists = () => new Rejected('member_exists', 'The address is that of a member.', '/email')

function invite(state: RosterState, { facts, at: occurredAt }: Command<'invite'>): RosterEvent[] {
  const { accountId, addressId } = facts
  if (state.members.values().some((member) => member.addressId === addressId)) throw memberExists()
  const pending = state.invitations
    .values()
    .find((each) => each.status === 'pending' && each.facts.addressId === addressId)
  if (pending && pending.facts.expiresAt > occurredAt) {
    throw new Rejected('invitation_pending', 'The address is invited already: send that invitation again.', '/email')
  }
  const created = { type: 'rungate.InvitationCreated.v1' as const, data: facts }
  if (!pending) return [created]
  const { invitationId } = pending.facts
  return [{ type: 'rungate.InvitationExpired.v1', data: { accountId, invitationId, occurredAt } }, created]
}

function change(state: RosterState, command: Command<'change'>): RosterEvent[] {
  const { accountId, author, at: occurredAt, memberId, role, displayName } = command
  const member = state.members.get(memberId)
  if (!member) throw memberNotFound()
  const of = { accountId, memberId, author, occurredAt }
  if (role !== undefined && member.role === 'owner') {
    throw new Rejected('owner_role_fixed', 'The owner’s role is not changed: transfer the ownership.', '/role')
  }
  const events: RosterEvent[] = []
  if (role !== undefined && role !== member.role) {
    events.push({ type: 'rungate.MemberRoleChanged.v1', data: { ...of, role } })
  }
  if (displayName !== undefined && displayName !== member.displayName) {
    events.push({ type: 'rungate.MemberRenamed.v1', data: { ...of, displayName } })
  }
  return events
}

function requirePending({ invitations }: RosterState, invitationId: string, at: string): void {
  const known = invitations.get(invitationId)
  if (!known) throw invitationNotFound()
  const status = standing(known.status, known.facts.expiresAt, at)
  if (status !== 'pending') throw new Rejected('invitation_not_pending', `The invitation is ${status}.`)
}

const withMember = (state: RosterState, member: RosterMember): RosterState => ({
  ...state,
  members: new Map(state.members).set(member.memberId, member),
})
function changed(state: RosterState, memberId: string, values: Partial<RosterMember>): RosterState {
  const known = state.members.get(memberId)
  return known ? withMember(state, { ...known, ...values }) : state
}
const withInvitation = (state: RosterState, invitation: Invitation): RosterState => ({
  ...state,
  invitations: state.invitations.with(invitation.facts.invitationId, invitation),
})
function ended(
  state: RosterState,
  invitationId: string,
  status: Invitation['status'],
  acceptedAt: string | null = null,
): RosterState {
  const known = state.invitations.get(invitationId)
  return known ? withInvitation(state, { ...known, status, acceptedAt }) : state
}
