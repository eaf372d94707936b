/** Takes one event into a desk. It decides nothing: what an event says has happened. */

import type { DeskEvent, DeskFacts } from '../../../events/rungate/desk.ts'
import { msOf } from '../../../runtime/iso-time.ts'
import { unitsOf } from '../../../runtime/usd-units.ts'
import { stateOf } from './book.ts'
import { type Call, type DeskState, ENDED_MAX, type Run, tokensIn, windowOf } from './state.ts'
import { addToHour, addToMinute, takeFromHour } from './windows.ts'

/** Changes `state`. */
export function applyDeskEvent(state: DeskState, event: DeskEvent): void {
  const { accountId, agentId, occurredAt } = event.data
  state.owner ??= { accountId, agentId }
  state.atMs = Math.max(state.atMs, msOf(occurredAt))
  switch (event.type) {
    case 'rungate.BookOpened.v1':
      Object.assign(state, stateOf(event.data.state, { accountId, agentId }))
      return
    case 'rungate.BookClosed.v1':
      return
    case 'rungate.RunStarted.v1':
      state.runs.set(event.data.runId, startedRun(event.data, state.atMs))
      return
    case 'rungate.ForceStopLifted.v1':
      lift(state, event.data)
      return
    default: {
      // A run that has ended, and of which nothing is open, is known by its last event alone.
      const run = state.runs.get(event.data.runId)
      if (!run) return
      applyToRun(state, run, event)
      forgetIfDone(state, run)
    }
  }
}

type OfRun = Exclude<
  DeskEvent,
  { type: `rungate.${'BookOpened' | 'BookClosed' | 'RunStarted' | 'ForceStopLifted'}.v1` }
>

function applyToRun(state: DeskState, run: Run, event: OfRun): void {
  switch (event.type) {
    case 'rungate.CallReserved.v1':
      reserve(state, run, event.data)
      return
    case 'rungate.CallSettled.v1':
      settle(state, run, event.data)
      return
    case 'rungate.CallExpired.v1':
      expire(state, run, event.data)
      return
    case 'rungate.CallBlocked.v1':
      block(state, run, event.data)
      return
    case 'rungate.CallsBlocked.v1':
      run.hasGovernanceBlock = true
      return
    case 'rungate.DecisionNoted.v1':
      noteApproval(state, run, event.data)
      return
    case 'rungate.ToolCallLogged.v1':
      logTool(state, run, event.data)
      return
    case 'rungate.RunAnnotated.v1':
      annotate(run, event.data)
      return
    case 'rungate.AlertThresholdReached.v1':
      run.isOverThreshold = true
      return
    case 'rungate.RunEnded.v1':
      end(state, run, event.data)
      return
    default:
      event satisfies never
  }
}

function startedRun(data: DeskFacts<'rungate.RunStarted.v1'>, atMs: number): Run {
  const { runId, policyId, policyName, policyVersion, agentName, settings, name, metadata, occurredAt } = data
  return {
    start: { runId, policyId, policyName, policyVersion, agentName, settings, startedAt: occurredAt },
    ...{ name, metadata, status: 'running', lastActivityMs: atMs, lastStepAt: null },
    ...{ cost: 0n, tokens: { input: 0, output: 0, cacheRead: 0, cacheCreation: 0 }, stepCount: 0, ordinal: 0 },
    ...{ hasGovernanceBlock: false, kept: 0n, keptTokens: 0, reserved: 0n, reservedTokens: 0, openCalls: 0 },
    ...{ models: new Map(), isOverThreshold: false, outcome: null, outcomeReason: null },
    ...{ awaits: new Map(), blocked: new Map() },
  }
}

/** Names of models that a run counts, so that a client which makes names up fills nothing. */
const MODELS_MAX = 100

function reserve(state: DeskState, run: Run, data: DeskFacts<'rungate.CallReserved.v1'>): void {
  const { callId, startedAt, format, type, model, routedFrom, isStreaming, runId, policyId, provider } = data
  const { held, estimatedInputTokens, clampedTo, processId, expiresAt } = data
  const heldUnits = unitsOf(held.usd)
  state.calls.set(callId, {
    ...{ callId, startedAt, format, type, model, routedFrom, isStreaming, runId, policyId, provider },
    held,
    estimatedInputTokens,
    clampedTo,
    processId,
    expiresAt,
    expiredAt: null,
    heldUnits,
  })
  run.reserved += heldUnits
  run.reservedTokens += held.inputTokens + held.outputTokens
  run.openCalls += 1
  run.stepCount += 1
  run.lastActivityMs = state.atMs
  if (run.models.has(model) || run.models.size < MODELS_MAX) run.models.set(model, (run.models.get(model) ?? 0) + 1)
  const window = windowOf(state, policyId)
  addToMinute(window, state.atMs, 1, 0)
  window.reserved += heldUnits
  window.estimatedTokens += estimatedInputTokens
}

/** Gives back what was set aside for a call under way. */
function release(state: DeskState, run: Run, call: Call): void {
  run.reserved -= call.heldUnits
  run.reservedTokens -= heldTokens(call)
  run.openCalls -= 1
  const window = windowOf(state, call.policyId)
  window.reserved -= call.heldUnits
  window.estimatedTokens -= call.estimatedInputTokens
}

export const heldTokens = ({ held }: Pick<Call, 'held'>): number => held.inputTokens + held.outputTokens

function settle(state: DeskState, run: Run, data: DeskFacts<'rungate.CallSettled.v1'>): void {
  const call = state.calls.get(data.callId)
  const window = windowOf(state, data.policyId)
  const cost = unitsOf(data.costUsd)
  if (call?.expiredAt) {
    run.kept -= call.heldUnits
    run.keptTokens -= heldTokens(call)
    if (call.heldUnits > cost) takeFromHour(window, Date.parse(call.expiredAt), call.heldUnits - cost)
    else addToHour(window, state.atMs, cost - call.heldUnits)
  } else if (call) {
    release(state, run, call)
    if (cost > 0n) addToHour(window, state.atMs, cost)
  }
  state.calls.delete(data.callId)
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = data.usage
  const used = { input, output, cacheRead, cacheCreation: cacheWrite5m + cacheWrite1h }
  addToMinute(window, state.atMs, 0, tokensIn(used))
  spend(run, cost, used)
  step(state, run, data)
}

function expire(state: DeskState, run: Run, data: DeskFacts<'rungate.CallExpired.v1'>): void {
  const call = state.calls.get(data.callId)
  if (!call) return
  release(state, run, call)
  run.kept += call.heldUnits
  run.keptTokens += heldTokens(call)
  addToHour(windowOf(state, call.policyId), state.atMs, call.heldUnits)
  state.calls.set(call.callId, { ...call, expiredAt: data.occurredAt })
  step(state, run, data)
}

function spend(run: Run, cost: bigint, used: Run['tokens']): void {
  const { input, output, cacheRead, cacheCreation } = run.tokens
  run.cost += cost
  run.tokens = {
    input: input + used.input,
    output: output + used.output,
    cacheRead: cacheRead + used.cacheRead,
    cacheCreation: cacheCreation + used.cacheCreation,
  }
}

function step(state: DeskState, run: Run, { ordinal, occurredAt }: { ordinal: number; occurredAt: string }): void {
  run.ordinal = ordinal + 1
  run.lastStepAt = occurredAt
  run.lastActivityMs = state.atMs
}

function block(state: DeskState, run: Run, data: DeskFacts<'rungate.CallBlocked.v1'>): void {
  const { code, stepId, awaits, ordinal } = data
  run.hasGovernanceBlock = true
  run.ordinal = ordinal + 1
  const minute = Math.floor(state.atMs / 60_000)
  const before = run.blocked.get(code)
  run.blocked.set(code, { minute, steps: before?.minute === minute ? before.steps + 1 : 1, stepId })
  if (!awaits) return
  const { fingerprint, until, approvalIds = [] } = awaits
  run.awaits.set(fingerprint, { untilMs: Date.parse(until), stepId, approvalIds })
}

/** A decision is activity: the agent has as long as after a call to send the request again, and finds its run. */
function noteApproval(state: DeskState, run: Run, data: DeskFacts<'rungate.DecisionNoted.v1'>): void {
  const { fingerprint, approvalId, decision } = data
  run.lastActivityMs = state.atMs
  const waits = run.awaits.get(fingerprint)
  if (!waits) return
  const left = decision === 'rejected' ? [] : waits.approvalIds.filter((id) => id !== approvalId)
  if (left.length === 0) run.awaits.delete(fingerprint)
  else run.awaits.set(fingerprint, { ...waits, approvalIds: left })
}

function logTool(state: DeskState, run: Run, data: DeskFacts<'rungate.ToolCallLogged.v1'>): void {
  const cost = unitsOf(data.costUsd)
  spend(run, cost, data.tokens)
  run.stepCount += 1
  const window = windowOf(state, data.policyId)
  if (cost > 0n) addToHour(window, state.atMs, cost)
  addToMinute(window, state.atMs, 0, tokensIn(data.tokens))
  step(state, run, data)
}

function annotate(run: Run, { name, outcome, outcomeReason, metadata }: DeskFacts<'rungate.RunAnnotated.v1'>): void {
  if (name !== undefined) run.name = name
  if (outcome !== undefined) run.outcome = outcome
  if (outcomeReason !== undefined) run.outcomeReason = outcomeReason
  if (metadata !== undefined) run.metadata = metadata
}

function end(state: DeskState, run: Run, data: DeskFacts<'rungate.RunEnded.v1'>): void {
  const { runId, policyId, status, outcome, outcomeReason, metadata } = data
  Object.assign(run, { status, outcome, outcomeReason, metadata })
  run.awaits.clear()
  run.blocked.clear()
  state.ended.set(runId, status)
  for (const oldest of state.ended.keys()) {
    if (state.ended.size <= ENDED_MAX) break
    state.ended.delete(oldest)
  }
  if (status !== 'force_stopped') return
  const cooldownMs = run.start.settings.implicitRunGrouping.forceStopCooldownMinutes * 60_000
  state.stops.set(runId, { runId, policyId, untilMs: state.atMs + cooldownMs, liftedAt: null })
  // Those that are over block nothing any more.
  for (const [id, stop] of state.stops) if (stop.untilMs < state.atMs) state.stops.delete(id)
}

function lift(state: DeskState, { runId, occurredAt }: DeskFacts<'rungate.ForceStopLifted.v1'>): void {
  const stop = state.stops.get(runId)
  if (stop && stop.liftedAt === null) state.stops.set(runId, { ...stop, liftedAt: occurredAt })
}

function forgetIfDone(state: DeskState, run: Run): void {
  if (run.status !== 'running' && run.openCalls === 0 && run.kept === 0n && run.keptTokens === 0) {
    state.runs.delete(run.start.runId)
  }
}
