/** Puts events together: what all of them say, and the totals of a run right after each. */
import type { DeskEvent, DeskFacts } from '../../../events/rungate/desk.ts'
import type { Author } from '../../../events/rungate/vocabulary.ts'
import { isoOf, msOf } from '../../../runtime/iso-time.ts'
import type { DeskOf } from './interface.ts'
import type { DeskState, Outcome, Run } from './state.ts'
import { totalsOf } from './view.ts'

/** One decision: the state that events are taken into at once, and the time that it is made at. */
export interface Deciding {
  readonly state: DeskState
  readonly desk: DeskOf
  /** Never before the desk's last event. */
  readonly atMs: number
  readonly at: string
  readonly emit: (event: DeskEvent) => void
}

export function decidingOn(
  state: DeskState,
  { desk, at }: { desk: DeskOf; at: string },
  emit: (event: DeskEvent) => void,
): Deciding {
  const askedMs = msOf(at)
  if (askedMs >= state.atMs) return { state, desk, atMs: askedMs, at, emit }
  return { state, desk, atMs: state.atMs, at: isoOf(state.atMs), emit }
}

export const ofDesk = ({ desk: { accountId, agentId }, at }: Deciding) => ({ accountId, agentId, occurredAt: at })

export const ofRun = (deciding: Deciding, { runId, policyId }: { runId: string; policyId: string }) => ({
  ...ofDesk(deciding),
  runId,
  policyId,
})

type WithTotals = Extract<DeskEvent, { data: { run: unknown } }>
type Without<E> = E extends WithTotals ? { type: E['type']; data: Omit<E['data'], 'run'> } : never

/** Emits an event with the run's totals as they are after it: they are put into `data`. */
export function emitWithTotals<E extends Without<WithTotals>>({ emit }: Deciding, run: Run, { type, data }: E) {
  const event = { type, data } as unknown as WithTotals
  emit(event)
  // It was taken in by now, which needs no totals, and nobody has written it yet.
  event.data.run = totalsOf(run)
  return event.data as DeskFacts<E['type']>
}

/** A reason of the house in the form of a policy's `outcomeDefaults`: `agent_signaled` → `agentSignaled`. */
const camelReason = (reason: string) => reason.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

export interface Ending {
  status: 'completed' | 'budget_exceeded' | 'force_stopped'
  endedReason: string
  completionReason: 'explicit' | 'idle_timeout' | null
  author?: Author | null
  outcome?: Outcome | undefined
  outcomeReason?: string | undefined
  metadata?: Record<string, unknown> | undefined
}

/** Ends a running run (brief, section 4: what the agent set, else the policy's, else success for `agent_signaled`). */
export function endRun(deciding: Deciding, run: Run, ending: Ending): DeskFacts<'rungate.RunEnded.v1'> {
  const { status, endedReason, completionReason, author = null } = ending
  const defaults: Readonly<Record<string, Outcome | null | undefined>> = run.start.settings.outcomeDefaults ?? {}
  const usual = defaults[camelReason(endedReason)] ?? (endedReason === 'agent_signaled' ? 'success' : null)
  return emitWithTotals(deciding, run, {
    type: 'rungate.RunEnded.v1',
    data: {
      ...ofRun(deciding, run.start),
      ...{ startedAt: run.start.startedAt, name: run.name, status, endedReason, completionReason, author },
      outcome: ending.outcome ?? run.outcome ?? usual,
      outcomeReason: ending.outcomeReason ?? run.outcomeReason,
      metadata: { ...run.metadata, ...ending.metadata },
      openCalls: run.openCalls,
    },
  })
}

/** Running runs, the latest first. */
export const runningRuns = ({ runs }: DeskState): Run[] =>
  [...runs.values()].filter(({ status }) => status === 'running').toReversed()
