/**
 * A launch of a release: made, begun, alive as long as it says so, ended or failed. What is told again changes nothing, and after the
 * end nothing else is heard.
 */
import type { ArcadeLaunchEvent } from '../../events/killatamata/arcade.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type LaunchFacts = Extract<ArcadeLaunchEvent, { type: 'killatamata.LaunchCreated.v1' }>['data']
export type LaunchStatus = 'created' | 'launched' | 'ended' | 'failed_bootstrap'

export type ArcadeLaunchState =
  | { status: 'absent' }
  | {
      status: LaunchStatus
      facts: LaunchFacts
      /** The last sign of life. */
      seenAt: string
      hasBeaten: boolean
    }
type Existing = Exclude<ArcadeLaunchState, { status: 'absent' }>

export type ArcadeLaunchCommand =
  | { kind: 'create'; facts: LaunchFacts }
  | { kind: 'launched' | 'heartbeat' | 'end'; accountId: string; at: string }
  | { kind: 'failed_bootstrap'; accountId: string; failureReason: string; at: string }
  /** Where its time is over, or nothing was heard of it for so long. */
  | { kind: 'expire'; silentMs: number; at: string }

/** Least time between two signs of life that are kept. */
const HEARTBEAT_MS = 60_000

export const launchNotFound = () => new Rejected('launch_session_not_found', 'There is no such launch session.')
const conflict = ({ status }: Existing) =>
  new Rejected('launch_session_state_conflict', `The launch session is ${status}.`)

export const arcadeLaunch: Aggregate<ArcadeLaunchState, ArcadeLaunchCommand, ArcadeLaunchEvent> = {
  category: 'killatamata.arcadeLaunch',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt: seenAt } = event.data
    if (event.type === 'killatamata.LaunchCreated.v1') {
      return { status: 'created', facts: event.data, seenAt, hasBeaten: false }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.LaunchStarted.v1':
        return { ...state, status: 'launched', seenAt }
      case 'killatamata.LaunchHeartbeat.v1':
        return { ...state, seenAt, hasBeaten: true }
      case 'killatamata.LaunchEnded.v1':
        return { ...state, status: 'ended' }
      case 'killatamata.LaunchFailed.v1':
        return { ...state, status: 'failed_bootstrap' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      return state.status === 'absent' ? [{ type: 'killatamata.LaunchCreated.v1', data: command.facts }] : []
    }
    if (state.status === 'absent') throw launchNotFound()
    const { accountId, sessionId } = state.facts
    const of = { accountId, sessionId, occurredAt: command.at }
    if (command.kind === 'expire') return expired(of, state, command.silentMs)
    if (command.accountId !== accountId) throw launchNotFound()
    switch (command.kind) {
      case 'launched': {
        if (state.status === 'launched') return []
        if (state.status !== 'created' || isOver(state, command.at)) throw conflict(state)
        return [{ type: 'killatamata.LaunchStarted.v1', data: { ...of, expiresAt: state.facts.expiresAt } }]
      }
      case 'heartbeat': {
        if (state.status !== 'launched') throw conflict(state)
        const isEarly = Date.parse(command.at) - Date.parse(state.seenAt) < HEARTBEAT_MS
        return state.hasBeaten && isEarly ? [] : [{ type: 'killatamata.LaunchHeartbeat.v1', data: of }]
      }
      case 'end': {
        if (state.status === 'ended') return []
        if (state.status !== 'launched') throw conflict(state)
        return [{ type: 'killatamata.LaunchEnded.v1', data: { ...of, reason: 'player' } }]
      }
      case 'failed_bootstrap': {
        if (state.status === 'failed_bootstrap') return []
        if (state.status === 'ended') throw conflict(state)
        return [{ type: 'killatamata.LaunchFailed.v1', data: { ...of, failureReason: command.failureReason } }]
      }
      default:
        return command satisfies never
    }
  },
}

type Of = { accountId: string; sessionId: string; occurredAt: string }

/** Whether nobody may open it any more at this time. */
export const isOver = ({ status, facts }: Existing, at: string): boolean =>
  status === 'ended' ||
  status === 'failed_bootstrap' ||
  at >= facts.expiresAt ||
  (status === 'created' && at >= facts.startBy)

function expired(of: Of, state: Existing, silentMs: number): ArcadeLaunchEvent[] {
  const { status, facts, seenAt } = state
  if (status !== 'created' && status !== 'launched') return []
  const isSilent = Date.parse(of.occurredAt) - Date.parse(seenAt) >= silentMs
  const reason = isOver(state, of.occurredAt)
    ? of.occurredAt >= facts.expiresAt
      ? 'expired'
      : 'never_started'
    : status === 'launched' && isSilent
      ? 'silent'
      : undefined
  return reason === undefined ? [] : [{ type: 'killatamata.LaunchEnded.v1', data: { ...of, reason } }]
}
