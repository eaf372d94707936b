/** What agents, operators and the clock do to runs. */
import { Rejected } from '../rejection.ts'
import type { DeskResult, RunCommand } from './commands.ts'
import { type Deciding, emitWithTotals, endRun, ofRun, runningRuns } from './emitting.ts'
import { isAwaiting } from './resolve.ts'
import { expire } from './settle.ts'
import type { DeskState, Run } from './state.ts'

type Of<K extends RunCommand['kind']> = Extract<RunCommand, { kind: K }>

type Noted = Omit<Of<'noteApproval'>, 'kind' | 'desk' | 'at'>

const notFound = () => new Rejected('run_not_found', 'There is no such run.')
const notRunning = () => new Rejected('run_not_running', 'The run has ended.')

/** The named one, or the latest that is running. */
function runningRun(state: DeskState, runId: string | null): Run {
  const run = runId === null ? runningRuns(state)[0] : state.runs.get(runId)
  if (run?.status === 'running') return run
  // One that the desk has never heard of, or has forgotten: the caller asked the read models before.
  throw runId === null || (!run && !state.ended.has(runId)) ? notFound() : notRunning()
}

export function complete(deciding: Deciding, command: Of<'complete'>): DeskResult {
  const run = runningRun(deciding.state, command.runId)
  const { by, endedReason, outcome, outcomeReason, metadata, author } = command
  const ended = endRun(deciding, run, {
    ...{ status: 'completed', completionReason: 'explicit', outcome, outcomeReason, metadata, author },
    endedReason: endedReason ?? (by === 'agent' ? 'agent_signaled' : 'admin_completed'),
  })
  return { kind: 'ended', ended: [{ facts: ended, policyName: run.start.policyName }] }
}

export function stop(deciding: Deciding, { runId, author }: Of<'stop'>): DeskResult {
  const run = runningRun(deciding.state, runId)
  const ending = { status: 'force_stopped', endedReason: 'admin_stopped', completionReason: null, author } as const
  return { kind: 'ended', ended: [{ facts: endRun(deciding, run, ending), policyName: run.start.policyName }] }
}

export function completeAll(deciding: Deciding, { endedReason, author }: Of<'completeAll'>): DeskResult {
  const ended = runningRuns(deciding.state).map((run) => ({
    facts: endRun(deciding, run, {
      ...{ status: 'completed', completionReason: 'explicit', author },
      endedReason: endedReason ?? 'agent_complete_all',
    }),
    policyName: run.start.policyName,
  }))
  return { kind: 'ended', ended }
}

export function annotate(deciding: Deciding, command: Of<'annotate'>): DeskResult {
  const { state } = deciding
  const run = command.runId === null ? runningRun(state, null) : state.runs.get(command.runId)
  const runId = run?.start.runId ?? command.runId
  const policyId = run?.start.policyId ?? command.policyId
  if (runId === null || policyId === null || (!run && !command.isKnown)) throw notFound()
  const { name, outcome, outcomeReason, author } = command
  const isSame =
    run !== undefined &&
    (name === undefined || name === run.name) &&
    (outcome === undefined || outcome === run.outcome) &&
    (outcomeReason === undefined || outcomeReason === run.outcomeReason)
  if (!isSame) {
    const changes = {
      ...(name === undefined ? {} : { name }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(outcomeReason === undefined ? {} : { outcomeReason }),
    }
    const data = { ...ofRun(deciding, { runId, policyId }), ...changes, author }
    deciding.emit({ type: 'rungate.RunAnnotated.v1', data })
  }
  const said = run && { name: run.name, outcome: run.outcome, outcomeReason: run.outcomeReason }
  return { kind: 'annotated', runId, said }
}

/** Repeated, it answers when it was lifted first, as long as the block would last. */
export function lift(deciding: Deciding, { runId, policyId, isKnown, author }: Of<'lift'>): DeskResult {
  const stop = deciding.state.stops.get(runId)
  if (!stop && !isKnown) throw notRunning()
  if (stop?.liftedAt) return { kind: 'lifted', liftedAt: stop.liftedAt }
  deciding.emit({
    type: 'rungate.ForceStopLifted.v1',
    data: { ...ofRun(deciding, { runId, policyId }), author },
  })
  return { kind: 'lifted', liftedAt: deciding.at }
}

export function noteBlocked(deciding: Deciding, { runId, stepId, code, count }: Of<'noteBlocked'>): DeskResult {
  const run = deciding.state.runs.get(runId)
  if (run) {
    emitWithTotals(deciding, run, {
      type: 'rungate.CallsBlocked.v1',
      data: { ...ofRun(deciding, run.start), stepId, code, count },
    })
  }
  return { kind: 'swept', nextAtMs: undefined }
}

/** Nothing follows where the run does not wait for it: it has ended, or was told before. */
export function noteApproval(deciding: Deciding, { runId, approvalId, decision }: Noted): DeskResult {
  const run = deciding.state.runs.get(runId)
  const [fingerprint] = [...(run?.awaits ?? [])].find(([, { approvalIds }]) => approvalIds.includes(approvalId)) ?? []
  if (run && fingerprint !== undefined) {
    const data = { ...ofRun(deciding, run.start), approvalId, fingerprint, decision }
    deciding.emit({ type: 'rungate.DecisionNoted.v1', data })
  }
  return { kind: 'swept', nextAtMs: undefined }
}

/** Runs that nobody uses any more end, and calls past their time expire. Answers when there is something to do next. */
export function sweep(deciding: Deciding): DeskResult {
  const { state, atMs } = deciding
  for (const call of [...state.calls.values()]) {
    if (call.expiredAt === null && Date.parse(call.expiresAt) <= atMs) expire(deciding, call)
  }
  for (const run of runningRuns(state)) {
    if (run.openCalls > 0 || isAwaiting(run, atMs) || idleAtMs(run) > atMs) continue
    endRun(deciding, run, { status: 'completed', endedReason: 'idle_timeout', completionReason: 'idle_timeout' })
  }
  const times = [
    ...runningRuns(state).map(idleAtMs),
    ...[...state.calls.values()].flatMap((call) => (call.expiredAt === null ? [Date.parse(call.expiresAt)] : [])),
  ]
  return { kind: 'swept', nextAtMs: times.length === 0 ? undefined : Math.min(...times) }
}

const idleAtMs = (run: Run): number =>
  run.lastActivityMs + run.start.settings.implicitRunGrouping.runIdleTimeoutSeconds * 1_000

export function expireOf(deciding: Deciding, { processId }: Of<'expireOf'>): DeskResult {
  for (const call of [...deciding.state.calls.values()]) {
    if (call.expiredAt === null && call.processId === processId) expire(deciding, call)
  }
  return { kind: 'swept', nextAtMs: undefined }
}
