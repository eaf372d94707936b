/**
 * A launch of the hosted terminal: a link that works once and for minutes, made by the operator and redeemed by the
 * trader's browser. The stream's id follows from the hash of the link's token, so that a link finds its launch without a
 * table, and neither id nor record leads back to the token. Redeeming, the browser's session and, for a historical
 * launch, the request to the engine are one append: whoever comes second has come too late for all of it.
 */
import type { EventOf } from '../../events/event.ts'
import type { EngineOrder } from '../../events/noctant/account.ts'
import type { LaunchSessionEvent, launchSessionEvents } from '../../events/noctant/launch-session.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandContext } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends keyof typeof launchSessionEvents> = Extract<
  EventOf<typeof launchSessionEvents>,
  { type: T }
>['data']
export type LaunchFacts = Omit<DataOf<'noctant.LaunchSessionCreated.v1'>, 'occurredAt'>
export type HistoricalFacts = NonNullable<LaunchFacts['historical']>

export interface LaunchSessionView {
  facts: LaunchFacts
  createdAt: string
  redeemedAt: string | null
  /** Set with the redemption. */
  browserSession: { hash: string; expiresAt: string } | null
}

export type LaunchSessionState = { status: 'absent' } | ({ status: 'open' | 'redeemed' } & LaunchSessionView)

export type LaunchSessionCommand =
  | { kind: 'create'; facts: LaunchFacts; at: string }
  | {
      kind: 'redeem'
      browserSessionHash: string
      browserSessionExpiresAt: string
      commandId: string
      at: string
    }

/** The launch that a token stands for, by the token's hash. */
export const launchSessionIdOf = (tokenHash: string): string => deterministicId('noctant.launchSession', tokenHash)

/** The historical session of a launch and its run: a launch has one at most. */
export const historicalSessionIdOf = (launchSessionId: string): string =>
  deterministicId('noctant.historicalSession', launchSessionId)
export const backtestRunIdOf = (launchSessionId: string): string =>
  deterministicId('noctant.backtestRun', launchSessionId)

export const launchSession: Aggregate<LaunchSessionState, LaunchSessionCommand, LaunchSessionEvent> = {
  category: 'noctant.launchSession',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'noctant.LaunchSessionCreated.v1') {
      const { occurredAt, ...facts } = event.data
      return { status: 'open', facts, createdAt: occurredAt, redeemedAt: null, browserSession: null }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'noctant.LaunchSessionRedeemed.v1':
        return { ...state, status: 'redeemed', redeemedAt: event.data.occurredAt }
      case 'noctant.BrowserSessionAttached.v1': {
        const { browserSessionHash: hash, expiresAt } = event.data
        return { ...state, browserSession: { hash, expiresAt } }
      }
      case 'noctant.HistoricalSessionRequested.v1':
      case 'noctant.EngineCommandRequested.v1':
        return state
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    switch (command.kind) {
      case 'create':
        if (state.status !== 'absent') throw new Rejected('concurrent_change', 'The launch exists already.')
        return [{ type: 'noctant.LaunchSessionCreated.v1', data: { ...command.facts, occurredAt: command.at } }]
      case 'redeem':
        return redeem(command, state)
      default:
        return command satisfies never
    }
  },
}

function redeem(
  command: Extract<LaunchSessionCommand, { kind: 'redeem' }>,
  state: LaunchSessionState,
): LaunchSessionEvent[] {
  const refusal = redemptionRefusal(state, command.at)
  if (refusal || state.status === 'absent') throw refusal ?? launchNotFound()
  const { facts } = state
  const { launchSessionId, operatorId } = facts
  const head = { launchSessionId, operatorId, occurredAt: command.at }
  const { browserSessionHash, browserSessionExpiresAt: expiresAt } = command
  return [
    { type: 'noctant.LaunchSessionRedeemed.v1', data: head },
    { type: 'noctant.BrowserSessionAttached.v1', data: { ...head, browserSessionHash, expiresAt } },
    ...(facts.historical ? historicalSession(facts, facts.historical, command) : []),
  ]
}

const launchNotFound = () => new Rejected('launch_session_not_found', 'There is no such launch.')

/** Why a launch cannot be redeemed at that time; undefined where it can. A used link is used, whatever its age. */
export function redemptionRefusal(state: LaunchSessionState, at: string): Rejected | undefined {
  if (state.status === 'absent') return launchNotFound()
  if (state.status === 'redeemed') return new Rejected('launch_session_redeemed', 'The launch has been used.')
  if (at >= state.facts.expiresAt) return new Rejected('launch_session_expired', 'The launch has expired.')
  return undefined
}

/** The session is asked for under the redeeming command's id; the run's id stands where an account's would. */
function historicalSession(
  facts: LaunchFacts,
  historical: HistoricalFacts,
  command: Pick<CommandContext, 'commandId' | 'at'>,
): LaunchSessionEvent[] {
  const { launchSessionId, operatorId, orgId, globalUserId, externalUserId, requestedProductMode } = facts
  const { mode, feed, marketTimeStart, marketTimeEnd, currency, initialBalance, strategy } = historical
  const sessionId = historicalSessionIdOf(launchSessionId)
  const backtestRunId = backtestRunIdOf(launchSessionId)
  const range = { marketTimeStart, marketTimeEnd }
  const order: EngineOrder = { kind: 'start_replay', sessionId, feed, ...range, currency, initialBalance, strategy }
  const { commandId, at: occurredAt } = command
  const owner = { operatorId, orgId, globalUserId, externalUserId }
  const session = { launchSessionId, sessionId, backtestRunId, ...owner, requestedProductMode, mode }
  return [
    {
      type: 'noctant.HistoricalSessionRequested.v1',
      data: { ...session, feedId: feed.feedId, ...range, occurredAt },
    },
    {
      type: 'noctant.EngineCommandRequested.v1',
      data: { commandId, programAccountId: backtestRunId, accountId: backtestRunId, sequence: 1, order, occurredAt },
    },
  ]
}
