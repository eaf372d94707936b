/** A device's key: it follows from the event that says the device was given it, so that a crash in between loses none. */
import { stepContext } from '../../commands/context.ts'
import type { CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { deviceLink, linkNotFound } from '../../commands/killatamata/device-link.ts'
import type { DeviceLinkEvent } from '../../events/killatamata/sign-in.ts'
import type { KeyFacts } from '../../events/killatamata/vocabulary.ts'
import { issueKey, requireRoom, type SignInParts } from './signing-in.ts'

export type LinkConsumed = Extract<DeviceLinkEvent, { type: 'killatamata.LinkConsumed.v1' }>['data']

/** The key that a device was given. A second time does nothing. */
export const finishLink = (
  parts: SignInParts,
  { accountId, linkId, key }: Pick<LinkConsumed, 'accountId' | 'linkId' | 'key'>,
  context: CommandContext,
) => {
  const step = stepContext(context, deterministicId('killatamata.link', linkId, key.keyId))
  return issueKey(parts, { accountId, key, source: 'device_link', hasRoom: true }, step)
}

export interface Poll {
  linkId: string
  deviceCodeHash: string
  /** The key that the device is given, if it is approved. */
  key: Omit<KeyFacts, 'label'>
}

export type Polled =
  | { as: 'pending'; intervalS: number; position: bigint | undefined }
  | { as: 'too_early'; intervalS: number }
  | { as: 'consumed'; given: LinkConsumed; position: bigint | undefined }

/** Throws Rejected: device_link_not_found, _consumed, _expired, key_limit_reached. */
export async function pollLink(
  parts: SignInParts,
  { linkId, ...poll }: Poll,
  context: CommandContext,
): Promise<Polled> {
  const { bus } = parts
  const before = await bus.current(deviceLink, linkId)
  // The link is not used up for a key that there is no room for.
  if (before.status === 'approved') await requireRoom(parts, before.accountId ?? undefined)
  const command = { kind: 'poll', linkId, ...poll, at: context.at } as const
  const { events, state, position } = await bus.handle(deviceLink, linkId, command, context)
  const [event] = events
  if (!event || state.status === 'absent') throw linkNotFound()
  if (event.type === 'killatamata.LinkPolledTooEarly.v1') return { as: 'too_early', intervalS: event.data.intervalS }
  if (event.type !== 'killatamata.LinkConsumed.v1') return { as: 'pending', intervalS: state.intervalS, position }
  const issued = await finishLink(parts, event.data, context)
  return { as: 'consumed', given: event.data, position: issued.position }
}
