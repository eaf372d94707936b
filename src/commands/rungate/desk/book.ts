/** A desk's state as the first event of a book has it, and back. */

import type { DeskBook } from '../../../events/rungate/desk-book.ts'
import { unitsOf, usdOf } from '../../../runtime/usd-units.ts'
import { type Call, type DeskState, newDesk, type Run, windowOf } from './state.ts'

const textOf = (ms: number): string => new Date(ms).toISOString()

export function bookOf(state: DeskState): DeskBook {
  return {
    at: textOf(state.atMs),
    runs: [...state.runs.values()].map(runIn),
    calls: [...state.calls.values()].map(({ heldUnits: _, ...call }) => call),
    windows: [...state.windows]
      .filter(([, { seconds, minutes }]) => seconds.size > 0 || minutes.size > 0)
      .map(([policyId, { seconds, minutes }]) => ({
        policyId,
        seconds: [...seconds].map(([at, cell]) => ({ at, ...cell })),
        minutes: [...minutes].map(([at, units]) => ({ at, usd: usdOf(units) })),
      })),
    ended: [...state.ended].map(([runId, status]) => ({ runId, status })),
    stops: [...state.stops.values()].map(({ untilMs, ...stop }) => ({ ...stop, until: textOf(untilMs) })),
  }
}

function runIn(run: Run): DeskBook['runs'][number] {
  const { start, cost, kept, lastActivityMs, models, awaits, blocked, reserved, reservedTokens, openCalls, ...plain } =
    run
  return {
    ...start,
    ...plain,
    ...{ lastActivityAt: textOf(lastActivityMs), costUsd: usdOf(cost), keptUsd: usdOf(kept) },
    models: Object.fromEntries(models),
    awaits: Object.fromEntries(
      [...awaits].map(([id, { untilMs, stepId, approvalIds }]) => [
        id,
        { until: textOf(untilMs), stepId, approvalIds: [...approvalIds] },
      ]),
    ),
    blocked: Object.fromEntries(blocked),
  }
}

export function stateOf(book: DeskBook, owner: NonNullable<DeskState['owner']>): DeskState {
  const state: DeskState = { ...newDesk(), owner, atMs: Date.parse(book.at) }
  for (const run of book.runs) state.runs.set(run.runId, runOf(run))
  for (const { policyId, seconds, minutes } of book.windows) {
    const window = windowOf(state, policyId)
    for (const { at, requests, tokens } of seconds) window.seconds.set(at, { requests, tokens })
    for (const { at, usd } of minutes) window.minutes.set(at, unitsOf(usd))
  }
  for (const call of book.calls) addCall(state, { ...call, heldUnits: unitsOf(call.held.usd) })
  for (const { runId, status } of book.ended) state.ended.set(runId, status)
  for (const { until, ...stop } of book.stops) state.stops.set(stop.runId, { ...stop, untilMs: Date.parse(until) })
  return state
}

function addCall(state: DeskState, call: Call): void {
  state.calls.set(call.callId, call)
  const run = state.runs.get(call.runId)
  if (!run || call.expiredAt !== null) return
  run.reserved += call.heldUnits
  run.reservedTokens += call.held.inputTokens + call.held.outputTokens
  run.openCalls += 1
  const window = windowOf(state, call.policyId)
  window.reserved += call.heldUnits
  window.estimatedTokens += call.estimatedInputTokens
}

function runOf(run: DeskBook['runs'][number]): Run {
  const { runId, policyId, policyName, policyVersion, agentName, settings, startedAt, ...rest } = run
  const { name, metadata, status, lastStepAt, tokens, stepCount, ordinal, hasGovernanceBlock, keptTokens } = rest
  const { isOverThreshold, outcome, outcomeReason } = rest
  return {
    start: { runId, policyId, policyName, policyVersion, agentName, settings, startedAt },
    ...{ name, metadata, status, lastStepAt, tokens, stepCount, ordinal, hasGovernanceBlock, keptTokens },
    ...{ isOverThreshold, outcome, outcomeReason, lastActivityMs: Date.parse(rest.lastActivityAt) },
    ...{ cost: unitsOf(rest.costUsd), kept: unitsOf(rest.keptUsd), reserved: 0n, reservedTokens: 0, openCalls: 0 },
    models: new Map(Object.entries(rest.models)),
    awaits: new Map(
      Object.entries(rest.awaits).map(([id, { until, stepId, approvalIds = [] }]) => [
        id,
        { untilMs: Date.parse(until), stepId, approvalIds },
      ]),
    ),
    blocked: new Map(Object.entries(rest.blocked)),
  }
}
