/**
 * What a desk knows of its agent: runs that go on or have something under way, calls under way, and the cells of both windows.
 * It is changed in place, since a busy desk takes thousands of events a second; whoever needs one to go back to clones it.
 */
import type { z } from 'zod'
import type { RunStatus, Tokens } from '../../../events/rungate/call-facts.ts'
import type { DeskFacts } from '../../../events/rungate/desk.ts'
import type { deskCall } from '../../../events/rungate/desk-book.ts'
import { cloneWindow, createWindow, type Window } from './windows.ts'

export type Outcome = 'success' | 'partial' | 'failed'

export interface Run {
  /** What does not change. */
  readonly start: Pick<
    DeskFacts<'rungate.RunStarted.v1'>,
    'runId' | 'policyId' | 'policyName' | 'policyVersion' | 'agentName' | 'settings'
  > & { startedAt: string }
  name: string | null
  /** Replaced, never changed. */
  metadata: Readonly<Record<string, unknown>>
  status: RunStatus
  lastActivityMs: number
  lastStepAt: string | null
  cost: bigint
  tokens: Tokens
  stepCount: number
  /** Place of the next step. */
  ordinal: number
  hasGovernanceBlock: boolean
  /** Of calls that expired: they count as spent. */
  kept: bigint
  keptTokens: number
  /** Of calls under way. */
  reserved: bigint
  reservedTokens: number
  openCalls: number
  models: Map<string, number>
  isOverThreshold: boolean
  outcome: Outcome | null
  outcomeReason: string | null
  /** Fingerprint of a request → until when it waits for these approvals. Replaced, never changed. */
  awaits: Map<string, { untilMs: number; stepId: string; approvalIds: readonly string[] }>
  blocked: Map<string, { minute: number; steps: number; stepId: string }>
}

/** Replaced, never changed. */
export type Call = Readonly<z.infer<typeof deskCall> & { heldUnits: bigint }>

export interface Stop {
  runId: string
  policyId: string
  untilMs: number
  liftedAt: string | null
}

export interface DeskState {
  /** Undefined before the first event. */
  owner: { accountId: string; agentId: string } | undefined
  /** Of the last event; the desk's time never goes back. */
  atMs: number
  runs: Map<string, Run>
  calls: Map<string, Call>
  /** By policy. */
  windows: Map<string, Window>
  /** By run; of force-stops. */
  stops: Map<string, Stop>
  /** The last runs that ended. */
  ended: Map<string, RunStatus>
}

export const newDesk = (): DeskState => ({
  ...{ owner: undefined, atMs: 0, runs: new Map(), calls: new Map(), windows: new Map() },
  ...{ stops: new Map(), ended: new Map() },
})

export function cloneDesk(state: DeskState): DeskState {
  const runs = new Map<string, Run>()
  for (const [id, run] of state.runs) {
    const own = { models: new Map(run.models), awaits: new Map(run.awaits), blocked: new Map(run.blocked) }
    runs.set(id, { ...run, ...own })
  }
  const windows = new Map([...state.windows].map(([id, window]) => [id, cloneWindow(window)]))
  return {
    ...state,
    ...{ runs, windows, calls: new Map(state.calls), stops: new Map(state.stops), ended: new Map(state.ended) },
  }
}

/** Runs that the desk remembers after their end, so that a call which names one needs no read model. */
export const ENDED_MAX = 1_000

/** For decisions, which change nothing. */
export const windowSeen = (state: DeskState, policyId: string): Readonly<Window> =>
  state.windows.get(policyId) ?? createWindow()

export function windowOf(state: DeskState, policyId: string): Window {
  const window = state.windows.get(policyId) ?? createWindow()
  state.windows.set(policyId, window)
  return window
}

export const tokensIn = ({ input, output, cacheRead, cacheCreation }: Tokens): number =>
  input + output + cacheRead + cacheCreation
