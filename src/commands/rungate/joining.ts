/**
 * How an address comes to an account: the address decides, since it belongs to one account only, and holds all that follows; then
 * the account is made or found, and its roster takes the member. What a crash left undone is done from the binding alone; a
 * roster that refuses has the address released.
 */
import type { AddressBinding, Joining } from '../../events/rungate/address.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { address, holderOf } from './address.ts'
import { register } from './registering.ts'
import { Rejected } from './rejection.ts'
import { roster } from './roster.ts'

export interface Joined {
  addressId: string
  accountId: string
  email: string
  displayName: string
  joining: Joining
}

/**
 * Binds the address and makes its holder a member. Rejects with address_elsewhere, registration_done where it belongs to this
 * account already, and with what the roster refuses.
 */
export async function join(bus: CommandBus, { addressId, ...binding }: Joined, context: CommandContext) {
  const { at } = context
  const bound = await bus.handle(address, addressId, { kind: 'bind', addressId, binding, at }, context)
  const memberId = holderOf(addressId, bound.state)
  if (bound.events.length === 0) {
    // Of two at once the second comes here, and so does whoever uses an invitation again.
    if (binding.joining.kind !== 'invited')
      throw new Rejected('registration_done', 'The account is registered already.')
    const { members } = await bus.current(roster, binding.accountId)
    if (members.has(memberId)) throw new Rejected('invitation_used', 'The invitation was accepted already.')
  }
  return finishJoining(bus, { addressId, memberId, ...binding, occurredAt: at }, context)
}

/** Everything that follows from a binding. A second time does nothing. */
export async function finishJoining(bus: CommandBus, binding: AddressBinding, context: CommandContext) {
  const { addressId, accountId, memberId, email, displayName, joining, occurredAt: at } = binding
  const isOwner = joining.kind !== 'invited'
  const registered = joining.kind === 'registered' ? await registerFrom(bus, accountId, joining, context) : undefined
  const invitation = isOwner ? undefined : (await bus.current(roster, accountId)).invitations.get(joining.invitationId)
  const member = {
    ...{ accountId, memberId, addressId, email, displayName, occurredAt: at },
    ...{ role: isOwner ? ('owner' as const) : (invitation?.facts.role ?? 'viewer') },
    invitationId: isOwner ? null : joining.invitationId,
    invitedBy: invitation?.facts.invitedBy ?? null,
  }
  const tokenHash = isOwner ? null : joining.tokenHash
  try {
    const handled = await bus.handle(roster, accountId, { kind: 'join', member, tokenHash, at }, context)
    return { handled, memberId, registered }
  } catch (error) {
    if (error instanceof Rejected) {
      const command = { kind: 'release', addressId, accountId, memberId, reason: 'undone', at: context.at } as const
      await bus.handle(address, addressId, command, context)
    }
    throw error
  }
}

async function registerFrom(
  bus: CommandBus,
  accountId: string,
  { registration }: Extract<Joining, { kind: 'registered' }>,
  context: CommandContext,
) {
  const { claim } = await register(bus, { accountId, slug: undefined, agentName: undefined, registration }, context)
  return claim
}
