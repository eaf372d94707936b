/** Who belongs to an account, and who is invited. Stream `rungate.roster-<id of the account>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { author, givenRole, role, sha256, time, uuid } from './vocabulary.ts'

const ofMember = { accountId: uuid, memberId: uuid, occurredAt: time }
const ofInvitation = { accountId: uuid, invitationId: uuid, occurredAt: time }
const token = { tokenHash: sha256, expiresAt: time }

export const rosterEvents = {
  'rungate.MemberJoined.v1': z.object({
    ...ofMember,
    addressId: uuid,
    email: personal(z.string()),
    displayName: personal(z.string()),
    role,
    /** Null: it came without one, as an owner does. */
    invitationId: uuid.nullable(),
    /** A member's id, or `token:<name>`; null: nobody has. */
    invitedBy: z.string().nullable(),
  }),
  'rungate.MemberRoleChanged.v1': z.object({ ...ofMember, role: givenRole, author }),
  'rungate.MemberRenamed.v1': z.object({ ...ofMember, displayName: personal(z.string()), author }),
  /** What was its own is the heir's from now on; null: the account's. */
  'rungate.MemberRemoved.v1': z.object({ ...ofMember, addressId: uuid, heirId: uuid.nullable(), author }),
  /** The former owner is an admin from now on. */
  'rungate.OwnershipTransferred.v1': z.object({ accountId: uuid, fromId: uuid, toId: uuid, occurredAt: time, author }),
  'rungate.InvitationCreated.v1': z.object({
    ...ofInvitation,
    ...token,
    addressId: uuid,
    /** The person who is invited, as a member to be. */
    memberId: uuid,
    email: personal(z.string()),
    role: givenRole,
    invitedBy: z.string(),
    author,
  }),
  /** The token of before opens nothing any more. */
  'rungate.InvitationResent.v1': z.object({ ...ofInvitation, ...token, author }),
  'rungate.InvitationRevoked.v1': z.object({ ...ofInvitation, author }),
  'rungate.InvitationAccepted.v1': z.object({ ...ofInvitation, memberId: uuid }),
  'rungate.InvitationExpired.v1': z.object(ofInvitation),
}
export type RosterEvent = EventOf<typeof rosterEvents>
export type InvitationFacts = Extract<RosterEvent, { type: 'rungate.InvitationCreated.v1' }>['data']
export type MemberFacts = Extract<RosterEvent, { type: 'rungate.MemberJoined.v1' }>['data']
export type MemberRemoval = Extract<RosterEvent, { type: 'rungate.MemberRemoved.v1' }>['data']
