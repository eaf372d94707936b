/** Which run a call belongs to: the one that it names, a new one, or the latest under its policy (brief, section 4). */
import type { RunStatus } from '../../../events/rungate/call-facts.ts'
import { type Deciding, endRun, ofRun, runningRuns } from './emitting.ts'
import type { CallFacts, Refusal } from './interface.ts'
import type { Run } from './state.ts'
import { viewOf } from './view.ts'

export type Resolved = { kind: 'run'; run: Run; isNew: boolean } | Refusal | { kind: 'lookup'; runId: string }

type Said = Pick<Refusal, 'status' | 'code' | 'message'> & Partial<Refusal>

export const refusal = (said: Said): Refusal => ({
  ...{ kind: 'refused', details: null, run: null, retryAfterS: null, mayRetry: false },
  ...said,
})

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function resolveRun(deciding: Deciding, facts: CallFacts): Resolved {
  if (facts.run.runId !== null) return named(deciding, facts, facts.run.runId)
  if (facts.run.isNew) {
    const held = overThreshold(deciding, facts)
    if (held) return held
    for (const run of runningRuns(deciding.state)) {
      endRun(deciding, run, { status: 'completed', endedReason: 'new_run_requested', completionReason: 'explicit' })
    }
    return { kind: 'run', run: startRun(deciding, facts, 'explicit'), isNew: true }
  }
  return implicit(deciding, facts)
}

function named({ state }: Deciding, { run: { known } }: CallFacts, asked: string): Resolved {
  const unknown = refusal({ status: 404, code: 'not_found', message: 'There is no such run.' })
  if (!UUID.test(asked)) return unknown
  const runId = asked.toLowerCase()
  const run = state.runs.get(runId)
  if (run?.status === 'running') return { kind: 'run', run, isNew: false }
  const status = run?.status ?? state.ended.get(runId) ?? known
  if (status === null) return { kind: 'lookup', runId }
  return status === 'absent' ? unknown : ended(status, runId, run)
}

function ended(status: RunStatus, endedRunId: string, run: Run | undefined): Refusal {
  const about = { endedRunId, run: run ? viewOf(run) : null }
  switch (status) {
    case 'force_stopped':
      return refusal({ status: 403, code: 'run_force_stopped', message: 'The run was stopped.', ...about })
    case 'budget_exceeded':
      return refusal({ status: 402, code: 'budget_exceeded', message: 'The run has used its budget up.', ...about })
    default:
      return refusal({ status: 409, code: 'conflict', message: 'The run has ended.', ...about })
  }
}

function implicit(deciding: Deciding, facts: CallFacts): Resolved {
  const { state, atMs } = deciding
  const { policyId } = facts.policy
  const running = runningRuns(state).filter(({ start }) => start.policyId === policyId)
  const current = running.find((run) => isCurrent(run, atMs))
  if (current) return { kind: 'run', run: current, isNew: false }
  const stop = [...state.stops.values()].find(
    (each) => each.policyId === policyId && each.liftedAt === null && each.untilMs > atMs,
  )
  if (stop) {
    return refusal({
      ...{ status: 403, code: 'run_blocked_after_force_stop' },
      message: 'A run under this policy was stopped; new ones do not start by themselves for a while.',
      details: { stopped_run_id: stop.runId, blocked_until: new Date(stop.untilMs).toISOString() },
      retryAfterS: Math.max(1, Math.ceil((stop.untilMs - atMs) / 1_000)),
    })
  }
  const held = overThreshold(deciding, facts)
  if (held) return held
  for (const run of running) {
    endRun(deciding, run, { status: 'completed', endedReason: 'idle_auto_complete', completionReason: 'explicit' })
  }
  return { kind: 'run', run: startRun(deciding, facts, 'implicit'), isNew: true }
}

/** Young enough, at work, or waiting for an approval. */
export function isCurrent(run: Run, atMs: number): boolean {
  const windowMs = run.start.settings.implicitRunGrouping.timeWindowSeconds * 1_000
  return run.openCalls > 0 || atMs - run.lastActivityMs < windowMs || isAwaiting(run, atMs)
}

export const isAwaiting = (run: Run, atMs: number): boolean =>
  run.awaits.size > 0 && [...run.awaits.values()].some(({ untilMs }) => untilMs > atMs)

/** `continue_and_block_new`: no other run starts while one is over its threshold. */
function overThreshold({ state }: Deciding, { policy: { policyId } }: CallFacts): Refusal | undefined {
  const run = runningRuns(state).find(
    ({ start, isOverThreshold }) =>
      start.policyId === policyId &&
      isOverThreshold &&
      start.settings.budget.onAlertThreshold === 'continue_and_block_new',
  )
  return (
    run &&
    refusal({
      ...{ status: 402, code: 'budget_alert_exceeded', run: viewOf(run) },
      message: 'A run under this policy has passed its alert threshold; no other one starts before it ends.',
    })
  )
}

function startRun(deciding: Deciding, facts: CallFacts, creationMethod: 'explicit' | 'implicit'): Run {
  const { agent, policy, newRunId: runId, run: asked } = facts
  const { policyId, name: policyName, version: policyVersion, settings } = policy
  deciding.emit({
    type: 'rungate.RunStarted.v1',
    data: {
      ...ofRun(deciding, { runId, policyId }),
      ...{ agentName: agent.name, memberId: agent.memberId, policyName, policyVersion, settings, creationMethod },
      ...{ name: asked.name, metadata: asked.metadata ?? {} },
    },
  })
  const run = deciding.state.runs.get(runId)
  if (!run) throw new Error('a run that has started is there')
  return run
}
