/**
 * A device that asks for a key, and a person who allows it (RFC 8628): the device polls with its own code, the person approves the
 * short one. The interval counts from the last poll that came in time, and a poll that came too early does not move it, else a steady
 * client would never be in time again.
 */
import type { DeviceLinkEvent } from '../../events/killatamata/sign-in.ts'
import type { KeyFacts } from '../../events/killatamata/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { isSameHash } from './digests.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends DeviceLinkEvent['type']> = Extract<DeviceLinkEvent, { type: T }>['data']
type Started = DataOf<'killatamata.LinkStarted.v1'>

export type DeviceLinkState =
  | { status: 'absent' }
  | {
      status: 'pending' | 'approved' | 'consumed' | 'expired'
      facts: Started
      intervalS: number
      /** The last poll in time; null: none yet. */
      polledAt: string | null
      /** Null: nobody has approved it. */
      accountId: string | null
      keyLabel: string | null
    }
type Existing = Exclude<DeviceLinkState, { status: 'absent' }>

export type DeviceLinkCommand = { linkId: string; at: string } & (
  | { kind: 'start'; facts: Omit<Started, 'linkId' | 'occurredAt'> }
  /** `keyLabel` null: as the device has asked. */
  | { kind: 'approve'; accountId: string; keyLabel: string | null }
  /** Answers with LinkPolled, LinkPolledTooEarly or LinkConsumed, which has this key with the label of the link. */
  | { kind: 'poll'; deviceCodeHash: string; key: Omit<KeyFacts, 'label'> }
  | { kind: 'expire' }
)

/** By which the interval grows at each poll that comes too early. */
const SLOWER_BY_S = 5

export const linkNotFound = (pointer?: string) =>
  new Rejected('device_link_not_found', 'No device has asked with this code.', pointer)
const linkExpired = () => new Rejected('device_link_expired', 'The code has expired; start again.')

/** How the link stands at this time, whether or not its end was noted. */
export const standingOf = ({ status, facts }: Existing, at: string): Existing['status'] =>
  status !== 'consumed' && facts.expiresAt <= at ? 'expired' : status

export const deviceLink: Aggregate<DeviceLinkState, DeviceLinkCommand, DeviceLinkEvent> = {
  category: 'killatamata.deviceLink',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.LinkStarted.v1') {
      const { keyLabel, intervalS } = event.data
      return { status: 'pending', facts: event.data, intervalS, polledAt: null, accountId: null, keyLabel }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.LinkApproved.v1': {
        const { accountId, keyLabel } = event.data
        return { ...state, status: 'approved', accountId, keyLabel }
      }
      case 'killatamata.LinkPolled.v1':
        return { ...state, polledAt: event.data.occurredAt }
      case 'killatamata.LinkPolledTooEarly.v1':
        return { ...state, intervalS: event.data.intervalS }
      case 'killatamata.LinkConsumed.v1':
        return { ...state, status: 'consumed' }
      case 'killatamata.LinkExpired.v1':
        return { ...state, status: 'expired' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { linkId, at: occurredAt } = command
    const of = { linkId, occurredAt }
    if (command.kind === 'start') {
      if (state.status !== 'absent' && ['pending', 'approved'].includes(standingOf(state, occurredAt))) {
        throw new Rejected('user_code_taken', 'Another device asks with this code.')
      }
      return [{ type: 'killatamata.LinkStarted.v1', data: { ...command.facts, ...of } }]
    }
    if (state.status === 'absent') {
      if (command.kind === 'expire') return []
      throw linkNotFound()
    }
    const standing = standingOf(state, occurredAt)
    switch (command.kind) {
      case 'approve':
        return approved(of, state, standing, command)
      case 'poll':
        return polled(of, state, standing, command)
      case 'expire':
        return standing === 'expired' && state.status !== 'expired'
          ? [{ type: 'killatamata.LinkExpired.v1', data: of }]
          : []
      default:
        return command satisfies never
    }
  },
}

type Of = { linkId: string; occurredAt: string }

function approved(
  of: Of,
  state: Existing,
  standing: Existing['status'],
  { accountId, keyLabel }: Extract<DeviceLinkCommand, { kind: 'approve' }>,
): DeviceLinkEvent[] {
  if (standing === 'expired') throw linkExpired()
  if (state.accountId === accountId) return []
  if (state.accountId !== null) throw new Rejected('device_link_decided', 'Another account has approved this device.')
  const data = { ...of, accountId, keyLabel: keyLabel ?? state.keyLabel }
  return [{ type: 'killatamata.LinkApproved.v1', data }]
}

function polled(
  of: Of,
  state: Existing,
  standing: Existing['status'],
  { deviceCodeHash, key }: Extract<DeviceLinkCommand, { kind: 'poll' }>,
): DeviceLinkEvent[] {
  if (!isSameHash(state.facts.deviceCodeHash, deviceCodeHash)) throw linkNotFound()
  if (standing === 'consumed') {
    throw new Rejected('device_link_consumed', 'The key was handed out already; start again if it is lost.')
  }
  if (standing === 'expired') throw linkExpired()
  const { accountId, keyLabel: label, polledAt, intervalS } = state
  if (polledAt !== null && Date.parse(of.occurredAt) < Date.parse(polledAt) + intervalS * 1_000) {
    return [{ type: 'killatamata.LinkPolledTooEarly.v1', data: { ...of, intervalS: intervalS + SLOWER_BY_S } }]
  }
  if (accountId === null) return [{ type: 'killatamata.LinkPolled.v1', data: of }]
  return [{ type: 'killatamata.LinkConsumed.v1', data: { ...of, accountId, key: { ...key, label } } }]
}
