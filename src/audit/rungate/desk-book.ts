/**
 * The book of a desk: what calls and tool calls cost makes the cost that each event states of its run, a call ends once, and at
 * each reservation what was spent, what may have been and what is set aside stay within the run's hard limit.
 */

import type { AnyEvent } from '../../events/event.ts'
import type { RunTotals } from '../../events/rungate/call-facts.ts'
import type { DeskEvent } from '../../events/rungate/desk.ts'
import { limitOf, unitsOf, usdOf } from '../../runtime/usd-units.ts'
import type { Book, OpenBook } from '../declarations.ts'

interface Kept {
  cost: bigint
  limit: bigint | undefined
  /** Call → what is set aside for it, or may have been spent on it. */
  held: Map<string, bigint>
}

export const deskBook: Book = {
  name: 'the book of a desk',
  open(): OpenBook {
    // Runs that started before the first event that is read are not missed.
    const runs = new Map<string, Kept>()
    return { enter: (event) => enter(runs, event) }
  },
}

function enter(runs: Map<string, Kept>, event: AnyEvent): string[] {
  const { type, data } = event as DeskEvent
  switch (type) {
    case 'rungate.BookOpened.v1':
      runs.clear()
      for (const { runId, costUsd, settings } of data.state.runs) runs.set(runId, kept(settings, costUsd))
      for (const { runId, callId, held } of data.state.calls) runs.get(runId)?.held.set(callId, unitsOf(held.usd))
      return []
    case 'rungate.RunStarted.v1':
      runs.set(data.runId, kept(data.settings, '0'))
      return []
    case 'rungate.CallReserved.v1': {
      const run = runs.get(data.runId)
      run?.held.set(data.callId, unitsOf(data.held.usd))
      return [...statedFaults(run, data), ...limitFaults(run)]
    }
    case 'rungate.CallSettled.v1': {
      const run = runs.get(data.runId)
      if (!run) return []
      run.cost += unitsOf(data.costUsd)
      const isHeld = run.held.delete(data.callId)
      return [...statedFaults(run, data), ...(isHeld ? [] : [`the call ${data.callId} was settled without being open`])]
    }
    case 'rungate.ToolCallLogged.v1': {
      const run = runs.get(data.runId)
      if (run) run.cost += unitsOf(data.costUsd)
      return statedFaults(run, data)
    }
    case 'rungate.CallBlocked.v1':
    case 'rungate.CallsBlocked.v1':
    case 'rungate.CallExpired.v1':
    case 'rungate.AlertThresholdReached.v1':
      return statedFaults(runs.get(data.runId), data)
    case 'rungate.RunEnded.v1': {
      const run = runs.get(data.runId)
      if (run?.held.size === 0) runs.delete(data.runId)
      return statedFaults(run, data)
    }
    default:
      return []
  }
}

const kept = ({ budget }: { budget: { hardLimitUsd: string | null } }, costUsd: string): Kept => ({
  cost: unitsOf(costUsd),
  limit: budget.hardLimitUsd === null ? undefined : limitOf(budget.hardLimitUsd),
  held: new Map(),
})

function statedFaults(run: Kept | undefined, { runId, run: { costUsd } }: { runId: string; run: RunTotals }): string[] {
  if (!run || usdOf(run.cost) === usdOf(unitsOf(costUsd))) return []
  return [`the run ${runId} has cost ${costUsd}, but its steps make ${usdOf(run.cost)}`]
}

function limitFaults(run: Kept | undefined): string[] {
  if (run?.limit === undefined) return []
  const held = run.held.values().reduce((sum, each) => sum + each, 0n)
  if (run.cost + held <= run.limit) return []
  return [`${usdOf(run.cost)} is spent and ${usdOf(held)} set aside, of at most ${usdOf(run.limit)}`]
}
