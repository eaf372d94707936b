/** The end of a call: its true cost takes the place of what was set aside, once. */

import { limitOf, unitsOf, usdOf } from '../../../runtime/usd-units.ts'
import { Rejected } from '../rejection.ts'
import type { DeskResult, RunCommand, SettleCommand } from './commands.ts'
import { type Deciding, emitWithTotals, endRun, ofRun } from './emitting.ts'
import { type Call, type Run, tokensIn } from './state.ts'
import { remainingOf, viewOf } from './view.ts'

type Result = Extract<DeskResult, { kind: 'settle' }>

/** A call that is unknown was settled before, or never admitted: nothing follows. */
export function settle(deciding: Deciding, { facts }: SettleCommand): Result {
  const { state } = deciding
  const call = state.calls.get(facts.callId)
  const run = call && state.runs.get(call.runId)
  if (!call || !run) return { kind: 'settle', run: undefined, remaining: undefined }
  emitWithTotals(deciding, run, {
    type: 'rungate.CallSettled.v1',
    data: {
      ...facts,
      ...ofRun(deciding, run.start),
      ...callIn(call),
      costUsd: usdOf(unitsOf(facts.costUsd)),
      attempts: [...facts.attempts],
      isAfterEnd: run.status !== 'running',
      replacesHeld: call.expiredAt !== null,
      held: call.held,
      clampedTo: call.clampedTo,
      ordinal: run.ordinal,
    },
  })
  raiseAlert(deciding, run)
  return { kind: 'settle', run: viewOf(run), remaining: remainingOf(run) }
}

const callIn = ({ callId, startedAt, format, type, model, routedFrom, isStreaming }: Call) => {
  return { callId, startedAt, format, type, model, routedFrom, isStreaming }
}

/** Nobody knows what became of it: what was set aside counts as spent until somebody does. */
export function expire(deciding: Deciding, call: Call): void {
  const run = deciding.state.runs.get(call.runId)
  if (!run) return
  emitWithTotals(deciding, run, {
    type: 'rungate.CallExpired.v1',
    data: {
      ...ofRun(deciding, run.start),
      ...callIn(call),
      ...{ provider: call.provider ?? '', held: call.held, isAfterEnd: run.status !== 'running', ordinal: run.ordinal },
    },
  })
}

/** Once in a run, as soon as what it spent reaches the policy's threshold. */
function raiseAlert(deciding: Deciding, run: Run): void {
  const { alertThresholdUsd, alertThresholdTokens, onAlertThreshold: action } = run.start.settings.budget
  if (run.isOverThreshold || run.status !== 'running') return
  const isOverUsd = alertThresholdUsd !== null && run.cost >= limitOf(alertThresholdUsd)
  const isOverTokens = alertThresholdTokens !== null && tokensIn(run.tokens) >= alertThresholdTokens
  if (!isOverUsd && !isOverTokens) return
  emitWithTotals(deciding, run, {
    type: 'rungate.AlertThresholdReached.v1',
    data: {
      ...ofRun(deciding, run.start),
      ...{ threshold: isOverUsd ? 'usd' : 'tokens', action },
      ...{ thresholdUsd: alertThresholdUsd, thresholdTokens: alertThresholdTokens },
    },
  })
  if (action !== 'stop_and_alert') return
  endRun(deciding, run, { status: 'budget_exceeded', endedReason: 'alert_threshold_stop', completionReason: null })
}

/** A tool call that an agent reports is a step of a running run, and counts toward its budget. */
export function logTool(
  deciding: Deciding,
  command: Extract<RunCommand, { kind: 'logTool' }>,
): Extract<DeskResult, { kind: 'logged' }> {
  const run = deciding.state.runs.get(command.runId)
  if (!run && !deciding.state.ended.has(command.runId)) throw new Rejected('run_not_found', 'There is no such run.')
  if (run?.status !== 'running') throw new Rejected('run_not_running', 'The run has ended.')
  const { enabled, maxStepsPerRun } = run.start.settings.runawayPrevention
  if (enabled && run.stepCount >= maxStepsPerRun) {
    throw new Rejected('step_limit_reached', `The policy allows ${maxStepsPerRun} steps in a run.`)
  }
  const { stepId, name, provider, status, tokens, costUsd, latencyMs, errorMessage, mayKeep } = command
  const step = emitWithTotals(deciding, run, {
    type: 'rungate.ToolCallLogged.v1',
    data: {
      ...ofRun(deciding, run.start),
      ...{ stepId, name, provider, status, tokens, latencyMs, errorMessage, ordinal: run.ordinal },
      hasContent: mayKeep(run.start.settings),
      costUsd: usdOf(unitsOf(costUsd)),
    },
  })
  raiseAlert(deciding, run)
  return { kind: 'logged', step }
}
