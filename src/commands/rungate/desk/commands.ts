/** What a desk is told. Everything in it is plain, so that it can be decided on again. */

import type { DeskFacts } from '../../../events/rungate/desk.ts'
import type { Author } from '../../../events/rungate/vocabulary.ts'
import type {
  AdmitOutcome,
  CallFacts,
  Candidates,
  DeskOf,
  Remaining,
  RunView,
  SaidOfRun,
  SettlementFacts,
  StepFacts,
} from './interface.ts'
import type { Outcome } from './state.ts'

interface Asked {
  desk: DeskOf
  /** Now, RFC 3339; the desk's own time never goes back. */
  at: string
}

export type AdmitCommand = Asked & {
  kind: 'admit'
  facts: CallFacts
  candidatesOf: (run: RunView['settings'], model: string) => Candidates
  processId: string
}
export type SettleCommand = Asked & { kind: 'settle'; facts: SettlementFacts }

export type RunCommand = Asked &
  (
    | {
        kind: 'complete'
        runId: string | null
        by: 'agent' | 'dashboard'
        endedReason?: string | undefined
        metadata?: Record<string, unknown> | undefined
        outcome?: Outcome | undefined
        outcomeReason?: string | undefined
        author: Author
      }
    | { kind: 'stop'; runId: string; author: Author }
    | { kind: 'completeAll'; endedReason?: string | undefined; author: Author }
    | {
        kind: 'annotate'
        runId: string | null
        policyId: string | null
        isKnown: boolean
        name?: string | null | undefined
        outcome?: Outcome | null | undefined
        outcomeReason?: string | null | undefined
        author: Author
      }
    | { kind: 'lift'; runId: string; policyId: string; isKnown: boolean; author: Author }
    | ({ kind: 'logTool'; runId: string } & StepFacts)
    /** Refusals that were counted and have no step. */
    | { kind: 'noteBlocked'; runId: string; stepId: string; code: string; count: number }
    /** An approval that the run waits for was decided. */
    | { kind: 'noteApproval'; runId: string; approvalId: string; decision: 'approved' | 'rejected' }
    /** What the clock decides: runs that are idle, and calls past their time. */
    | { kind: 'sweep' }
    /** Calls of a process that is gone for good. */
    | { kind: 'expireOf'; processId: string }
  )

export type DeskCommand = AdmitCommand | SettleCommand | RunCommand

export type DeskResult =
  | { kind: 'admit'; outcome: AdmitOutcome; blocked: Uncounted | undefined }
  | { kind: 'settle'; run: RunView | undefined; remaining: Remaining | undefined }
  | { kind: 'ended'; ended: { facts: DeskFacts<'rungate.RunEnded.v1'>; policyName: string }[] }
  | { kind: 'annotated'; runId: string; said: SaidOfRun | undefined }
  | { kind: 'lifted'; liftedAt: string }
  | { kind: 'logged'; step: DeskFacts<'rungate.ToolCallLogged.v1'> }
  | { kind: 'swept'; nextAtMs: number | undefined }

/** A refusal beyond those that have a step of their own: whoever answers it counts it. */
export interface Uncounted {
  runId: string
  stepId: string
  code: string
}
