/**
 * An e-mail address: which account it belongs to, and how its holder signs in. Stream `rungate.address-<id>`; the id is made of
 * the address under a key of the installation, so that nobody else can tell which address it is.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { registration } from './account.ts'
import { sha256, time, uuid } from './vocabulary.ts'

/** The holder: one and the same until it is removed from its account, or forgotten. */
const ofAddress = { addressId: uuid, memberId: uuid, occurredAt: time }

/** How an address comes to an account; all that follows can be made from it alone. */
const joining = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('registered'), registration }),
  z.object({ kind: z.literal('claimed') }),
  z.object({ kind: z.literal('invited'), invitationId: uuid, tokenHash: sha256 }),
])
export type Joining = z.infer<typeof joining>

export const addressEvents = {
  'rungate.LoginRequested.v1': z.object({
    ...ofAddress,
    /** The account of the address; null: it has none. */
    accountId: uuid.nullable(),
    loginId: uuid,
    email: personal(z.string()),
    tokenHash: sha256,
    /** Under a key of the installation: six digits are soon guessed. */
    codeHash: sha256,
    expiresAt: time,
  }),
  /** A wrong code. */
  'rungate.LoginFailed.v1': z.object({ ...ofAddress, accountId: uuid.nullable(), loginId: uuid }),
  'rungate.LoginVerified.v1': z.object({ ...ofAddress, accountId: uuid.nullable(), loginId: uuid }),
  'rungate.AddressBound.v1': z.object({
    ...ofAddress,
    accountId: uuid,
    email: personal(z.string()),
    displayName: personal(z.string()),
    joining,
  }),
  /** `undone`: the account did not take the address; `removed`: its holder was removed from the account. */
  'rungate.AddressReleased.v1': z.object({ ...ofAddress, accountId: uuid, reason: z.enum(['undone', 'removed']) }),
  /** The key of the person was destroyed: nobody can read what is personal any more. The address is a stranger's. */
  'rungate.MemberForgotten.v1': z.object({
    ...ofAddress,
    accountId: uuid.nullable(),
    /** Of the request to forget; nothing personal. */
    reference: z.string().nullable(),
  }),
}
export type AddressEvent = EventOf<typeof addressEvents>
export type AddressBinding = Extract<AddressEvent, { type: 'rungate.AddressBound.v1' }>['data']
