/** How the streams of a desk are folded for auditors, in plain values, and how a process asks for its turn at a desk. */
import type { AnyEvent } from '../../../events/event.ts'
import type { RunTotals } from '../../../events/rungate/call-facts.ts'
import type { DeskBookEvent, DeskEvent, DeskTurnEvent } from '../../../events/rungate/desk.ts'
import { PartedMap } from '../../../runtime/parted-map.ts'
import type { Aggregate, AnyAggregate } from '../../decider.ts'
import { DESK, DESK_BOOK } from './desk.ts'

interface AuditedRun {
  state: string
  costUsd: string
  stepCount: number
}
interface AuditedDesk {
  /** Runs that go on, or have calls under way, and the last one that ended. */
  runs: PartedMap<AuditedRun>
  /** Call → what is held for it, in USD. */
  held: PartedMap<string>
  lastEnded: (AuditedRun & { runId: string }) | null
}
const nothing: AuditedDesk = { runs: new PartedMap(), held: new PartedMap(), lastEnded: null }

export const desk: AnyAggregate = {
  category: DESK,
  initialState: nothing,
  evolve: (state, event: AnyEvent) => audited(state as AuditedDesk, event as DeskEvent),
}

function audited(state: AuditedDesk, event: DeskEvent): AuditedDesk {
  switch (event.type) {
    case 'rungate.BookOpened.v1': {
      const { runs, calls } = event.data.state
      return {
        ...state,
        runs: runs.reduce(
          (all, { runId, status, costUsd, stepCount }) => all.with(runId, { state: status, costUsd, stepCount }),
          nothing.runs,
        ),
        held: calls.reduce((all, { callId, held }) => all.with(callId, held.usd), nothing.held),
      }
    }
    case 'rungate.RunStarted.v1':
      return withRun(state, event.data.runId, { state: 'running', costUsd: '0', stepCount: 0 })
    case 'rungate.CallReserved.v1':
      return totalled({ ...state, held: state.held.with(event.data.callId, event.data.held.usd) }, event.data)
    case 'rungate.CallSettled.v1':
      return totalled({ ...state, held: state.held.without(event.data.callId) }, event.data)
    case 'rungate.RunEnded.v1': {
      const { runId, status, run } = event.data
      const runs = state.runs.without(runId)
      return { ...state, runs, lastEnded: { runId, state: status, costUsd: run.costUsd, stepCount: run.stepCount } }
    }
    case 'rungate.CallBlocked.v1':
    case 'rungate.CallsBlocked.v1':
    case 'rungate.CallExpired.v1':
    case 'rungate.ToolCallLogged.v1':
    case 'rungate.AlertThresholdReached.v1':
      return totalled(state, event.data)
    case 'rungate.RunAnnotated.v1':
    case 'rungate.DecisionNoted.v1':
    case 'rungate.ForceStopLifted.v1':
    case 'rungate.BookClosed.v1':
      return state
    default:
      return event satisfies never
  }
}

const withRun = (state: AuditedDesk, runId: string, run: AuditedRun): AuditedDesk => ({
  ...state,
  runs: state.runs.with(runId, run),
})

function totalled(state: AuditedDesk, { runId, run }: { runId: string; run: RunTotals }): AuditedDesk {
  const before = state.runs.get(runId)
  return before ? withRun(state, runId, { ...before, costUsd: run.costUsd, stepCount: run.stepCount }) : state
}

export const deskBook: AnyAggregate = {
  category: DESK_BOOK,
  initialState: { book: 1 },
  evolve: (_, event) => ({ book: (event as DeskBookEvent).data.book }),
}

/** Asks the process that is at an agent's desk to leave room there; each asking is an event. */
export const deskTurn: Aggregate<{ askedAt: string | null }, DeskTurnEvent['data'], DeskTurnEvent> = {
  category: 'rungate.deskTurn',
  initialState: { askedAt: null },
  evolve: (_, { data }) => ({ askedAt: data.occurredAt }),
  decide: (data) => [{ type: 'rungate.TurnAsked.v1', data }],
}
